"""The charts of the HTML report, by pygal: SVG without scripts, in the page's own colours."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, Final

from zerofloor.extras import lacking
from zerofloor.money import HOURS_PER_MONTH
from zerofloor.report import Report
from zerofloor.reports.visible import visible
from zerofloor.words import short

BARS_AT_MOST: Final = 12

HOURS: Final = tuple(range(0, 169, 12))
"""Hours of use a week at which the cost is drawn."""

MILLION: Final = Decimal(1_000_000)


def floor_chart(report: Report, name: str) -> str:
    """A bar a resource: what it costs a month while idle. Empty where nothing does."""
    held = [one for one in report.estimate.resources if one.floor.hourly.amount]
    if not held:
        return ""
    chart = _pygal().HorizontalBar(
        **_options(None), show_legend=False, x_labels_major_count=5, show_minor_x_labels=False
    )
    chart.x_labels = [visible(short(one.urn))[-48:] for one in held[:BARS_AT_MOST]]
    chart.add("floor", [_monthly(one.floor.hourly.amount) for one in held[:BARS_AT_MOST]])
    return _svg(chart, name, 120 + 34 * len(held[:BARS_AT_MOST]))


def use_chart(report: Report, name: str) -> str:
    """The cost of a month over its use; with per-token prices, where a dedicated replica breaks
    even. Empty where nothing is priced."""
    found = report.estimate.break_even
    if found is not None:
        return _tokens(report, name)
    floor, ceiling = report.estimate.floor, report.estimate.ceiling
    if ceiling.unbounded or not ceiling.hourly.amount:
        return ""
    low, high = floor.hourly.amount, ceiling.hourly.amount
    chart = _pygal().XY(**_options("dollars a month"), x_title="hours of use a week")
    chart.add("as declared", [(h, _monthly(low + (high - low) * h / 168)) for h in HOURS])
    if low:
        chart.add("scaled to zero", [(h, _monthly(high * h / 168)) for h in HOURS])
    return _svg(chart, name, 420)


def _tokens(report: Report, name: str) -> str:
    found = report.estimate.break_even
    assert found is not None
    even = found.tokens_per_month
    most = max(even * 2, found.capacity_per_month or Decimal(0))
    points = [most * step / 20 for step in range(21)]
    chart = _pygal().XY(**_options("dollars a month"), x_title="million tokens a month")
    chart.add(
        visible(f"{found.provider}, by the token")[:40],
        [(float(x / MILLION), float(x / MILLION * found.per_million.amount)) for x in points],
    )
    dedicated = float(found.dedicated_monthly.amount)
    chart.add("one replica, always on", [(float(x / MILLION), dedicated) for x in points])
    reachable = found.capacity_per_month is None or even <= found.capacity_per_month
    if reachable:
        chart.add("break-even", [(float(even / MILLION), dedicated)], dots_size=6, stroke=False)
    return _svg(chart, name, 420)


def _monthly(hourly: Decimal) -> float:
    return float((hourly * HOURS_PER_MONTH).quantize(Decimal("0.01")))


def _pygal() -> Any:
    try:
        import pygal
    except ModuleNotFoundError:
        raise lacking("the HTML report", "pygal", "html") from None
    return pygal


def _options(y_title: str | None) -> dict[str, Any]:
    from pygal.style import Style

    style = Style(
        background="transparent",
        plot_background="transparent",
        foreground="var(--dim)",
        foreground_strong="var(--fg)",
        foreground_subtle="var(--line)",
        colors=("var(--bad)", "var(--good)", "var(--accent)"),
        font_family="system-ui, sans-serif",
        label_font_size=13,
        major_label_font_size=13,
        legend_font_size=14,
        title_font_size=14,
        value_font_size=12,
    )
    return {
        "style": style,
        "js": [],
        "y_title": y_title,
        "width": 860,
        "margin": 12,
        "legend_at_bottom": True,
        "truncate_label": -1,
        "value_formatter": "{:,.0f}".format,
        "x_value_formatter": "{:,.0f}".format,
        "dots_size": 2,
    }


def _svg(chart: Any, name: str, height: int) -> str:
    """The drawing alone, the same bytes for the same numbers."""
    chart.height = height
    chart.uuid = name
    drawn = chart.render(is_unicode=True)
    drawn = re.sub(r"<\?xml[^>]*\?>|<!--.*?-->|<script.*?</script>", "", drawn, flags=re.S)
    return str(drawn).strip()
