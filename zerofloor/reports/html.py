"""The report as one HTML page: self-contained, without scripts, light and dark, down to a phone's
width."""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Final

from zerofloor.report import Finding, Report
from zerofloor.reports.charts import floor_chart, use_chart
from zerofloor.reports.groups import Group, groups_of
from zerofloor.reports.holding import holding_graph
from zerofloor.reports.links import help_url
from zerofloor.reports.phrases import (
    assumptions,
    changes,
    cost_of,
    document,
    gathered,
    headline,
    meaning,
    notes,
    place,
    priced_lines,
    resource_rows,
    rows,
    severity_of,
    sources_of,
    stack_of,
)
from zerofloor.reports.visible import visible
from zerofloor.words import counted, link, short

GROUP_AT_MOST: Final = 50
"""Resources that are listed for one group of findings."""

RESOURCES_AT_MOST: Final = 200

STYLE: Final = """
:root { color-scheme: light dark; --bg: #fff; --card: #f6f7f9; --fg: #1b1f24; --dim: #59636e;
  --line: #d4d9df; --bad: #b3261e; --warn: #8a5a00; --good: #1a6e37; --accent: #0b5cad; }
@media (prefers-color-scheme: dark) { :root { --bg: #12161b; --card: #1b2129; --fg: #e8ecf1;
  --dim: #a3adb8; --line: #36404b; --bad: #ff8a80; --warn: #f2c14e; --good: #6fd08c;
  --accent: #7ab7ff; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 60rem; padding: 1.5rem 1rem 4rem; background: var(--bg);
  color: var(--fg); font: 16px/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.4rem; line-height: 1.3; } h2 { font-size: 1.1rem; margin-top: 2.5rem; }
code, .path { font-family: ui-monospace, monospace; font-size: .88em; }
.dim { color: var(--dim); } .fail, .error { color: var(--bad); } .pass { color: var(--good); }
.warning { color: var(--warn); } .info, .waived { color: var(--dim); }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: .75rem; }
.figure, .finding { background: var(--card); border: 1px solid var(--line); border-radius: .5rem;
  padding: .75rem 1rem; }
.figure b { display: block; font-size: 1.15rem; } .finding { margin: .75rem 0; }
.finding h3 { margin: 0; font-size: 1rem; } .finding p { margin: .35rem 0; }
.finding ul, .plain { margin: .35rem 0; padding-left: 1.2rem; }
.chart { overflow-x: auto; } .chart svg { display: block; width: 100%; height: auto;
  min-width: 36rem; }
table { border-collapse: collapse; width: 100%; min-width: 36rem; font-size: .9rem; }
th, td { text-align: left; padding: .35rem .6rem .35rem 0; border-bottom: 1px solid var(--line);
  vertical-align: top; } td.n, th.n { text-align: right; white-space: nowrap; }
details { margin-top: 1rem; } summary { cursor: pointer; font-weight: 600; }
a { color: var(--accent); }
"""

POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
"""Nothing is loaded and nothing runs, whatever a document's text tries."""


def render(reports: Sequence[Report]) -> str:
    """The page."""
    title = "zerofloor: " + " · ".join(map(_named, reports))
    return page(
        text(title), (line for at, report in enumerate(reports) for line in _report(report, at))
    )


def _named(report: Report) -> str:
    """`FAIL, shop/dev`: what a tab shows."""
    names = [stack_of(one) or one.name for one in report.documents]
    return ", ".join([report.gate.upper(), *filter(None, names[:3])])


def page(title: str, lines: Iterable[str], style: str = "") -> str:
    """A whole page with these lines in its body, and with more style."""
    body = "\n".join(lines)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        f"<title>{title}</title>\n<style>{STYLE}{style}</style>\n</head>\n"
        f"<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def text(value: str) -> str:
    """Text of a document, harmless in HTML and in attributes."""
    return html.escape(visible(value), quote=True)


def _report(report: Report, number: int) -> Iterator[str]:
    failed = report.gate == "fail"
    word, style = ("FAIL", "fail") if failed else ("PASS", "pass")
    yield f'<h1><span class="{style}">{word}</span> {text(headline(report))}</h1>'
    sources = [f"settings {one.file} ({one.owner})" for one in report.settings]
    for line in (*map(document, report.documents), *sources):
        yield f'<div class="dim path">{text(line)}</div>'
    yield from _figures(report)
    yield from _findings(report)
    yield from _charts(report, number)
    yield from _resources(report)
    lines = priced_lines(report)
    marked = (f"{line.text} [{line.mark}]" for line in lines)
    yield from _folded("Breakdown", [*marked, *sources_of(lines, report), gathered(report)])
    yield from _folded("Assumptions", assumptions(report))
    yield from _folded("Notes", notes(report))


