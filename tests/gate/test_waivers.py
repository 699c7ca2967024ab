"""Waivers and the verdict."""

from __future__ import annotations

import dataclasses
import datetime
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zerofloor import gate
from zerofloor.money import Money
from zerofloor.report import Finding, Severity
from zerofloor.settings import Waiver

TODAY = datetime.date(2026, 11, 24)
URN = "urn:pulumi:dev::shop::aws:ec2/instance:Instance::inference"


def finding(
    name: str = "always-on-instance-holds-gpu",
    rule: str = "GPU014",
    severity: Severity = Severity.ERROR,
    urn: str = URN,
    monthly: Money | None = Money(Decimal("734.38")),  # noqa: B008
    *,
    cost_unknown: bool = False,
) -> Finding:
    return Finding(
        rule, name, severity, urn, "held", "change it", monthly=monthly, cost_unknown=cost_unknown
    )


def waiver(
    rule: str = "GPU014", urn: str = "*", expires: datetime.date = TODAY, cap: str = "1000"
) -> Waiver:
    return Waiver(
        rule=rule,
        urn=urn,
        reason="demo for a customer",
        owner="ml-team",
        expires=expires,
        max_monthly_usd=Decimal(cap),
    )


def test_an_error_fails_and_a_waiver_lets_it_pass_and_is_named() -> None:
    assert gate.verdict([finding()]) == "fail"
    (waived,) = gate.waived([finding()], [waiver()], TODAY)
    assert gate.verdict([waived]) == "pass"
    assert (
        waived.waived_by == "ml-team: demo for a customer (until 2026-11-24, up to $1,000 a month)"
    )


def test_a_permission_says_its_cap_or_that_the_cost_is_unknown() -> None:
    """An undecided GPU is waived by its rule, at whatever cost."""
    undecided = finding("undecided-gpu", "GPU201", monthly=None, cost_unknown=True)
    partly = finding(cost_unknown=True)
    free = finding(monthly=None)
    said = {
        name: one.waived_by or ""
        for name, one in zip(
            ("undecided", "partly", "free"),
            gate.waived([undecided, partly, free], [waiver("GPU201"), waiver()], TODAY),
            strict=True,
        )
    }
    assert said["undecided"].endswith("(until 2026-11-24, cost unknown)")
    assert said["partly"] == ""  # The part without a price may be above any cap.
    assert said["free"].endswith("(until 2026-11-24, up to $1,000 a month)")


def test_warnings_pass() -> None:
    assert (
        gate.verdict([finding(severity=Severity.WARNING), finding(severity=Severity.INFO)])
        == "pass"
    )


@pytest.mark.parametrize("rule", ["GPU014", "gpu014", "always-on-instance-holds-gpu", "*"])
def test_a_waiver_names_a_rule_by_id_or_name_or_all(rule: str) -> None:
    assert gate.waived([finding()], [waiver(rule)], TODAY)[0].waived_by is not None


def test_a_waiver_of_another_rule_or_urn_does_nothing() -> None:
    for other in (
        waiver("GPU012"),
        waiver(urn="urn:pulumi:prod::*"),
        waiver(urn=URN + "2"),
        waiver(urn="inference"),
    ):
        assert gate.waived([finding()], [other], TODAY)[0].waived_by is None


@pytest.mark.parametrize(
    ("pattern", "urn", "expected"),
    [
        ("*", "", True),
        ("a*c", "abc", True),
        ("a*c", "ac", True),
        ("a*a", "a", False),
        ("*b*", "abc", True),
        ("a*b*c", "axbyc", True),
        ("a*b*c", "axcyb", False),
        ("a[bc]", "ab", False),
        ("a[bc]", "a[bc]", True),
        ("a?", "ab", False),
        ("a.c", "abc", False),
        ("a*", "a\nb", True),
    ],
)
def test_only_a_star_is_special_in_a_pattern(pattern: str, urn: str, expected: bool) -> None:
    assert gate.matches(pattern, urn) is expected


def test_a_pattern_of_many_stars_is_quick() -> None:
    assert not gate.matches("*a" * 5000 + "b", "a" * 100_000)


def test_a_waiver_ends_after_its_last_day() -> None:
    assert gate.refusal(waiver(expires=TODAY), finding(), TODAY) is None
    assert (
        gate.refusal(waiver(), finding(), TODAY + datetime.timedelta(1))
        == "expired on 2026-11-24, 1 day ago"
    )


