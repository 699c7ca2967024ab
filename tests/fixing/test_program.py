"""Which configuration of a project a value may come from."""

from __future__ import annotations

import pytest

from zerofloor.fixing.program import _defaults

HEAD = "name: shop\nruntime: yaml\n"


@pytest.mark.parametrize(
    ("config", "found"),
    [
        ("", []),
        ("config: {}\n", []),
        # Keys of the project itself are written without it, others with their package.
        ("config: {warm: 2}\n", [("shop:warm", "2")]),
        ("config: {shop:warm: 2}\n", [("shop:warm", "2")]),
        ("config: {aws:region: us-east-1}\n", [("aws:region", "us-east-1")]),
        ("config: {warm: {type: integer, default: 2}}\n", [("shop:warm", "2")]),
        ("config: {aws:region: {value: us-east-1}}\n", [("aws:region", "us-east-1")]),
        ("config: {warm: {deep: {default: 2}}}\n", []),
    ],
)
def test_a_projects_defaults_by_the_keys_of_a_stack(
    config: str, found: list[tuple[str, str]]
) -> None:
    given = list(_defaults({"Pulumi.yaml": HEAD + config}))
    assert given == [((key,), value) for key, value in found]
