"""Dataclasses to JSON and back, strictly: every field there, none besides, each of its type; nan is written as null.

It is our own: libraries that read dataclasses turn one type into another, or take infinity and unknown fields.
"""

from __future__ import annotations

import json
import math
import sys
import types
from collections.abc import Callable, Hashable, Mapping
from dataclasses import fields, is_dataclass
from functools import cache, lru_cache, partial
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
        return cast(Kind, _reader(cast(Hashable, kind))(json.loads(text, parse_constant=_refuse), ""))
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


@cache
def _reader(kind: Any) -> Callable[[Any, str], Any]:
    """What reads values of a kind at a place; made once: to look into a kind takes longer than to read a value."""
    origin, inner = get_origin(kind), get_args(kind)
    if is_dataclass(kind):
        return partial(_record, kind)
    if origin in (Union, types.UnionType):
        chosen = _reader(next(one for one in inner if one is not type(None)))
        return lambda data, where: None if data is None else chosen(data, where)
    if origin is dict:
        return partial(_mapping, _reader(inner[1]))
    if origin in (list, tuple):
        return partial(_row, origin, inner)
    if kind is float:
        return _number
    return _count if kind is int else partial(_expect, kind)


def _mapping(read: Callable[[Any, str], Any], data: Any, where: str) -> dict[str, Any]:
    return {key: read(item, f"{where}.{key}") for key, item in _expect(dict, data, where).items()}


def _count(data: Any, where: str) -> int:
    if abs(_expect(int, data, where)) > sys.maxsize:
        raise ValueError(f"{where.lstrip('.')} is larger than any count")
    return cast(int, data)


def _row(origin: Any, inner: tuple[Any, ...], data: Any, where: str) -> Any:
    kinds = inner if origin is tuple and inner[-1] is not Ellipsis else (inner[0],) * len(_expect(list, data, where))
    if len(kinds) != len(_expect(list, data, where)):
        raise ValueError(f"{where.lstrip('.')} has {len(data)} parts instead of {len(kinds)}")
    if origin is tuple and {str}.issuperset(map(type, data)) and {*kinds} <= {str}:
        return _shared(tuple(data))
    pairs = enumerate(zip(kinds, data, strict=True))
    return origin([_reader(kind)(item, f"{where}[{index}]") for index, (kind, item) in pairs])


@lru_cache(maxsize=4096)
def _shared(names: tuple[str, ...]) -> tuple[str, ...]:
    """Equal rows of names as one object: thousands of results have the same columns."""
    return names


def _record(kind: Any, data: Any, where: str) -> Any:
    readers, given = _readers(kind), _expect(dict, data, where)
    version = kind.__dataclass_fields__.get("format")
    if version and type(version.default) is type(had := data.get("format")) is int and had != version.default:
        age = "an older" if had < version.default else "a newer"
        raise OtherFormat(f"it is of {age} format ({had}, not {version.default})")
    if readers.keys() != given.keys():
        lacking, unknown = readers.keys() - given, given.keys() - readers
        word, names = ("lacks", lacking) if lacking else ("has unknown", unknown)
        raise ValueError(f"{where.lstrip('.') or 'it'} {word} {', '.join(sorted(map(repr, names)))}")
    return kind(**{name: read(given[name], f"{where}.{name}") for name, read in readers.items()})


@cache
def _readers(kind: Any) -> dict[str, Callable[[Any, str], Any]]:
    """What reads each field of a dataclass."""
    hints = get_type_hints(kind)
    return {name: _reader(hints[name]) for name in _stored(kind)}


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
