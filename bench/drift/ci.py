"""Findings for continuous integration: JUnit XML, which every CI system shows, and annotations of a pull request.

Annotations are GitHub's workflow commands: docs.github.com/actions/reference/workflow-commands-for-github-actions,
"Setting an error message".
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from xml.etree import ElementTree

from bench.drift.findings import DRIFTED, STEADY, UNCOMPARED, UNJUDGED, Finding
from bench.drift.text import document
from bench.report import numbers
from bench.store.sanitise import sanitise

_ELEMENTS = {DRIFTED: "failure", UNJUDGED: "error", UNCOMPARED: "skipped"}
_LEVELS = {DRIFTED: "error", UNJUDGED: "error", STEADY: "notice"}


def junit(findings: Sequence[Finding]) -> str:
    """One suite, a test case for each finding; drift is a failure, what could not be judged an error."""
    kinds = [one.judgement for one in findings]
    counts = {"failures": DRIFTED, "errors": UNJUDGED, "skipped": UNCOMPARED}
    numbers = {name: str(kinds.count(kind)) for name, kind in counts.items()} | {"tests": str(len(findings))}
    root = ElementTree.Element("testsuites", numbers)
    suite = ElementTree.SubElement(root, "testsuite", numbers | {"name": "drift"})
    for one in findings:
        # XML cannot hold every character: sanitise writes the others as their code points.
        names = {"classname": f"{one.cell.comparison}.{one.cell.arm}", "name": f"{one.cell.task} {one.measure}"}
        case = ElementTree.SubElement(suite, "testcase", {name: sanitise(text) for name, text in names.items()})
        if one.judgement in _ELEMENTS:
            part = ElementTree.SubElement(case, _ELEMENTS[one.judgement], message=sanitise(one.why))
            part.text = f"before {one.before:.4g}, now {one.now:.4g}, noise {one.noise:.4g}"
        if one.changes:
            lines = "\n".join(sanitise(document(change)) for change in one.changes)
            ElementTree.SubElement(case, "system-out").text = lines
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def github_annotations(findings: Sequence[Finding]) -> Iterator[str]:
    """A line for each finding that fails the check, and for each whose documents differ where they must not."""
    for one in findings:
        if one.judgement in (DRIFTED, UNJUDGED) or one.changes:
            title = f"{one.cell.task} {one.measure}: {one.judgement}"
            figures = "" if math.isnan(one.before) else f"{numbers.points(one.before)} -> {numbers.points(one.now)}"
            message = ": ".join(filter(None, (f"{one.cell.comparison} {one.cell.arm}", figures, one.why)))
            yield f"::{_LEVELS[one.judgement]} title={_escaped(title, ':,')}::{_escaped(message)}\n"


def _escaped(text: str, more: str = "") -> str:
    # sanitise has written line ends, which would begin a command of their own, as code points.
    return "".join(f"%{ord(char):02X}" if char in "%" + more else char for char in sanitise(text))
