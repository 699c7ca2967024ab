"""The three formats of a report: what they say, and that nothing in a document can speak through
them."""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import replace
from decimal import Decimal as D
from typing import Any

import jsonschema
import pytest

from tests.reports.sample import report
from zerofloor.capacity import Cause, Undecided
from zerofloor.cost.cold_start import cold_start
from zerofloor.cost.estimate import Amount, Figure, Gap, Item, ResourceCost
from zerofloor.cost.meaning import meaning
from zerofloor.floor.result import Floor, Verdict
from zerofloor.money import Money
from zerofloor.report import Gate, Report, Severity
from zerofloor.reports import html, json_report, markdown, table
from zerofloor.reports.formats import Format, View, render
from zerofloor.reports.markdown import _within
from zerofloor.reports.phrases import document, headline, money_line, notes
from zerofloor.reports.visible import visible
from zerofloor.schema import schema_of
from zerofloor.settings import ColdStart

HOSTILE = [
    "\x1b[31mred\x1b]8;;http://evil\x07",
    "[bold red]markup[/bold red]",
    "a\r\nPASS  No GPU bills",
    "\u202egnp.exe\u2066",
    "<script>alert(1)</script> @everyone #1 [x](http://evil) ![i](http://evil/i.png)",
    "| a | b |\n|---|---|",
    "``` `code` ```",
    "\ud800 lone",
    "emoji :smile: \x00 nul",
    "x" * 5000,
]


def test_table_says_what_matters_on_one_page() -> None:
    page = table.render(report())
    lines = page.splitlines()
    assert lines[0].startswith(
        "FAIL  8 idle GPUs (1 node) would keep billing: $55.04/h, $40,179.20"
    )
    assert max(map(len, lines)) <= 80
    assert re.search(r"^floor +\$55\.04 +\$40,179\.20", page, re.M)
    assert re.search(r"^ceiling +\$110\.08 to \$165\.12", page, re.M)
    assert re.search(r"^residual +\$0\.10 +\$73\.00", page, re.M)
    assert "- NodeGroup llm: p5.48xlarge llm, $55.04 per node and hour; 1 node in floor," in page
    assert "2026-10-12 (43 days old)" in page
    assert "ERROR GPU012 pool-minimum-holds-gpu  $40,179.20 a month" in page
    assert "aws:eks/nodeGroup:NodeGroup::llm (llm:22)" in page
    assert "Change: Set llm to 0." in page
    assert page.index("Findings") < page.index("Waived") < page.index("llm: llm (until 2027-01-01)")
    assert "llm: llm (hint)" in page


def test_an_amount_is_never_torn_apart() -> None:
    dear = report()
    many = Amount(Money(D("123456.78")), up_to=Money(D("987654.32")))
    dear = replace(
        dear,
        estimate=replace(
            dear.estimate, floor=many, ceiling=many, gaps=(gap(Figure.FLOOR, Figure.CEILING),)
        ),
    )
    for width in (40, 60, 80, 100):
        page = table.render(dear, width=width)
        assert max(map(len, page.splitlines())) <= width
        assert "$123,456.78 to" in page
        assert "$720,987,653.60 +" in page


def gap(*figures: Figure) -> Gap:
    return Gap("urn:pulumi:dev::shop::t::b", "g5.xlarge", "no price", "", False, figures)


def test_only_figures_that_lack_something_say_so() -> None:
    one = report()
    page = table.render(replace(one, estimate=replace(one.estimate, gaps=(gap(Figure.CEILING),))))
    assert re.search(r"^floor +\$55\.04 +\$40,179\.20$", page, re.M)
    assert re.search(r"^ceiling +\$110\.08 to \$165\.12 \+ unpriced ", page, re.M)
    assert json.loads(
        json_report.render(
            replace(one, estimate=replace(one.estimate, gaps=(gap(Figure.CEILING),)))
        )
    )["estimate"]["gaps"] == [
        {
            "urn": "urn:pulumi:dev::shop::t::b",
            "what": "g5.xlarge",
            "why": "no price",
            "blocks": False,
            "missing_in": ["ceiling"],
            "elsewhere": None,
            "whose": {
                "project": None,
                "stack": None,
                "namespace": None,
                "component": None,
                "owner": None,
                "tags": {},
                "labels": {},
            },
        }
    ]


