"""Findings as JUnit XML, which every CI system shows: a test case a finding."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree

from bench.drift.findings import DRIFTED, UNCOMPARED, UNJUDGED, Finding
from bench.drift.text import document
from bench.store.sanitise import sanitise

_ELEMENTS = {DRIFTED: "failure", UNJUDGED: "error", UNCOMPARED: "skipped"}


def render(findings: Sequence[Finding]) -> str:
    """One suite; what is steady passed, what drifted failed, what could not be judged is an error."""
    kinds = [one.judgement for one in findings]
    counts = {"failures": DRIFTED, "errors": UNJUDGED, "skipped": UNCOMPARED}
    numbers = {name: str(kinds.count(kind)) for name, kind in counts.items()}
    numbers["tests"] = str(len(findings))
    root = ElementTree.Element("testsuites", numbers)
    suite = ElementTree.SubElement(root, "testsuite", numbers | {"name": "drift"})
    for one in findings:
        _case(suite, one)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _case(suite: ElementTree.Element, one: Finding) -> None:
    classname = sanitise(f"{one.place.comparison}.{one.place.arm}")
    case = ElementTree.SubElement(
        suite, "testcase", classname=classname, name=sanitise(f"{one.place.task} {one.measure}")
    )
    if one.judgement in _ELEMENTS:
        figures = f"before {one.before:.4g}, now {one.now:.4g}, noise {one.noise:.4g}"
        part = ElementTree.SubElement(case, _ELEMENTS[one.judgement], message=sanitise(one.why))
        part.text = figures
    if one.changes:
        # Characters that XML cannot hold are written as their code points.
        ElementTree.SubElement(case, "system-out").text = "\n".join(
            sanitise(document(change)) for change in one.changes
        )
