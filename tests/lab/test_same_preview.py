"""The same program through engine, real provider and real API server, and in-process."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from tests.engine.comparison import comparable
from tests.engine.conftest import require_engine
from tests.engine.real_engine import logged_out, new_engine
from tests.engine.record import PROGRAMS
from tests.lab.harness.doorway import kubeconfig
from tests.lab.harness.lab import Lab
from zerofloor.engine.program import preview_in_process
from zerofloor.engine.pulumi import preview_with_engine

pytestmark = [pytest.mark.lab, pytest.mark.engine, pytest.mark.xdist_group("lab")]


@pytest.mark.parametrize("name", ["plain", "custom"])
def test_a_cluster_that_answers_changes_nothing_of_a_preview(
    lab: Lab, tmp_path: Path, name: str
) -> None:
    require_engine()
    folder = tmp_path / name
    shutil.copytree(PROGRAMS / name, folder)
    with kubeconfig(lab) as access:
        config = {"config": {"kubernetes:kubeconfig": access}}
        (folder / "Pulumi.dev.yaml").write_text(yaml.safe_dump(config))
        environ = logged_out(new_engine(tmp_path / "engine"))
        real = preview_with_engine(folder, "dev", time_limit=60, environ=environ)
        ours = preview_in_process(folder, "dev", time_limit=60)
    assert [resource.urn for resource in ours.resources] == [r.urn for r in real.resources]
    for one, other in zip(comparable(ours), comparable(real), strict=True):
        assert one == other