def test_what_is_undecided_is_not_printed_as_nothing() -> None:
    open_one = Undecided(
        "urn:pulumi:dev::shop::gcp:container/nodePool:NodePool::l4",
        "",
        "no type that zerofloor reads",
        "Add a hint.",
    )
    none = Amount(Money(D(0)))
    one = report()
    unread = replace(
        one,
        floor=Floor(Verdict.UNDECIDED, None, None, (), (open_one,)),
        estimate=replace(one.estimate, floor=none, desired=none, ceiling=none, items=()),
    )
    for page in (table.render_estimate(unread), markdown.render_estimate(unread)):
        assert "Can't determine whether any GPU stays on while idle." in page
        assert "$0.00" not in page
        assert page.count("undecided") == 2 * 3 + 2  # the idle total is $0.10 and more
    out = json.loads(json_report.render_estimate(unread))
    assert out["floor"]["verdict"] == "undecided"
    assert out["floor"]["at_least"] is True
    assert out["estimate"]["floor"]["at_least"] is True


def test_a_floor_that_may_be_dearer_says_so() -> None:
    one = report()
    floor = Amount(Money(D("1.861")), up_to=Money(D("30.13")))
    said = meaning(floor.hourly, 30, cold_start(ColdStart()), all_week=True)
    page = table.render(replace(one, estimate=replace(one.estimate, floor=floor, meaning=said)))
    assert "would keep billing: $1.86 to $30.13/h," in page
    flat = " ".join(page.split())
    assert "If left running: $115.38 to $1,868.06 a weekend (62 h)," in flat
    assert "(62 h), $16,302.36 to $263,938.80 a year." in flat
    assert "Scaling to zero saves $1,358.53 to $21,994.90 a month." in flat


def test_a_missing_price_is_told_once() -> None:
    """By its finding where there is one; else, and where it doesn't block, by a note."""
    one = report()
    urns = [f"urn:pulumi:dev::s::t::{name}" for name in ("found", "unfound", "harmless")]
    gaps = tuple(
        Gap(
            urn=urn,
            what="b900",
            why="it isn't listed",
            settle="",
            lacks=(Figure.FLOOR,),
            blocks=not urn.endswith("less"),
        )
        for urn in urns
    )
    finding = replace(one.findings[0], name="unpriced-gpu", urn=urns[0], monthly=None)
    priced = replace(one.estimate, gaps=gaps, remarks=())
    said = notes(replace(one, findings=(finding,), estimate=priced))
    assert [line for line in said if "::found:" in line] == []
    assert [any(f"::{name}:" in line for line in said) for name in ("unfound", "harmless")] == [
        True, True,
    ]  # fmt: skip


def test_quantity_times_price_gives_the_sums_again() -> None:
    disk = Item(
        "urn:x",
        "disk",
        D(500),
        "GB",
        Money(D("0.08") / 730),
        "list",
        "2026-10-12",
        (Figure.RESIDUAL,),
        listed_monthly=True,
    )
    one = report()
    one = replace(
        one,
        estimate=replace(one.estimate, items=(disk,), residual=Amount(disk.price * disk.quantity)),
    )
    out = json.loads(json_report.render(one))["estimate"]
    (item,) = out["items"]
    assert (
        round(D(item["price"]["amount"]) * item["quantity"] * 730, 2)
        == D("40.00")
        == D(out["residual"]["monthly"]["amount"])
    )
    assert "disk, $0.08 per GB-month; 500 GB in residual" in table.render(one)


