"""Where a finding is shown in a program: a file and a line, for tools that annotate code."""

from __future__ import annotations

import re
from typing import Final

from zerofloor.report import Finding, Report
from zerofloor.structs import Value

MANIFESTS: Final = "urn:pulumi:manifests::"


class Place(Value, frozen=True):
    """A file, and a line from 1."""

    path: str
    line: int


def place_of(finding: Finding, report: Report) -> Place:
    """The line of the declaration if the document says it; else the document itself, line 1."""
    found = re.fullmatch(r"(.+):(\d+)", finding.source or "", re.S)
    if found is not None:
        return Place(_clean(found[1]), max(int(found[2]), 1))
    if finding.urn.startswith(MANIFESTS):
        return Place(_clean(finding.urn[len(MANIFESTS) :].partition("::")[0]), 1)
    name = report.documents[0].name if report.documents else ""
    return Place(_clean(name) if name not in ("", ".", "stdin") else "Pulumi.yaml", 1)


def _clean(path: str) -> str:
    return path.replace("\\", "/").removeprefix("./")
