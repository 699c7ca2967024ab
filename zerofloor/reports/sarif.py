"""The findings as SARIF 2.1.0: for code scanning and for editors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, assert_never
from urllib.parse import quote

from zerofloor import __version__
from zerofloor.report import Finding, Report, Severity, Status
from zerofloor.reports.json_report import dump
from zerofloor.reports.phrases import cost_of
from zerofloor.reports.places import place_of
from zerofloor.reports.visible import visible
from zerofloor.rules import all_rules
from zerofloor.rules.rule import Rule
from zerofloor.words import short

SCHEMA: Final = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)


STATES: Final[dict[Status | None, str]] = {
    "new": "new",
    "worse": "updated",
    "existing": "unchanged",
}

FINGERPRINT: Final = "zerofloor/v1"


def render(reports: Sequence[Report]) -> str:
    """One log with one run: what code scanning takes for one analysis."""
    named = {one.rule for report in reports for one in report.findings}
    named |= {one.rule for report in reports for one in report.fixed}
    rules = [rule for rule in all_rules() if rule.id in named]
    index = {rule.id: number for number, rule in enumerate(rules)}
    results = [_result(finding, report, index) for report in reports for finding in report.findings]
    absent = [_absent(one.fingerprint, one.rule, one.message) for r in reports for one in r.fixed]
    run = {
        "tool": {
            "driver": {
                "name": "zerofloor",
                "semanticVersion": __version__,
                "rules": [_rule(rule, _docs(reports)) for rule in rules],
            }
        },
        "automationDetails": {"id": "zerofloor/"},
        "columnKind": "unicodeCodePoints",
        "results": results + absent,
    }
    return dump({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]})


def _docs(reports: Sequence[Report]) -> str | None:
    return next((report.docs for report in reports if report.docs), None)


def _rule(rule: Rule, docs: str | None) -> dict[str, Any]:
    page = f"{rule.why}\n\n**Change:** {rule.fix}\n\nBad:\n\n```yaml\n{rule.bad}```\n"
    found: dict[str, Any] = {
        "id": rule.id,
        "name": "".join(word.capitalize() for word in rule.name.split("-")),
        "shortDescription": {"text": f"{rule.title}."},
        "fullDescription": {"text": rule.why},
        "help": {
            "text": f"{rule.why} Change: {rule.fix}",
            "markdown": f"{page}\nGood:\n\n```yaml\n{rule.good}```\n",
        },
        "defaultConfiguration": {"level": _level(rule.severity)},
        "properties": {"tags": ["cost", "gpu"]},
    }
    if docs:
        found["helpUri"] = f"{docs}#{rule.id.lower()}-{rule.name}"
    return found


def _level(severity: Severity) -> str:
    match severity:
        case Severity.ERROR:
            return "error"
        case Severity.WARNING:
            return "warning"
        case Severity.INFO:
            return "note"
        case _:
            assert_never(severity)


def _result(finding: Finding, report: Report, index: dict[str, int]) -> dict[str, Any]:
    place = place_of(finding, report)
    cost = cost_of(finding)
    text = (f"{cost}: " if cost else "") + visible(finding.message)
    text += f" Change: {visible(finding.fix)}" if finding.fix else ""
    location: dict[str, Any] = {
        "physicalLocation": {
            "artifactLocation": {"uri": _uri(place.path)},
            "region": {"startLine": place.line},
        }
    }
    if finding.urn:
        name = {"fullyQualifiedName": visible(finding.urn), "name": visible(short(finding.urn))}
        location["logicalLocations"] = [name | {"kind": "resource"}]
    found: dict[str, Any] = {
        "ruleId": finding.rule,
        "ruleIndex": index[finding.rule],
        "level": _level(finding.severity),
        # SARIF links text in brackets: a document's brackets stay text.
        "message": {"text": text.replace("[", "\\[").replace("]", "\\]")},
        "locations": [location],
        "partialFingerprints": {FINGERPRINT: finding.fingerprint or "0"},
    }
    if finding.status is not None:
        found["baselineState"] = STATES[finding.status]
    if finding.waived_by is not None:
        found["suppressions"] = [
            {
                "kind": "external",
                "status": "accepted",
                "justification": visible(finding.waived_by),
            }
        ]
    return found


def _absent(fingerprint: str, rule: str, message: str) -> dict[str, Any]:
    return {
        "ruleId": rule,
        "level": "none",
        "kind": "pass",
        "message": {"text": f"Fixed: {visible(message)}"},
        "partialFingerprints": {FINGERPRINT: fingerprint},
        "baselineState": "absent",
    }


def _uri(path: str) -> str:
    quoted = quote(path.encode("utf-8", "backslashreplace"), safe="/~")
    return f"file://{quoted}" if quoted.startswith("/") else quoted