def test_each_line_tells_its_price_a_gpu_and_its_sum() -> None:
    one = report()
    (item,) = one.estimate.items
    amount = Amount(item.price)
    cost = ResourceCost(item.urn, "llm", item.what, amount, amount, None, amount, Money(D("6.88")))
    page = table.render(replace(one, estimate=replace(one.estimate, resources=(cost,))))
    assert (
        "- NodeGroup llm: p5.48xlarge llm, $55.04 per node and hour ($6.88 per GPU-hour); 1 node in "
        "floor, desired, ceiling: $40,179.20 a month [1]"
    ) in " ".join(page.split())
    assert "[1] price list llm, 2026-10-12 (43 days old)" in page


def test_table_has_colour_only_when_asked() -> None:
    assert "\x1b" not in table.render(report())
    assert "\x1b[" in table.render(report(), colour=True)


@pytest.mark.parametrize("width", [40, 80, 100])
def test_table_keeps_its_width(width: int) -> None:
    assert max(map(len, table.render(report(), width=width).splitlines())) <= width


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_no_text_of_a_document_reaches_the_terminal_as_a_control(text: str) -> None:
    plain, coloured = table.render(report(text)), table.render(report(text), colour=True)
    for char in plain.replace("\n", ""):
        assert unicodedata.category(char)[0] != "C", repr(char)
    # What rich itself writes are colours; nothing else may be there.
    assert "\x1b" not in re.sub(r"\x1b\[[0-9;]*m", "", coloured)
    assert len([line for line in plain.splitlines() if line.startswith(("PASS", "FAIL"))]) == 1


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_markdown_shows_a_documents_text_as_text(text: str) -> None:
    lines = markdown.render(report(text)).splitlines()
    outside = [re.sub(r"(`+)(?:(?!\1).)*?\1(?!`)", "", line) for line in lines]
    for line in outside:
        assert "<script" not in line
        assert not re.search(r"(?<!\\)!?\[[^\]]*\]\(", line), line
        assert not re.search(r"@\w", line), line
        assert "http://" not in line
    assert sum(line.startswith("###") and not line.startswith("####") for line in lines) == 1


@pytest.mark.parametrize("text", ["llm", *HOSTILE], ids=range(len(HOSTILE) + 1))
def test_json_is_ascii_and_fits_its_schema(text: str) -> None:
    out = json_report.render(report(text))
    assert out.isascii()
    jsonschema.validate(
        json.loads(out), json.loads(schema_of("report")), cls=jsonschema.Draft202012Validator
    )


def test_json_contract() -> None:
    out = json.loads(json_report.render(report()))
    urn = "urn:pulumi:dev::shop::aws:eks/nodeGroup:NodeGroup::llm"
    assert out["schema"] == "zerofloor.report/1"
    assert out["gate"] == "fail"
    assert out["floor"] == {
        "verdict": "held",
        "gpus": 8,
        "nodes": 1,
        "hourly": {"amount": "55.04", "currency": "USD"},
        "monthly": {"amount": "40179.20", "currency": "USD"},
        "at_least": False,
    }
    assert out["estimate"]["ceiling"]["up_to"] == {"amount": "165.12", "currency": "USD"}
    assert out["capacity"][0]["evidence"][1]["value"] == {
        "llm": "llm",
        "open": {"$unknown": True},
        "hidden": [{"$secret": True}],
    }
    assert out["findings"][0] == {
        "rule": "GPU012",
        "name": "pool-minimum-holds-gpu",
        "severity": "error",
        "urn": urn,
        "source": "llm:22",
        "message": "llm keeps 8 GPUs.",
        "fix": "Set llm to 0.",
        "change": [{"urn": urn, "path": "scalingConfig.minSize", "to": 0}],
        "monthly": {"amount": "40179.20", "currency": "USD"},
        "monthly_up_to": None,
        "monthly_at_most": False,
        "gpus": None,
        "waived_by": None,
        "fingerprint": "",
        "status": None,
        "grew": None,
        "help": None,
    }
    assert out["findings"][1]["change"] is None
    assert isinstance(out["floor"]["gpus"], int)


