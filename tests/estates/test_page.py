"""docs/audit.md shows what the commands print."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from tests.cli.command import TODAY, zerofloor
from tests.estates.backends import Backend, deployment, instance
from tests.estates.test_links import cluster, group, kubeconfig

PAGE = Path(__file__).parents[2] / "docs" / "audit.md"

BLOCKS = re.findall(r"```console\n\$ (zerofloor .*?)\n(.*?)```", PAGE.read_text(), re.DOTALL)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The backend of the page."""
    backend = Backend(tmp_path / "state")
    backend.add("shop", "dev", instance("batch", {"team": "search"}))
    backend.add("shop", "prod", instance("ranker", {"team": "search"}, size="g5.12xlarge"))
    backend.add("platform", "prod", cluster("ml"), group("ml", "platform", stack="prod"))
    backend.add("chat", "prod", deployment("llm", team="chat"), kubeconfig=kubeconfig("ml"))
    backend.add("web", "prod", instance("site", size="t3.large"))
    backend.path("web/dev").write_text('{"version": 3, "checkpoint": {"latest": {"resou')
    (tmp_path / "zerofloor.yaml").write_text("trust: {clusterAutoscaler: true}\n")
    return tmp_path


def test_the_page_shows_the_real_output(folder: Path) -> None:
    assert len(BLOCKS) >= 3
    for command, shown in BLOCKS:
        words = shlex.split(command)[1:]
        done = zerofloor(*words, *TODAY, cwd=folder)
        printed = done.out + done.err
        start = 0
        for piece in re.split(r"^…$", shown, flags=re.MULTILINE):
            text = piece.strip("\n")
            found = printed.find(text, start)
            assert found >= 0, f"the page shows\n{text}\nbut {command} prints\n{printed}"
            start = found + len(text)