def _figures(report: Report) -> Iterator[str]:
    if not report.floor.entries and not report.estimate.items:
        return
    yield '<h2>Cost</h2><div class="figures">'
    for row in rows(report):
        per_hour = row.hourly if row.hourly == row.monthly else f"{row.hourly} per hour"
        yield (
            f'<div class="figure"><span class="dim">{row.name}: {row.explained}</span>'
            f"<b>{text(row.monthly)}</b><span>{text(per_hour)}</span></div>"
        )
    yield "</div>"
    for line in (*changes(report), *meaning(report)):
        yield f"<p>{text(line)}</p>"


def _findings(report: Report) -> Iterator[str]:
    for waived, title in ((False, "Findings"), (True, "Waived")):
        found = [one for one in report.findings if (one.waived_by is not None) is waived]
        if found:
            yield f"<h2>{title}</h2>"
        for group in groups_of(found):
            yield from _group(group, report)
    if report.fixed:
        gone = _list(one.message for one in report.fixed)
        yield f"<h2>Fixed since the baseline</h2><ul>{gone}</ul>"


def _group(group: Group, report: Report) -> Iterator[str]:
    first, number = group.findings[0], len(group.findings)
    style = "waived" if first.waived_by or first.tolerated else first.severity.value
    name = text(f"{first.rule} {first.name}")
    url = help_url(report, first.rule, first.name)
    if url:
        name = f'<a href="{text(url)}" rel="noreferrer">{name}</a>'
    cost = cost_of(group)
    status = f" · {first.status}" if first.status else ""
    yield '<section class="finding">'
    yield (
        f'<h3><span class="{style}">{severity_of(first)}</span> {name}{status}'
        f"{f' · {text(cost)}' if cost else ''}</h3>"
    )
    for finding in group.findings[:GROUP_AT_MOST]:
        yield from _finding(finding)
    if number > GROUP_AT_MOST:
        yield f"<p>and {counted(number - GROUP_AT_MOST, 'more resource')}</p>"
    if first.fix:
        yield f"<p><b>Change:</b> {text(first.fix)}</p>"
    if first.waived_by:
        yield f"<p>Waived by {text(first.waived_by)}</p>"
    yield "</section>"


def _finding(finding: Finding) -> Iterator[str]:
    where = place(finding)
    if where:
        yield f'<div class="dim path">{text(where)}</div>'
    worse = f" Worse: {finding.grew}." if finding.grew else ""
    yield f"<p>{text(finding.message + worse)}</p>"
    if finding.evidence:
        yield f'<ul class="dim">{_list(link(one) for one in finding.evidence)}</ul>'


def _charts(report: Report, number: int) -> Iterator[str]:
    graph = holding_graph(report)
    if graph:
        yield f'<h2>What keeps GPUs on</h2><div class="chart">{graph}</div>'
    for title, chart in (
        ("Floor by resource, in dollars a month", floor_chart(report, f"floor-{number}")),
        ("Cost over use", use_chart(report, f"use-{number}")),
    ):
        if chart:
            yield f'<h2>{title}</h2><div class="chart">{chart}</div>'


def _resources(report: Report) -> Iterator[str]:
    if not report.estimate.resources:
        return
    yield '<h2>Resources</h2><div class="chart"><table>'
    yield (
        '<tr><th>resource</th><th>runs on</th><th class="n">floor a month</th>'
        '<th class="n">ceiling a month</th></tr>'
    )
    for one, floor, ceiling in islice(resource_rows(report), RESOURCES_AT_MOST):
        yield (
            f"<tr><td>{text(short(one.urn))}</td><td>{text(one.what or 'unpriced')}</td>"
            f'<td class="n">{text(floor)}</td><td class="n">{text(ceiling)}</td></tr>'
        )
    yield "</table></div>"


def _folded(title: str, lines: Iterable[str]) -> Iterator[str]:
    shown = list(lines)
    if shown:
        yield f"<details><summary>{title} ({counted(len(shown), 'line')})</summary>"
        yield f'<ul class="plain">{_list(shown)}</ul></details>'


def _list(lines: Iterable[str]) -> str:
    return "".join(f"<li>{text(line)}</li>" for line in lines)