def test_schema_refuses_what_is_not_in_the_contract() -> None:
    out = json.loads(json_report.render(report()))
    validator = jsonschema.Draft202012Validator(json.loads(schema_of("report")))
    for wrong in (
        {**out, "more": 1},
        {**out, "gate": "maybe"},
        {key: value for key, value in out.items() if key != "estimate"},
    ):
        assert not validator.is_valid(wrong)


def test_same_report_same_bytes() -> None:
    one, other = report(), report()
    for write in (json_report.render, markdown.render, table.render):
        assert write(one) == write(other)


def test_markdown_is_one_comment_however_much_there_is_to_say() -> None:
    one = report()
    error, waived = one.findings
    many = [
        replace(kind, urn=f"{kind.urn}{n}", message="*" * 200)
        for kind in (error, waived)
        for n in range(500)
    ]
    notes = tuple(f"note {n} " + "x" * 100 for n in range(500))
    page = markdown.render(
        replace(one, findings=tuple(many), estimate=replace(one.estimate, remarks=notes))
    )
    assert len(page) < 65_536
    assert page.count("<details>") == page.count("</details>") == 3
    assert re.search(r"^- … and \d+ more: the table", page, re.M)


def test_visible() -> None:
    assert visible("ä × 日本") == "ä × 日本"
    assert visible("a\x1b[0m\n\u202eb\ud800") == "a\\x1b[0m\\x0a\\u{202e}b\\u{d800}"


def _estimate_has_no_findings(text: str, of: Report) -> None:
    assert of.findings[0].message not in text


def test_estimate_is_the_money_alone() -> None:
    page = table.render_estimate(report())
    assert re.search(r"^floor +\$55\.04", page, re.M)
    _estimate_has_no_findings(page, report())
    assert set(json.loads(json_report.render_estimate(report()))) == {
        "schema",
        "documents",
        "floor",
        "estimate",
        "assumptions",
        "settings",
        "prices",
    }
    _estimate_has_no_findings(markdown.render_estimate(report()), report())


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a - b (c) 3.5", "a - b (c) 3.5"),
        ("# title", "<!-- --># title"),
        ("- item", "<!-- -->- item"),
        ("12. item", "<!-- -->12. item"),
        ("see #12 or @me", "see #<!-- -->12 or @<!-- -->me"),
        ("http://evil www.evil", "http:<!-- -->//evil www<!-- -->.evil"),
        ("*a* _b_ `c` [d](e) |", r"\*a\* \_b\_ \`c\` \[d\](e) \|"),
        ("<b>&amp;", "&lt;b>&amp;amp;"),
    ],
)
def test_escaped(text: str, shown: str) -> None:
    assert markdown.escaped(text) == shown


def scheduled(gate: Gate, *causes: Cause) -> Report:
    """The sample with its pool held 45 h a week."""
    one = report()
    (entry,) = one.floor.entries
    holds = tuple(replace(entry.holds[0], cause=cause, hours_per_week=D(45)) for cause in causes)
    timed = replace(entry, hours_per_week=D(45), holds=holds)
    return replace(one, gate=gate, floor=replace(one.floor, entries=(timed,)))


def test_a_floor_by_schedule_says_for_how_many_hours() -> None:
    allowed = table.render(scheduled("pass", Cause.SCHEDULE), width=100)
    assert allowed.startswith(
        "PASS  8 GPUs (1 node) run 45 h a week on a schedule (cap: 60 h): $55.04/h on average,"
    )
    above = replace(scheduled("fail", Cause.SCHEDULE), schedule_cap=D(40))
    assert "8 GPUs (1 node) run 45 h a week on a schedule (cap: 40 h): " in table.render(above)
    both = table.render(scheduled("fail", Cause.SCHEDULE, Cause.POOL_MINIMUM))
    assert "8 idle GPUs (1 node) would keep billing" in both


