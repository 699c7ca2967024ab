"""Every labelled stack and every scenario of the real controllers: verdict and GPUs against what
they say (table: docs/evidence/cases.md)."""

from __future__ import annotations

from tests import outcomes

CLOUDS_DONE = (
    "aws",
    "azure",
    "gcp",
    "kubernetes",
    "databricks",
    "digitalocean",
    "other",
    "runpod",
    "snowflake",
)
"""Platforms that are read; the others' cases are listed in docs/evidence/cases.md and may differ."""

EXPLAINED: dict[str, str] = {}
"""Differences that stay, by the case's name, each with its reason."""


def test_labelled_cases() -> None:
    found = list(outcomes.of_cases())
    assert len(found) >= 120
    wrong = [
        f"{one.name}: {one.expected}, found {one.found} ({one.why})"
        for one in found
        if _counts(one) and not one.agrees
    ]
    assert not wrong, "\n" + "\n".join(wrong)


def test_a_case_of_a_platform_that_is_not_read_is_never_called_zero_by_mistake() -> None:
    """Fail closed: what holds GPUs on a cloud that nobody here reads is at least undecided."""
    wrong = [
        one.name
        for one in outcomes.of_cases()
        if one.cloud not in CLOUDS_DONE and one.expected.startswith("held") and one.found == "zero"
    ]
    assert not wrong, wrong


def test_static_scenarios() -> None:
    found = list(outcomes.of_truths())
    static = [one for one in found if one.expected]
    assert len(static) == 62
    wrong = [
        f"{one.name}: {one.expected}, found {one.found} ({one.why})"
        for one in static
        if one.name not in EXPLAINED and not one.agrees
    ]
    assert not wrong, "\n" + "\n".join(wrong)


def test_explained_differences_are_differences() -> None:
    different = {
        one.name for one in (*outcomes.of_cases(), *outcomes.of_truths()) if not one.agrees
    }
    assert set(EXPLAINED) <= different


def _counts(one: outcomes.Outcome) -> bool:
    return one.cloud in CLOUDS_DONE and not one.ambiguous and one.name not in EXPLAINED
