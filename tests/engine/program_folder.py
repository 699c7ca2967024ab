"""Writes small Pulumi programs for tests."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

VPC = 'pulumi.CustomResource("aws:ec2/vpc:Vpc", "vpc", {"cidrBlock": "10.0.0.0/16", "arn": None})'
"""A resource without the import of pulumi_aws, which takes longer than a whole test."""


def program(
    folder: Path, source: str, *, config: str = "", project: str = "runtime: python"
) -> Path:
    """A project `test` with a stack `dev`: the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "__main__.py").write_text(dedent(source))
    (folder / "Pulumi.yaml").write_text(f"name: test\n{dedent(project)}\n")
    (folder / "Pulumi.dev.yaml").write_text(
        "config:\n" + "".join(f"  {line}\n" for line in dedent(config).strip().splitlines())
    )
    return folder
