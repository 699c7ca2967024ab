"""A pattern that matches nothing is told with the resource that it may have meant."""

from __future__ import annotations

import pytest

from zerofloor.rules.likeness import did_you_mean_urn

NAMES = ("inference", "default/llm", "default/batch", "gpu")


@pytest.mark.parametrize(
    ("pattern", "near"),
    [
        ("*::infernce", "*::inference"),
        ("urn:pulumi:dev::shop::aws:ec2/instance:Instance::inferrence", "*::inference"),
        ("*::llm", "*::default/llm"),
        ("*::default/lmm", "*::default/llm"),
        ("*::lmm", "*::default/llm"),
        ("*Deployment::bach*", "*::default/batch"),
        # It is there: something else of the pattern is wrong.
        ("*:Instance::gpu", ""),
        ("*::something", ""),
        ("*", ""),
    ],
)
def test_the_nearest_resource(pattern: str, near: str) -> None:
    assert did_you_mean_urn(pattern, NAMES) == (f" (did you mean {near}?)" if near else "")