def passing(verdict: Verdict, **finding: Any) -> str:
    """The headline of a report that passes, with this finding."""
    one = report()
    error = replace(one.findings[0], **finding)
    floor = replace(one.floor, verdict=verdict, gpus=D(8) if verdict is Verdict.HELD else None)
    return headline(replace(one, gate="pass", findings=(error,), floor=floor))


def test_a_pass_says_why_it_is_one() -> None:
    cost = "$55.04/h, $40,179.20 a month."
    waived, known = {"waived_by": "ml: demo (until 2027-01-01)"}, {"tolerated": True}
    warned = {"severity": Severity.WARNING}
    held = "8 idle GPUs (1 node) are"
    assert passing(Verdict.HELD, **waived) == f"{held} waived: {cost}"
    assert passing(Verdict.HELD, **known) == f"Nothing new. {held} in the baseline: {cost}"
    assert passing(Verdict.HELD, **warned) == f"{held} allowed by the settings: {cost}"
    unsure = "Can't determine whether any GPU stays on while idle, which is"
    assert passing(Verdict.UNDECIDED, **waived) == f"{unsure} waived."
    assert passing(Verdict.UNDECIDED, **known) == f"{unsure} in the baseline."
    assert passing(Verdict.UNDECIDED, **warned) == f"{unsure} allowed by the settings."


def test_what_the_baseline_knows_is_no_error() -> None:
    one = report()
    known = replace(one.findings[0], tolerated=True, status="existing")
    passed = replace(one, gate="pass", findings=(known,), baseline="b.json")
    assert "\nKNOWN GPU012" in table.render(passed)
    assert "- known GPU012" in markdown.render(passed)
    assert '<span class="waived">known</span> GPU012' in html.render([passed])
    for text in (table.render(passed), markdown.render(passed)):
        assert "to fix" not in text


def test_a_document_is_named_as_people_name_it() -> None:
    (digest,) = report().documents
    manifests = replace(digest, kind="manifests", project="models.yaml", stack="manifests")
    program = replace(digest, kind="program", name=".", previewed_by="in-process")
    stdin = replace(digest, kind="export", name="")
    named = {
        digest: "Stack llm/llm in llm.json (preview)",
        replace(manifests, name="models.yaml"): "models.yaml (Kubernetes manifests)",
        program: "Stack llm/llm in . (previewed without the Pulumi engine)",
        stdin: "Stack llm/llm (stack export)",
    }
    for one, said in named.items():
        assert document(one) == said
        page = html.render([replace(report(), documents=(one,))])
        tab = "models.yaml" if one.kind == "manifests" else "llm/llm"
        assert f"<title>zerofloor: FAIL, {tab}</title>" in page


def test_a_missing_price_is_nothing_to_fix() -> None:
    one = report()
    error = one.findings[0]
    price = replace(error, rule="GPU202", name="unpriced-gpu", monthly=None, cost_unknown=True)
    assert headline(replace(one, findings=(error, price))).endswith(
        " a month. 1 finding to fix, 1 price missing."
    )
    assert headline(replace(one, findings=(price,))).endswith(" a month. 1 price missing.")


def test_a_finding_tells_the_range_that_the_headline_tells() -> None:
    one = report()
    hold = replace(one.findings[0], monthly=Money(D("7659.63")), up_to=Money(D("40179.20")))
    for at_most, said in (
        (False, "$7,659.63 to $40,179.20 a month"),
        (True, "up to $40,179.20 a month"),
    ):
        shown = replace(one, findings=(replace(hold, at_most=at_most),))
        for form in (Format.TABLE, Format.MARKDOWN, Format.HTML, Format.SARIF, Format.JUNIT):
            assert said in render([shown], form, View())
        finding = json.loads(json_report.render(shown))["findings"][0]
        assert finding["monthly_up_to"] == {"amount": "40179.20", "currency": "USD"}
        assert finding["monthly_at_most"] is at_most


