"""Findings that ask for the same change, told once."""

from __future__ import annotations

from collections.abc import Iterable

from zerofloor.report import Finding
from zerofloor.structs import Value
from zerofloor.words import counted


class Group(Value, frozen=True):
    """Findings of one rule with one severity and one fix."""

    findings: tuple[Finding, ...]
    """At least one; in the order of the report."""

    @property
    def spread(self) -> str:
        """` on 3 resources`; empty of one finding."""
        number = len(self.findings)
        if number == 1:
            return ""
        return f" on {counted(number, 'resource')}" if self.findings[0].urn else f", {number} times"


def groups_of(findings: Iterable[Finding]) -> tuple[Group, ...]:
    """The findings grouped, in the order of each group's first."""
    found: dict[tuple[object, ...], list[Finding]] = {}
    for one in findings:
        key = (one.rule, one.severity, one.fix, one.waived_by, one.status)
        found.setdefault(key, []).append(one)
    return tuple(Group(tuple(some)) for some in found.values())
