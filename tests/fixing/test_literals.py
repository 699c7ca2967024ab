"""Literals in the source of programs."""

from __future__ import annotations

import pytest

from zerofloor.fixing.literals import names_of, replace_literal

PYTHON = """\
import pulumi_aws as aws

aws.eks.NodeGroup(
    "gpu",
    tags={"ü": "min_size=1"},
    scaling_config=aws.eks.NodeGroupScalingConfigArgs(min_size=1, max_size=1),
)
GpuDeployment("llm", {"min_replicas": 1, "max_replicas": 1})
GpuDeployment("two", {"min_replicas": floor})
"""
TYPESCRIPT = """\
const group = new aws.eks.NodeGroup("gpu", {
    scalingConfig: { minSize: 1, maxSize: 1 },
});
const other = new aws.eks.NodeGroup("x", { scalingConfig: { minSize: 1 } });
"""
GO = """\
	_, err := eks.NewNodeGroup(ctx, "gpu", &eks.NodeGroupArgs{
		ScalingConfig: &eks.NodeGroupScalingConfigArgs{MinSize: pulumi.Int(1), MaxSize: pulumi.Int(1)},
	})
"""
SIZE = names_of("scalingConfig.minSize")


@pytest.mark.parametrize(
    ("text", "suffix", "line", "names", "old", "new"),
    [
        (PYTHON, ".py", 3, SIZE, "Args(min_size=1,", "Args(min_size=0,"),
        # A line inside of the call: a component's own frames may name it.
        (PYTHON, ".py", 5, SIZE, "Args(min_size=1,", "Args(min_size=0,"),
        (PYTHON, ".py", 7, SIZE, "Args(min_size=1,", "Args(min_size=0,"),
        (
            PYTHON,
            ".py",
            8,
            names_of("spec.minReplicaCount", "min_replicas"),
            '"min_replicas": 1',
            '"min_replicas": 0',
        ),
        (TYPESCRIPT, ".ts", 1, SIZE, "{ minSize: 1, maxSize", "{ minSize: 0, maxSize"),
        (GO, ".go", 1, SIZE, "MinSize: pulumi.Int(1), Max", "MinSize: pulumi.Int(0), Max"),
    ],
)
def test_a_literal_is_changed(
    text: str, suffix: str, line: int, names: tuple[str, ...], old: str, new: str
) -> None:
    assert text.count(old) == 1
    assert replace_literal(text, suffix, line, names, 1, 0) == text.replace(old, new)


@pytest.mark.parametrize(
    ("text", "suffix", "line", "names", "now"),
    [
        (PYTHON, ".py", 9, ("min_replicas",), 1),  # a variable
        (PYTHON, ".py", 1, SIZE, 1),  # another line
        ("Group(\n  min_size=1,\n  other=Args(min_size=1),\n)\n", ".py", 3, SIZE, 1),  # twice
        (PYTHON, ".py", 3, SIZE, 2),  # another value
        (PYTHON, ".py", 3, SIZE, True),  # True is not 1
        ("f(\n", ".py", 1, SIZE, 1),
        (TYPESCRIPT.replace("maxSize: 1", "minSize: 1"), ".ts", 1, SIZE, 1),  # twice
        (GO, ".rs", 1, SIZE, 1),
    ],
)
def test_what_does_not_stand_there_once_is_left(
    text: str, suffix: str, line: int, names: tuple[str, ...], now: object
) -> None:
    assert replace_literal(text, suffix, line, names, now, 0) is None
