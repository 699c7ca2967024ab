"""Each format as a whole: a golden file, its consumer's schema or parser, and hostile names."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.reports.sample import report
from tests.reports.test_reports import HOSTILE
from zerofloor.capacity import Undecided
from zerofloor.cost.estimate import Figure, Gap
from zerofloor.report import Fixed, Report
from zerofloor.reports.formats import Format, View, render
from zerofloor.settings import Source

GOLDEN = Path(__file__).parent / "golden"
SARIF = Path(__file__).parents[1] / "data" / "sarif" / "sarif-schema-2.1.0.json"


def sample(text: str = "llm") -> Report:
    """A report with everything in it that a format can show."""
    one = report(text)
    error, waived = one.findings
    return replace(
        one,
        findings=(
            replace(error, fingerprint="f1", status="worse", grew=f"{text} grew"),
            replace(waived, fingerprint="f2"),
        ),
        settings=(Source(f"{text}.yaml", "organisation"),),
        docs="https://docs.example.com/rules",
        baseline=text,
        fixed=(Fixed("f3", "GPU001", f"urn:pulumi:dev::shop::a:b:C::{text}", text),),
    )


@pytest.mark.parametrize("form", Format)
def test_the_whole_report_is_as_it_was_read_through(form: Format) -> None:
    """ZEROFLOOR_GOLDEN=write writes them anew; read the difference before you commit it."""
    path = GOLDEN / f"report.{form}"
    text = render([sample()], form, View())
    if os.environ.get("ZEROFLOOR_GOLDEN") == "write":
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("form", Format)
def test_the_same_reports_give_the_same_bytes(form: Format) -> None:
    assert render([sample(), sample("b")], form, View()) == render(
        [sample(), sample("b")], form, View()
    )


@pytest.mark.parametrize("text", ["llm", *HOSTILE], ids=range(len(HOSTILE) + 1))
def test_sarif_fits_the_official_schema(text: str) -> None:
    schema = json.loads(SARIF.read_text(encoding="utf-8"))
    validator = jsonschema.Draft4Validator(schema, format_checker=jsonschema.FormatChecker())
    log = json.loads(render([sample(text), report(text)], Format.SARIF, View()))
    assert [error.message for error in validator.iter_errors(log)] == []


def test_sarif_says_where_what_and_whether_it_was_there() -> None:
    (run,) = json.loads(render([sample()], Format.SARIF, View()))["runs"]
    error, waived, gone = run["results"]
    place = error["locations"][0]["physicalLocation"]
    assert place == {"artifactLocation": {"uri": "llm"}, "region": {"startLine": 22}}
    assert error["partialFingerprints"] == {"zerofloor/v1": "f1"}
    assert error["baselineState"] == "updated"
    assert waived["suppressions"][0]["justification"].startswith("llm: llm (until")
    assert gone["baselineState"] == "absent"
    rules = run["tool"]["driver"]["rules"]
    assert rules[error["ruleIndex"]]["id"] == "GPU012"
    assert rules[error["ruleIndex"]]["helpUri"] == (
        "https://docs.example.com/rules#gpu012-pool-minimum-holds-gpu"
    )


@pytest.mark.parametrize("text", ["llm", *HOSTILE], ids=range(len(HOSTILE) + 1))
def test_junit_is_xml_with_a_failure_for_each_blocking_finding(text: str) -> None:
    root = ET.fromstring(render([sample(text)], Format.JUNIT, View()))
    assert root.attrib["tests"] == "2"
    assert root.attrib["failures"] == "1"
    assert len(root.findall("testsuite/testcase/failure")) == 1
    assert len(root.findall("testsuite/testcase/skipped")) == 1


@pytest.mark.parametrize("text", ["llm", *HOSTILE], ids=range(len(HOSTILE) + 1))
def test_no_name_starts_a_workflow_command_of_its_own(text: str) -> None:
    lines = render([sample(text)], Format.GITHUB, View()).splitlines()
    assert len(lines) == 2
    for line in lines:
        assert re.fullmatch(r"::(error|notice) [^:]*::.*", line), line
        assert not re.search(r"::(set-output|add-mask|stop-commands)", line.split("::", 2)[1])


@pytest.mark.parametrize("text", ["llm", *HOSTILE], ids=range(len(HOSTILE) + 1))
def test_gitlab_has_what_its_widget_needs(text: str) -> None:
    (issue,) = json.loads(render([sample(text)], Format.GITLAB, View()))
    assert set(issue) == {"description", "check_name", "fingerprint", "severity", "location"}
    assert issue["severity"] in ("info", "minor", "major", "critical", "blocker")
    assert issue["location"]["lines"]["begin"] == 22


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.attributes: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, Any]]) -> None:
        self.found.append(tag)
        self.attributes += [name for name, _ in attrs]


@pytest.mark.parametrize("text", ["llm", *HOSTILE], ids=range(len(HOSTILE) + 1))
def test_html_has_the_same_elements_whatever_a_document_says(text: str) -> None:
    page = render([sample(text)], Format.HTML, View())
    tags, plain = _Tags(), _Tags()
    tags.feed(page)
    plain.feed(render([sample()], Format.HTML, View()))
    assert tags.found == plain.found
    assert "script" not in tags.found
    assert not [name for name in tags.attributes if name.startswith("on")]
    assert "http://" not in re.sub(r'xmlns(:\w+)?="[^"]*"', "", page) or text != "llm"
    assert "default-src 'none'" in page


@pytest.mark.parametrize("text", ["llm", *HOSTILE, "=1+1", "@SUM(A1)"], ids=str)
def test_csv_has_no_formula_and_adds_up(text: str) -> None:
    rows = list(csv.DictReader(io.StringIO(render([sample(text)], Format.CSV, View()))))
    assert [row["x_Figure"] for row in rows] == ["floor", "desired", "ceiling"]
    assert {row["ListCost"] for row in rows} == {"40179.20"}
    for row in rows:
        for cell in row.values():
            assert not cell.startswith(("=", "+", "@", "-"))


def test_csv_has_a_row_without_a_cost_for_what_is_not_known() -> None:
    one = report()
    urn = one.findings[0].urn
    gap = Gap(urn, "g6e.xlarge", "its region is unknown", "", True, (Figure.FLOOR,))
    doubt = Undecided(urn, "x", "desiredCapacity isn't known at preview", "")
    estimate = replace(one.estimate, items=(), gaps=(gap,))
    shown = replace(one, estimate=estimate, floor=replace(one.floor, undecided=(doubt,)))
    rows = list(csv.DictReader(io.StringIO(render([shown], Format.CSV, View()))))
    assert [(row["x_Figure"], row["ChargeDescription"]) for row in rows] == [
        ("unpriced", "No price for g6e.xlarge: its region is unknown"),
        ("undecided", "desiredCapacity isn't known at preview"),
    ]
    for row in rows:
        assert (row["ListCost"], row["ContractedCost"], row["BillingCurrency"]) == ("", "", "")
        assert (row["ResourceId"], row["x_Rules"]) == (urn, "GPU012 GPU101")


@pytest.mark.parametrize("form", Format)
def test_no_secret_value_reaches_any_format(form: Format) -> None:
    text = render([sample()], form, View())
    assert "Hidden" not in text
    assert "SECRET" not in text


def test_a_comment_of_many_stacks_keeps_within_githubs_limit() -> None:
    one = sample()
    error = one.findings[0]
    many = tuple(
        replace(error, urn=f"{error.urn}{n}", rule=f"GPU{n % 900:03}", fix=f"Change {n}")
        for n in range(400)
    )
    page = render([replace(one, findings=many)] * 30, Format.MARKDOWN, View())
    assert len(page) < 65_536
    assert page.startswith("<!-- zerofloor -->\n")
    assert page.count("<!-- zerofloor -->") == 1
