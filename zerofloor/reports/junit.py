"""The findings as JUnit XML: a suite a document, a case a rule and resource."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from xml.sax.saxutils import escape, quoteattr

from zerofloor.gate.waivers import blocks
from zerofloor.report import Finding, Report
from zerofloor.reports.phrases import NOT_JUDGED, cost_of, document, headline
from zerofloor.reports.places import place_of
from zerofloor.reports.visible import visible
from zerofloor.words import short


def render(reports: Sequence[Report], not_judged: Sequence[str] = ()) -> str:
    """A `testsuites` document. A finding that does not block is a skipped case with its reason; a
    report without findings has one case that passes; what could not be judged is an error."""
    failures = sum(blocks(finding) for report in reports for finding in report.findings)
    tests = sum(max(len(report.findings), 1) for report in reports) + len(not_judged)
    errors = f' errors="{len(not_judged)}"' if not_judged else ""
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<testsuites name="zerofloor" tests="{tests}" failures="{failures}"{errors}>',
        *_not_judged(not_judged),
        *(line for report in reports for line in _suite(report)),
        "</testsuites>",
    ]
    return "\n".join(lines) + "\n"


def _not_judged(reasons: Sequence[str]) -> Iterator[str]:
    if not reasons:
        return
    number = len(reasons)
    yield f'  <testsuite name="zerofloor" tests="{number}" failures="0" errors="{number}">'
    for why in reasons:
        yield f'    <testcase classname="zerofloor" name={_attribute(NOT_JUDGED)}>'
        yield f'      <error type="not-judged" message={_attribute(why)}/>'
        yield "    </testcase>"
    yield "  </testsuite>"


def _suite(report: Report) -> Iterator[str]:
    name = " and ".join(document(one) for one in report.documents) or "zerofloor"
    failures = sum(map(blocks, report.findings))
    skipped = len(report.findings) - failures
    yield (
        f"  <testsuite name={_attribute(name)} tests="
        f'"{max(len(report.findings), 1)}" failures="{failures}" skipped="{skipped}" '
        f'timestamp="{report.today.isoformat()}T00:00:00">'
    )
    if not report.findings:
        yield '    <testcase classname="zerofloor" name="no idle GPU"/>'
    for finding in report.findings:
        yield from _case(finding, report)
    yield f"    <system-out>{_text(headline(report))}</system-out>"
    yield "  </testsuite>"


def _case(finding: Finding, report: Report) -> Iterator[str]:
    place = place_of(finding, report)
    name = f"{finding.rule} {finding.name} {short(finding.urn)}".strip()
    yield (
        f"    <testcase classname={_attribute(f'zerofloor.{finding.rule}')} "
        f'name={_attribute(name)} file={_attribute(place.path)} line="{place.line}">'
    )
    cost = cost_of(finding)
    told = (f"{cost}: " if cost else "") + finding.message
    if blocks(finding):
        yield f"      <failure type={_attribute(finding.name)} message={_attribute(told)}>"
        yield f"{_text(f'Change: {finding.fix}')}</failure>"
    else:
        why = f"waived by {finding.waived_by}" if finding.waived_by else finding.severity
        if finding.tolerated:
            why = "in the baseline"
        yield f"      <skipped message={_attribute(f'{why}: {told}')}/>"
    yield "    </testcase>"


def _attribute(text: str) -> str:
    return quoteattr(_xml(text))


def _text(text: str) -> str:
    return escape(_xml(text))


def _xml(text: str) -> str:
    """What XML has no way to write became visible before; two code points are left."""
    return visible(text).replace("\ufffe", "?").replace("\uffff", "?")