def test_a_waiver_ends_at_its_cap() -> None:
    assert gate.refusal(waiver(cap="734.38"), finding(), TODAY) is None
    assert (
        gate.refusal(waiver(cap="734.37"), finding(), TODAY)
        == "permits $734.37 a month, and the cost is $734.38, $0.01 more"
    )


def test_a_cap_holds_for_the_most_expensive_choice() -> None:
    ranged = dataclasses.replace(finding(), up_to=Money(Decimal("1000.01")))
    assert gate.refusal(waiver(cap="1000.01"), ranged, TODAY) is None
    assert (
        gate.refusal(waiver(cap="1000"), ranged, TODAY)
        == "permits $1,000 a month, and the cost may be $1,000.01, $0.01 more"
    )


def test_a_cost_in_another_currency_is_not_below_a_cap_in_dollars() -> None:
    refused = gate.refusal(waiver(), finding(monthly=Money(Decimal(1), "EUR")), TODAY)
    assert refused == "permits $1,000 a month, and the cost is in EUR"


def test_an_unknown_cost_is_not_below_any_cap() -> None:
    refused = gate.refusal(waiver(), finding(monthly=None, cost_unknown=True), TODAY)
    assert refused == "permits $1,000 a month, and the cost is unknown"


def test_an_undecided_gpu_is_waived_by_its_name_and_not_by_a_star() -> None:
    undecided = finding("undecided-gpu", "GPU201", monthly=None, cost_unknown=True)
    assert gate.refusal(waiver("undecided-gpu"), undecided, TODAY) is None
    assert gate.refusal(waiver("GPU201"), undecided, TODAY) is None
    assert gate.refusal(waiver("*"), undecided, TODAY) is not None


def test_the_second_of_two_waivers_may_permit() -> None:
    expired = waiver(expires=datetime.date(2026, 1, 1))
    assert gate.waived([finding()], [expired, waiver()], TODAY)[0].waived_by is not None


FINDINGS = st.lists(
    st.builds(
        finding,
        name=st.sampled_from(["always-on-instance-holds-gpu", "undecided-gpu"]),
        rule=st.sampled_from(["GPU014", "GPU201"]),
        severity=st.sampled_from(Severity),
        urn=st.sampled_from(["", URN, "urn:pulumi:dev::shop::a:b:C::x"]),
        monthly=st.none() | st.integers(0, 3000).map(lambda n: Money(Decimal(n))),
        cost_unknown=st.booleans(),
    ),
    max_size=5,
)
WAIVERS = st.lists(
    st.builds(
        waiver,
        rule=st.sampled_from(["GPU014", "GPU201", "*", "undecided-gpu", "nonsense"]),
        urn=st.sampled_from(["*", "*::x", URN]),
        expires=st.dates(datetime.date(2026, 11, 1), datetime.date(2026, 12, 24)),
        cap=st.integers(0, 3000).map(str),
    ),
    max_size=4,
)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(FINDINGS, WAIVERS, WAIVERS)
def test_adding_a_waiver_never_blocks_more(
    findings: list[Finding], some: list[Waiver], more: list[Waiver]
) -> None:
    def blocking(waivers: list[Waiver]) -> int:
        return sum(
            one.severity == "error" and one.waived_by is None
            for one in gate.waived(findings, waivers, TODAY)
        )

    assert blocking([*some, *more]) <= blocking(some) <= blocking([])


@given(FINDINGS, WAIVERS, st.integers(0, 60))
def test_time_alone_never_lets_more_pass(
    findings: list[Finding], waivers: list[Waiver], days: int
) -> None:
    def verdict(day: datetime.date) -> bool:
        return gate.verdict(gate.waived(findings, waivers, day)) == "pass"

    assert verdict(TODAY) or not verdict(TODAY + datetime.timedelta(days))


def test_a_cap_says_nothing_where_the_cost_is_unknown() -> None:
    undecided = finding("undecided-gpu", "GPU201", monthly=None, cost_unknown=True)
    (waived,) = gate.waived([undecided], [waiver("GPU201")], TODAY)
    assert waived.waived_by == "ml-team: demo for a customer (until 2026-11-24, cost unknown)"
