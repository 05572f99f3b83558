"""Dataclasses to JSON and back, strictly: every field there, none besides, each of its type; nan is written as null.

It is our own: libraries that read dataclasses turn one type into another, or take infinity and unknown fields.
"""

from __future__ import annotations

import json
import math
import sys
import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, NoReturn, TypeVar, Union, cast, get_args, get_origin, get_type_hints

Kind = TypeVar("Kind")

HERE_ONLY = {"stored": False}
"""The metadata of a dataclass field that is not written."""


class OtherFormat(ValueError):
    """What is read was written by an older or newer version."""


def dumps(value: object, indent: int | None = None) -> str:
    """A dataclass or what JSON knows as ASCII text; a nan becomes null, infinity is a ValueError."""
    return json.dumps(_plain(value), allow_nan=False, indent=indent)


def loads(kind: type[Kind], text: str | bytes) -> Kind:
    """A dataclass from its JSON; null is nan where a float is due. ValueError says which field is wrong and how."""
    try:
        return cast(Kind, _typed(kind, json.loads(text, parse_constant=_refuse), ""))
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return {name: _plain(getattr(value, name)) for name in _stored(value)}
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and math.isnan(value) else value


def _stored(kind: Any) -> list[str]:
    return [field.name for field in fields(kind) if field.metadata.get("stored", True)]


def _refuse(word: str) -> NoReturn:
    raise ValueError(f"{word} is no JSON")


def _typed(kind: Any, data: Any, where: str) -> Any:
    origin, inner = get_origin(kind), get_args(kind)
    if is_dataclass(kind):
        return _record(kind, data, where)
    if origin in (Union, types.UnionType):
        chosen = next(one for one in inner if one is not type(None))
        return None if data is None else _typed(chosen, data, where)
    if origin is dict:
        items = _expect(dict, data, where).items()
        return {key: _typed(inner[1], item, f"{where}.{key}") for key, item in items}
    if origin in (list, tuple):
        return _row(origin, inner, _expect(list, data, where), where)
    if kind is float:
        return _number(data, where)
    if kind is int and abs(_expect(int, data, where)) > sys.maxsize:
        raise ValueError(f"{where.lstrip('.')} is larger than any count")
    return _expect(kind, data, where)


def _row(origin: Any, inner: tuple[Any, ...], data: list[Any], where: str) -> Any:
    kinds = inner if origin is tuple and inner[-1] is not Ellipsis else (inner[0],) * len(data)
    if len(kinds) != len(data):
        raise ValueError(f"{where.lstrip('.')} has {len(data)} parts instead of {len(kinds)}")
    pairs = enumerate(zip(kinds, data, strict=True))
    return origin(_typed(kind, item, f"{where}[{index}]") for index, (kind, item) in pairs)


def _record(kind: Any, data: Any, where: str) -> Any:
    due, given = set(_stored(kind)), set(_expect(dict, data, where))
    version = next((field.default for field in fields(kind) if field.name == "format"), None)
    had = data.get("format")
    if type(version) is type(had) is int and had != version:
        raise OtherFormat(f"it is of {'an older' if had < version else 'a newer'} format ({had}, not {version})")
    if due != given:
        word, names = ("lacks", due - given) if due - given else ("has unknown", given - due)
        raise ValueError(f"{where.lstrip('.') or 'it'} {word} {', '.join(sorted(map(repr, names)))}")
    hints = _hints(kind)
    return kind(**{name: _typed(hints[name], data[name], f"{where}.{name}") for name in due})


@cache
def _hints(kind: Any) -> dict[str, Any]:
    """What get_type_hints says, found once a class: it is half the time of reading many results."""
    return get_type_hints(kind)


def _number(data: Any, where: str) -> float:
    if data is None:
        return math.nan
    # JSON has whole numbers that no float can hold.
    if type(data) not in (int, float) or not abs(data) <= sys.float_info.max:
        raise ValueError(f"{where.lstrip('.')} is not a finite number")
    return float(data)


def _expect(kind: Any, data: Any, where: str) -> Any:
    if type(data) is not kind:
        raise ValueError(f"{where.lstrip('.') or 'it'} is {type(data).__name__} instead of {kind.__name__}")
    return data
