"""What an estimate says beside its sums: what is unpriced, what rests on what, and what it means
for people."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from decimal import Decimal as D

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.supplies import cost, floor, supply, urn
from zerofloor.capacity import Market
from zerofloor.cost import baseline
from zerofloor.cost.reckon import estimate
from zerofloor.errors import InputError
from zerofloor.estate import estate
from zerofloor.floor.result import Floor, Supply, Verdict
from zerofloor.money import Money
from zerofloor.prices.book import Key, Price, PriceBook, open_book
from zerofloor.settings import Settings


def own(item: str, amount: str, currency: str = "USD", **where: str) -> PriceBook:
    key = Key(
        where.get("cloud", "aws"), item, where.get("region", "*"), service=where.get("service", "")
    )
    return open_book(
        {
            key: Price(
                key, Money(D(amount), currency), "hour", "contract 7", "2026-10-01", "override"
            )
        }
    )


@pytest.mark.parametrize(
    ("held", "says"),
    [
        (supply("p5e.48xlarge"), "no price for p5e.48xlarge in us-east-1"),
        (
            supply("g6e.xlarge", region="xx-nowhere-1"),
            "(on-demand in us-east-1: $1.86/h)",
        ),
        (supply("g6e.xlarge", region=None), "its region is unknown"),
        (supply("p5e.48xlarge", market=Market.SPOT), "no spot price for p5e.48xlarge in us-east-1"),
        (supply("p5.48xlarge", market=Market.RESERVED), "no reserved price for p5.48xlarge"),
        (supply("g5.48xlarge", price_as="sagemaker"), "no price for g5.48xlarge (sagemaker)"),
        (
            supply("a3-ultragpu-8g", cloud="gcp", region="us-central1"),
            "no price for a3-ultragpu-8g in us-central1",
        ),
        (supply(), "its instance type is unknown"),
        (supply(cloud=""), "its node pool isn't in the documents"),
        (supply("1x B900", cloud="fireworks", region=None), "no price for B900"),
    ],
)
def test_a_held_gpu_without_a_price_blocks_and_is_never_nothing(held: Supply, says: str) -> None:
    found = cost(held, supply("g5.xlarge", ceiling=1))
    assert found.unpriced == (urn("p0"),)
    assert found.floor.hourly.amount == D("1.006")  # the priced pool alone
    assert any(says in note and "::p0" in note for note in found.footnotes), found.footnotes
    assert [gap.blocks for gap in found.gaps] == [True]


def test_how_to_have_it_priced_is_told_once() -> None:
    notes = cost(
        supply("g6e.xlarge", region=None), supply("g5.xlarge", region=None), supply("p5e.48xlarge")
    ).footnotes
    assert [note for note in notes if note.startswith("To price it, ")] == [
        "To price it, put a price of your own into the file that `prices` in zerofloor.yaml names.",
        "To price it, set `aws:region` of the stack, or `region: {aws: us-east-1}` in zerofloor.yaml.",
    ]


def test_nodes_that_are_held_for_hardly_an_hour_block_too() -> None:
    assert cost(supply("p5e.48xlarge", nodes=1, hours=0)).unpriced == (urn("p0"),)


def test_a_price_of_ones_own_settles_it() -> None:
    assert cost(supply("p5e.48xlarge"), book=own("p5e.48xlarge", "40.25")).floor.hourly.amount == D(
        "40.25"
    )
    of_sagemaker = cost(
        supply("g5.xlarge", price_as="sagemaker"),
        book=own("g5.xlarge", "1.408", service="sagemaker"),
    )
    assert of_sagemaker.floor.hourly.amount == D("1.408")
    (item,) = [item for item in of_sagemaker.items if "floor" in item.counts_in]
    assert (item.source, item.as_of) == ("contract 7", "2026-10-01")
    assert of_sagemaker.sources == ("contract 7",)


def test_no_gpus_of_an_unpriced_type_cost_nothing_and_block_nothing() -> None:
    found = cost(supply("p5e.48xlarge", nodes=0, ceiling=0))
    assert (found.unpriced, found.gaps) == ((), ())
    may_come = cost(supply("p5e.48xlarge", nodes=0, ceiling=2))
    assert may_come.unpriced == ()
    assert [(gap.blocks, gap.lacks) for gap in may_come.gaps] == [(False, ("ceiling",))]


@pytest.mark.parametrize(
    ("limit", "desired", "ceiling", "blocks"),
    [
        ("maxCeilingHourly", 0, 2, True),
        ("maxCeilingHourly", 0, None, True),
        ("maxDesiredHourly", 1, 2, True),
        ("maxDesiredHourly", 0, 2, False),
        ("maxFloorHourly", 1, 2, False),
    ],
)
def test_unpriced_blocks_where_it_counts_in_a_limit_that_is_set(
    limit: str, desired: int, ceiling: int | None, blocks: bool
) -> None:
    found = cost(
        supply("p5e.48xlarge", nodes=0, desired=desired, ceiling=ceiling),
        settings={"limits": {limit: 50}},
    )
    assert bool(found.unpriced) is blocks


def test_a_cpu_node_without_a_price_is_a_footnote() -> None:
    found = cost(supply("m5.large", region="eu-west-1"))
    assert found.unpriced == ()
    assert "(on-demand in us-east-1: $0.0960/h)" in found.footnotes[0]


def test_the_line_says_which_type_counts_and_which_is_the_dearest() -> None:
    found = cost(supply("g6e.2xlarge", "g6e.xlarge", ceiling=1))
    assert found.items[0].what == (
        "g6e.xlarge on-demand in us-east-1 (1 NVIDIA L40S); cheapest of 2 that fit, "
        "most expensive g6e.2xlarge"
    )
    assert found.items[0].dearest == Money(D("2.24208"))


def test_per_gpu_hour() -> None:
    assert cost(supply("p5.48xlarge")).resources[0].per_gpu_hour == Money(D("55.04") / 8)
    assert cost(supply("p5e.48xlarge")).resources[0].per_gpu_hour is None


def test_a_ceiling_without_a_bound_says_so() -> None:
    found = cost(supply("g5.xlarge", ceiling=None), supply("g6e.xlarge", ceiling=2))
    assert found.ceiling.unbounded
    assert found.ceiling.hourly.amount == D("1.006") + D("1.861") * 2
    assert any("no upper limit" in note for note in found.footnotes)
    assert not found.floor.unbounded
    raised = cost(supply("g5.xlarge", nodes=3, desired=0, ceiling=None))
    assert (
        raised.ceiling.hourly.amount == D("1.006") * 3
    )  # what is held is certain, whatever is declared


@pytest.mark.parametrize(
    ("nodes", "desired", "ceiling", "says"),
    [(2, 1, 4, "floor is above"), (0, 5, 3, "ceiling is below"), (1, 1, 1, None)],
)
def test_figures_out_of_order_are_explained(
    nodes: int, desired: int, ceiling: int, says: str | None
) -> None:
    notes = " ".join(
        cost(supply("g5.xlarge", nodes=nodes, desired=desired, ceiling=ceiling)).footnotes
    )
    assert (says in notes) if says else notes == ""


def test_an_overlap_bills_once_for_a_cold_start() -> None:
    found = cost(supply("p5.48xlarge", nodes=2, overlap=2, ceiling=2))
    # 120 s node + 600 s image + 120 s model, at most.
    assert found.once is not None
    assert round(found.once.amount, 12) == round(D("55.04") * 2 * 840 / 3600, 12)
    assert found.floor.hourly.amount == D("55.04") * 2
    assert [item.quantity for item in found.items if not item.counts_in] == [D(2) * 840 / 3600]
    own_number = cost(
        supply("g5.xlarge", overlap=1),
        settings={"coldStart": {"nodeSeconds": 30, "imageSeconds": 0, "loadSeconds": 0}},
    )
    assert own_number.once is not None
    assert round(own_number.once.amount, 12) == round(
        D("1.006") * 60 / 3600, 12
    )  # EC2 bills a minute at least.


class TestExpected:
    """Traffic: busy hours, idle tails and cold starts, from the floor to the ceiling."""

    def test_without_a_profile_there_is_none(self) -> None:
        assert cost(supply("g5.xlarge")).expected is None

    def test_busy_hours_tails_and_cold_starts(self) -> None:
        # 40 busy hours come as five days of eight hours; each ends in 15 minutes of idling and
        # begins with 840 s of starting.
        found = cost(
            supply("g5.xlarge", nodes=0, tail=900), settings={"traffic": {"busyHoursPerWeek": 40}}
        )
        assert found.expected is not None
        seconds = 5 * (8 * 3600 + 900 + 840)
        assert round(found.expected.hourly.amount, 12) == round(
            D("1.006") * seconds / 3600 / 168, 12
        )

    def test_bursts_that_come_before_the_tail_ends_keep_it_warm(self) -> None:
        # 100 bursts in 84 busy hours: gaps of 50.4 minutes, and an hour of tail bridges each.
        found = cost(
            supply("g5.xlarge", nodes=0, tail=3600),
            settings={"traffic": {"busyHoursPerWeek": 84, "burstsPerWeek": 100}},
        )
        assert found.expected is not None
        assert found.expected.hourly.amount == D("1.006")

    def test_requests_by_hour_of_week(self) -> None:
        # Monday 9 to 12 needs 1, 3 and 1 replicas; the rest of the week is idle. The first node
        # runs 3 h, two more run 1 h.
        rates = [0] * 168
        rates[9:12] = [5, 21, 4]
        profile = {"requestsPerSecond": rates, "requestsPerSecondPerReplica": 10}
        found = cost(
            supply("g5.xlarge", nodes=0, ceiling=5, tail=600), settings={"traffic": profile}
        )
        assert found.expected is not None
        seconds = (3 * 3600 + 600 + 840) + 2 * (1 * 3600 + 600 + 840)
        assert round(found.expected.hourly.amount, 12) == round(
            D("1.006") * seconds / 3600 / 168, 12
        )

    def test_a_burst_over_the_end_of_the_week_is_one(self) -> None:
        rates = [0] * 168
        rates[0] = rates[167] = 1
        found = cost(
            supply("g5.xlarge", nodes=0), settings={"traffic": {"requestsPerSecond": rates}}
        )
        assert found.expected is not None
        assert round(found.expected.hourly.amount, 12) == round(
            D("1.006") * (2 * 3600 + 840) / 3600 / 168, 12
        )

    def test_a_short_gap_bills_itself_and_a_long_one_the_tail(self) -> None:
        rates = [0] * 168
        rates[0] = rates[2] = 1  # an hour between them, 165 after them; the tail is two
        found = cost(
            supply("g5.xlarge", nodes=0, tail=7200),
            settings={"traffic": {"requestsPerSecond": rates}},
        )
        assert found.expected is not None
        hours = 1 + 1 + 1 + 2
        assert round(found.expected.hourly.amount, 12) == round(
            D("1.006") * (hours * 3600 + 840) / 3600 / 168, 12
        )

    def test_starting_all_the_time_is_no_dearer_than_being_there(self) -> None:
        # 1,000 starts of 840 s are 233 hours, and only 68 of the week are idle.
        found = cost(
            supply("g5.xlarge", nodes=0),
            settings={"traffic": {"busyHoursPerWeek": 100, "burstsPerWeek": 1000}},
        )
        assert found.expected is not None
        assert found.expected.hourly.amount == D("1.006")

    def test_never_above_the_ceiling_nor_below_the_floor(self) -> None:
        rates = {"requestsPerSecond": [100] * 168, "requestsPerSecondPerReplica": 1}
        busy = cost(supply("g5.xlarge", nodes=1, ceiling=4), settings={"traffic": rates})
        idle = cost(
            supply("g5.xlarge", nodes=1, ceiling=4), settings={"traffic": {"busyHoursPerWeek": 0}}
        )
        assert busy.expected is not None
        assert idle.expected is not None
        assert busy.expected == busy.ceiling
        assert idle.expected.hourly == idle.floor.hourly

    def test_the_first_node_of_a_floor_is_there_already(self) -> None:
        found = cost(
            supply("g5.xlarge", nodes=1, ceiling=4), settings={"traffic": {"busyHoursPerWeek": 40}}
        )
        assert found.expected is not None
        assert found.expected.hourly == found.floor.hourly

    def test_where_the_meter_starts_at_ready_a_cold_start_is_free(self) -> None:
        week = {"traffic": {"busyHoursPerWeek": 8}}
        fireworks = cost(
            supply("1x H100 80GB", cloud="fireworks", region=None, nodes=0, tail=3600),
            settings=week,
        )
        assert fireworks.expected is not None
        assert round(fireworks.expected.hourly.amount, 12) == round(
            D(7) * (8 * 3600 + 3600) / 3600 / 168, 12
        )

    def test_short_bursts_bill_the_minimum(self) -> None:
        # Ten bursts of 36 s, without a start or a tail: EC2 bills a minute each.
        given = {
            "traffic": {"busyHoursPerWeek": "0.1", "burstsPerWeek": 10},
            "coldStart": {"nodeSeconds": 0, "imageSeconds": 0, "loadSeconds": 0},
        }
        found = cost(supply("g5.xlarge", nodes=0), settings=given)
        assert found.expected is not None
        assert round(found.expected.hourly.amount, 12) == round(D("1.006") * 600 / 3600 / 168, 12)

    @pytest.mark.parametrize(
        "traffic",
        [
            {"requestsPerSecond": [1] * 24},
            {"requestsPerSecond": [-1] * 168},
            {"requestsPerSecond": ["NaN"] * 168},
            {"requestsPerSecond": "x" * 168},
            {"requestsPerSecond": [1] * 168, "requestsPerSecondPerReplica": 0},
            {"requestsPerSecond": ["1e9"] * 168, "requestsPerSecondPerReplica": "1e-9"},
        ],
    )
    def test_a_profile_that_makes_no_week_is_refused(self, traffic: dict[str, object]) -> None:
        with pytest.raises(InputError, match="traffic"):
            cost(supply("g5.xlarge"), settings={"traffic": traffic})


def test_spot_without_a_price_costs_at_most_what_on_demand_does() -> None:
    found = cost(
        supply("g5.xlarge", market=Market.SPOT), settings={"limits": {"maxFloorHourly": 1}}
    )
    assert (found.floor.hourly.amount, found.unpriced) == (D("1.006"), ())
    assert "at most its on-demand price" in found.items[0].what
    assert any("spot does not exceed" in note for note in found.footnotes)


def test_a_scheduled_floor_has_no_weekend_figure() -> None:
    # A node of $55.04/h for 45 h of a week of 168.
    found = cost(supply("p5.48xlarge", hours=45)).meaning
    assert found is not None
    assert found.weekend is None
    assert round(found.weekly.amount, 6) == D("55.04") * 45


def test_what_the_floor_means() -> None:
    found = cost(supply("p5.48xlarge")).meaning
    assert found is not None
    assert found.weekend == Money(D("55.04") * 62)
    assert (found.until_noticed, found.noticed_after_days) == (Money(D("55.04") * 24 * 30), 30)
    assert found.first_year == Money(D("55.04") * 730 * 12)
    assert found.saves_monthly == Money(D("55.04") * 730)
    assert (found.wait.least, found.wait.most) == (D(80 + 300 + 120), D(120 + 600 + 120))
    assert all(part.source for part in found.wait.parts)
    sooner = cost(
        supply("p5.48xlarge"), settings={"noticedAfterDays": 3, "coldStart": {"imageSeconds": 20}}
    ).meaning
    assert sooner is not None
    assert sooner.until_noticed == Money(D("55.04") * 24 * 3)
    assert (sooner.wait.least, sooner.wait.most) == (D(80 + 20 + 120), D(120 + 20 + 120))
    assert sooner.wait.parts[1].source == "coldStart in zerofloor.yaml"


class TestChange:
    """Against a previous report, or the estimate of an export."""

    def test_against_an_estimate(self) -> None:
        before = baseline.of_estimate(cost(supply("g6e.xlarge", nodes=0)), "production")
        pools = floor({"p0": supply("g6e.xlarge", nodes=2)})
        found = estimate(
            pools, estate((), Settings()), open_book(), datetime.date(2026, 11, 24), before
        ).change
        assert found is not None
        assert (found.floor, found.against, found.notes) == (
            Money(D("1.861") * 2),
            "production",
            (),
        )
        assert found.ceiling == Money(D(0))
        assert baseline.signed(found.floor) == "+$3.72/h"
        assert baseline.signed(found.floor * -1) == "-$3.72/h"
        assert baseline.signed(found.ceiling) == "±$0.00/h"

    def test_what_is_missing_on_either_side_is_told(self) -> None:
        unpriced, priced = (
            cost(supply("p5e.48xlarge")),
            floor({"p0": supply("p5e.48xlarge"), "p1": supply("p5e.48xlarge")}),
        )
        before = baseline.of_estimate(unpriced, "last")
        found = estimate(
            priced, estate((), Settings()), open_book(), datetime.date(2026, 11, 24), before
        ).change
        assert found is not None
        assert found.notes == (
            (
                "Of the baseline 1 had no price or could not be decided, so the change may be "
                "too high."
            ),
            "Of this run 2 have no price or can't be decided, so the change may be too low.",
        )

    def test_against_a_report_priced_with_another_snapshot(self) -> None:
        money = {"hourly": {"amount": "1.861", "currency": "USD"}}
        figures = {"floor": money, "desired": money, "ceiling": money, "unpriced": ["urn:x"]}
        report = {"schema": "zerofloor.report/1", "estimate": figures, "prices": {"snapshot": "00"}}
        before = baseline.of_report(report, "last.json")
        found = estimate(
            floor({}), estate((), Settings()), open_book(), datetime.date(2026, 11, 24), before
        ).change
        assert found is not None
        assert found.floor == Money(D("-1.861"))
        assert len(found.notes) == 2

    @pytest.mark.parametrize(
        "report",
        [
            None,
            [],
            {},
            {"schema": "zerofloor.report/1"},
            {"schema": "zerofloor.report/1", "estimate": []},
            {
                "schema": "zerofloor.report/1",
                "estimate": {"floor": {"hourly": {"amount": 1, "currency": "USD"}}},
            },
            {
                "schema": "zerofloor.report/1",
                "estimate": {"floor": {"hourly": {"amount": "NaN", "currency": "USD"}}},
            },
        ],
    )
    def test_what_is_no_report_is_refused(self, report: object) -> None:
        with pytest.raises(InputError, match=r"last\.json"):
            baseline.of_report(report, "last.json")


class TestBreakEven:
    """One dedicated replica against per-token prices."""

    def test_by_a_throughput_of_ones_own(self) -> None:
        given = {
            "serverless": {"model": "gpt-oss-120b", "tokensPerSecond": 2000, "outputShare": "0.25"}
        }
        found = cost(supply("g5.xlarge"), settings=given).break_even
        assert found is not None
        blended = D("0.15") * D("0.75") + D("0.60") * D("0.25")
        assert found.per_million == Money(blended)
        assert found.dedicated_monthly == Money(D("1.006") * 730)
        assert round(found.tokens_per_month) == round(D("1.006") * 730 / blended * 1_000_000)
        assert found.capacity_per_month == 2000 * 3600 * 730
        by_use = dict(found.per_million_at)
        assert round(by_use[D("0.5")].amount, 9) == round(
            D("1.006") / (2000 * 3600 * D("0.5")) * 1_000_000, 9
        )
        assert found.verdict.startswith("Below 2,798 M tokens a month serverless is cheaper")

    def test_intermittent_use_is_cheaper_serverless_and_by_how_much(self) -> None:
        given = {
            "serverless": {"model": "gpt-oss-120b", "tokensPerMonth": 100_000_000},
            "traffic": {"busyHoursPerWeek": 8},
        }
        found = cost(supply("p5.48xlarge", nodes=0), settings=given).break_even
        assert found is not None
        serverless = 100 * (D("0.15") * D("0.75") + D("0.60") * D("0.25"))
        dedicated = D("55.04") * (8 * 3600 + 840) / 3600 / 168 * 730
        assert f"serverless is cheaper by ${dedicated - serverless:,.2f} a month" in found.verdict

    def test_as_many_replicas_as_the_tokens_need(self) -> None:
        # One replica serves 2,000 tokens/s: 5,256 M a month; 10,000 M need two.
        given = {"model": "gpt-oss-120b", "tokensPerSecond": 2000, "tokensPerMonth": 10_000_000_000}
        found = cost(supply("g5.xlarge"), settings={"serverless": given}).break_even
        assert found is not None
        dedicated = 2 * D("1.006") * 730
        serverless = 10_000 * (D("0.15") * D("0.75") + D("0.60") * D("0.25"))
        assert "2 replicas that are always on, $1,468.76" in found.verdict
        assert (
            f"the dedicated deployment is cheaper by ${serverless - dedicated:,.2f}"
            in found.verdict
        )
        busy = cost(
            supply("g5.xlarge", nodes=0, ceiling=1),
            settings={"serverless": given, "traffic": {"busyHoursPerWeek": 8}},
        ).break_even
        assert busy is not None
        assert "the two are not comparable" in busy.verdict

    def test_a_stated_default_has_its_source_and_fits_one_size(self) -> None:
        found = cost(
            supply("g6e.xlarge"), settings={"serverless": {"model": "llama-v3p1-8b-instruct"}}
        ).break_even
        assert found is not None
        assert found.capacity_per_month == 4455 * 3600 * 730
        assert "A100" in found.throughput
        assert found.verdict.startswith("Serverless is cheaper at any use")
        # 11.7 thousand million tokens a month at most, 13.6 thousand million to break even.
        assert found.is_out_of_reach
        other = cost(
            supply("p5.48xlarge"), settings={"serverless": {"model": "deepseek-v3p2"}}
        ).break_even
        assert other is not None
        assert (other.capacity_per_month, other.per_million_at, other.throughput) == (None, (), "")

    def test_an_unknown_model_is_refused_with_those_that_are_known(self) -> None:
        with pytest.raises(InputError, match="llama-v3p3-70b-instruct"):
            cost(supply("g5.xlarge"), settings={"serverless": {"model": "gpt-9"}})

    def test_without_a_model_there_is_none(self) -> None:
        assert cost(supply("g5.xlarge")).break_even is None


def test_the_snapshots_age_is_told_from_ninety_days_on() -> None:
    assert cost(supply("g5.xlarge"), today=datetime.date(2027, 2, 21)).footnotes == ()
    (note,) = cost(supply("g5.xlarge"), today=datetime.date(2027, 2, 22)).footnotes
    assert "gathered on 2026-11-23, 91 days ago" in note


def test_a_stack_without_a_gpu_costs_nothing_and_says_nothing() -> None:
    found = estimate(
        Floor(Verdict.ZERO, D(0), 0, ()),
        estate((), Settings()),
        open_book(),
        datetime.date(2026, 11, 24),
    )
    assert (found.items, found.footnotes, found.meaning, found.unpriced) == ((), (), None, ())


def test_a_book_in_another_currency_adds_up_its_own_prices_only() -> None:
    book = own("h100", "2.5", "EUR", cloud="onprem")
    found = cost(
        supply("1x h100", cloud="onprem", region="frankfurt", ceiling=2),
        supply("g5.xlarge"),
        book=book,
    )
    assert found.floor.hourly == Money(D("2.5"), "EUR")
    assert found.unpriced == (urn("p1"),)


TYPES = ("g5.xlarge", "g6e.xlarge", "p5.48xlarge", "p4d.24xlarge", "p5e.48xlarge")
SUPPLIES = st.builds(
    lambda types, nodes, more, most, hours: supply(
        *types,
        nodes=nodes,
        desired=nodes + more,
        ceiling=None if most is None else nodes + more + most,
        hours=hours,
    ),
    st.lists(st.sampled_from(TYPES), min_size=1, max_size=3, unique=True),
    st.integers(0, 50),
    st.integers(0, 5),
    st.one_of(st.none(), st.integers(0, 100)),
    st.integers(0, 168),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(SUPPLIES, max_size=4), st.lists(SUPPLIES, max_size=4))
def test_the_cost_of_two_disjoint_stacks_is_the_sum_of_both(
    one: list[Supply], other: list[Supply]
) -> None:
    first = {f"a{number}": each for number, each in enumerate(one)}
    second = {f"b{number}": each for number, each in enumerate(other)}
    alone, beside, both = cost(named=first), cost(named=second), cost(named=first | second)
    for figure in ("floor", "desired", "ceiling"):
        apart = getattr(alone, figure).hourly.amount + getattr(beside, figure).hourly.amount
        assert round(getattr(both, figure).hourly.amount, 9) == round(apart, 9)
    assert set(both.unpriced) == set(alone.unpriced) | set(beside.unpriced)


@settings(max_examples=60, deadline=None)
@given(st.lists(SUPPLIES, min_size=1, max_size=4), st.integers(0, 168))
def test_floor_desired_expected_and_ceiling_are_in_order(supplies: list[Supply], busy: int) -> None:
    found = cost(*supplies, settings={"traffic": {"busyHoursPerWeek": busy}})
    assert found.expected is not None
    tiny = D("1e-9")
    assert found.floor.hourly.amount <= found.desired.hourly.amount <= found.ceiling.hourly.amount
    assert found.floor.hourly.amount <= found.expected.hourly.amount + tiny
    assert (
        found.ceiling.unbounded
        or found.expected.hourly.amount <= found.ceiling.hourly.amount + tiny
    )
    for amount in (found.floor, found.desired, found.expected, found.ceiling):
        assert amount.up_to is None or amount.up_to.amount > amount.hourly.amount


@settings(max_examples=60, deadline=None)
@given(
    st.lists(SUPPLIES, min_size=1, max_size=3),
    st.sampled_from(TYPES),
    st.integers(1, 300),
    st.integers(0, 100),
)
def test_a_dearer_price_never_lowers_a_total(
    supplies: list[Supply], item: str, cents: int, dearer: int
) -> None:
    before = cost(*supplies, book=own(item, str(D(cents) / 100)))
    after = cost(*supplies, book=own(item, str(D(cents + dearer) / 100)))
    for figure in ("floor", "desired", "ceiling"):
        assert getattr(after, figure).hourly.amount >= getattr(before, figure).hourly.amount


def expected(supplies: list[Supply], traffic: Mapping[str, object]) -> D:
    found = cost(*supplies, settings={"traffic": traffic})
    assert found.expected is not None
    return found.expected.hourly.amount


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(TYPES),
    st.lists(st.integers(0, 12), min_size=168, max_size=168),
    st.integers(0, 167),
    st.integers(1, 30),
    # A request that bridges a gap saves the cold start (840 s) after it, which is dearer than what
    # is left of the gap where the tail ends less than that before it.
    st.integers(0, 7200).filter(lambda seconds: seconds % 3600 <= 3600 - 840),
)
def test_adding_a_request_never_lowers_the_cost(
    kind: str, rates: list[int], hour: int, more: int, tail: int
) -> None:
    after = [rate + (more if at == hour else 0) for at, rate in enumerate(rates)]

    def costs(requests: list[int]) -> D:
        traffic = {"requestsPerSecond": requests, "requestsPerSecondPerReplica": 4}
        return expected([supply(kind, nodes=0, ceiling=9, tail=tail)], traffic)

    assert costs(after) >= costs(rates) - D("1e-9")


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(TYPES), st.integers(0, 7200), st.integers(0, 7200), st.integers(1, 100))
def test_a_longer_window_before_scaling_in_never_lowers_the_cost(
    kind: str, tail: int, longer: int, busy: int
) -> None:
    def costs(seconds: int) -> D:
        pool = supply(kind, nodes=0, ceiling=3, tail=seconds)
        return expected([pool], {"busyHoursPerWeek": busy, "burstsPerWeek": 10})

    # A window that bridges a gap saves the cold start, which bills on EC2: at most that.
    started = D(10 * 840) / 3600 / 168
    node = cost(supply(kind)).floor.hourly.amount
    assert costs(tail + longer) >= costs(tail) - started * node


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(TYPES), st.integers(1, 60), st.integers(1, 5), st.integers(0, 5))
def test_more_replicas_or_busy_hours_never_lower_the_cost(
    kind: str, busy: int, replicas: int, more: int
) -> None:
    def costs(hours: int, number: int) -> D:
        traffic = {"busyHoursPerWeek": hours, "replicas": number, "burstsPerWeek": 5}
        return expected([supply(kind, nodes=0, ceiling=6, tail=300)], traffic)

    assert costs(busy, replicas + more) >= costs(busy, replicas)
    assert costs(busy + more, replicas) >= costs(busy, replicas)


@settings(max_examples=30, deadline=None)
@given(st.lists(SUPPLIES, min_size=1, max_size=4))
def test_the_same_input_gives_the_same_bytes(supplies: list[Supply]) -> None:
    assert repr(cost(*supplies)).encode() == repr(cost(*supplies)).encode()


@pytest.mark.parametrize(
    ("traffic", "replicas", "says"),
    [
        ({"busyHoursPerWeek": 40}, 1, "1 replica in 40 busy hours a week, one on a node (`traffic"),
        ({"busyHoursPerWeek": 40, "replicas": 3}, 3, "3 replicas in 40 busy hours a week, one on"),
        ({"requestsPerSecond": [0] * 167 + [9]}, 1, "1 replica whatever the rate, since"),
        (
            {"requestsPerSecond": [1] * 167 + [9], "requestsPerSecondPerReplica": 2},
            5,
            "5 replicas in the busiest hour, one on a node.",
        ),
    ],
)
def test_expected_says_how_many_replicas_it_took(
    traffic: dict[str, object], replicas: int, says: str
) -> None:
    found = cost(supply("g5.xlarge", nodes=0, ceiling=8), settings={"traffic": traffic})
    assert found.expected_replicas == replicas
    assert any(note.startswith(f"Expected: {says}") for note in found.footnotes), found.footnotes


def test_three_replicas_cost_three_times_one_and_more_than_the_ceiling_is_said() -> None:
    def expected(replicas: int, ceiling: int) -> tuple[D, str]:
        traffic = {"busyHoursPerWeek": 40, "burstsPerWeek": 5, "replicas": replicas}
        pool = supply("g5.xlarge", nodes=0, ceiling=ceiling)
        found = cost(pool, settings={"traffic": traffic})
        assert found.expected is not None
        return found.expected.hourly.amount, " ".join(found.footnotes)

    # 40 h, and 5 cold starts of 840 s, on g5.xlarge in us-east-1.
    one = D("1.006") * (40 + 5 * D(840) / 3600) / 168
    assert round(expected(1, 8)[0], 12) == round(one, 12)
    assert round(expected(3, 8)[0], 12) == round(3 * one, 12)
    assert round(expected(3, 2)[0], 12) == round(2 * one, 12)
    assert "needs 3 replicas, and its ceiling is 2 nodes: requests wait." in expected(3, 2)[1]
    assert "requests wait" not in expected(3, 3)[1]