def test_a_line_about_money_is_there_where_something_was_counted() -> None:
    one = report()
    assert money_line(one).startswith("Cost: floor $55.04/h ($40,179.20 a month)")
    none = Amount(Money(D(0)))
    nothing = replace(one.estimate, floor=none, desired=none, ceiling=none, items=())
    # A machine without a price has an entry and no item; a disk has an item and no entry.
    entry_only = replace(one, estimate=nothing)
    item_only = replace(one, floor=Floor(Verdict.ZERO, D(0), 0, ()))
    assert money_line(entry_only) != ""
    assert money_line(item_only) != ""
    assert money_line(replace(item_only, estimate=nothing)) == ""


def test_a_resource_without_a_price_has_no_amount_on_the_page() -> None:
    none = Amount(Money(D(0)))
    costs = [
        ResourceCost("urn:pulumi:dev::s::t::" + name, name, what, none, none, None, none, None)
        for name, what in (("free", "g5.xlarge"), ("open", ""))
    ]
    one = report()
    lacks = (Figure.FLOOR, Figure.CEILING)
    gap = Gap(urn=costs[1].urn, what="b900", why="no price", settle="", blocks=True, lacks=lacks)
    priced = replace(one.estimate, resources=tuple(costs), gaps=(gap,), unpriced=())
    page = html.render([replace(one, estimate=priced)])
    rows = re.findall(r"<tr><td>t::(\w+)</td><td>([^<]*)</td>(.*?)</tr>", page)
    assert [(name, what) for name, what, _ in rows] == [
        ("free", "g5.xlarge"), ("open", "unpriced"),
    ]  # fmt: skip
    cell = '<td class="n">{}</td>'
    assert rows[0][2] == cell.format("$0.00") * 2
    assert rows[1][2] == cell.format("unpriced") * 2


@pytest.mark.parametrize(
    ("most", "shown"), [(0, 0), (9, 0), (10, 1), (29, 2), (30, 3), (39, 3), (40, 4), (99, 4)]
)
def test_as_many_lines_as_fit_and_how_many_more(most: int, shown: int) -> None:
    """Four lines of nine characters, each with its line end."""
    lines = [f"line {number:4}" for number in range(4)]
    rest = f"- … and {4 - shown} more: the table and the JSON report have all of them"
    assert list(_within(most, lines)) == [*lines[:shown], *([rest] if shown < 4 else [])]


def test_what_was_not_looked_at_is_not_printed_as_nothing() -> None:
    one = report()
    without = replace(one, estimate=replace(one.estimate, residual=None))
    for page in (table.render_estimate(without), markdown.render_estimate(without)):
        assert re.search(r"residual[ |]+not counted[ |]+not counted", page)
        assert "idle total" not in page
    out = json.loads(json_report.render(without))["estimate"]
    assert (out["residual"], out["idle_total"]) == (None, None)


def test_what_costs_at_most_so_much_says_up_to_everywhere() -> None:
    one = report()
    floor = Amount(Money(D("3.06")), at_most=True)
    spot = replace(one, estimate=replace(one.estimate, floor=floor))
    page = table.render(spot, width=100)
    assert "would keep billing: up to $3.06/h, up to $2,233.80 a month." in " ".join(page.split())
    assert re.search(r"^floor +up to \$3\.06 +up to \$2,233\.80", page, re.M)
    assert re.search(r"^idle total +up to \$3\.16", page, re.M)
    out = json.loads(json_report.render(spot))["estimate"]
    assert (out["floor"]["at_most"], out["idle_total"]["at_most"]) == (True, True)
    assert out["desired"]["at_most"] is False


def test_the_idle_total_is_floor_and_residual_in_every_format() -> None:
    # $55.04 and $0.10 an hour.
    assert re.search(r"^idle total +\$55\.14 +\$40,252\.20", table.render(report()), re.M)
    assert "| idle total | $55.14 | $40,252.20 | floor and residual |" in markdown.render(report())
    assert "idle total: floor and residual" in html.render([report()])
    out = json.loads(json_report.render(report()))["estimate"]["idle_total"]
    assert out["hourly"] == {"amount": "55.14", "currency": "USD"}
