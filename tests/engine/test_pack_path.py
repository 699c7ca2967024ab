"""Where `pack-path` points, and what it writes for older engines."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from tests.engine.real_engine import ROOT, Engine
from zerofloor import __version__
from zerofloor.engine.pack import pack_folder, pack_path
from zerofloor.errors import InputError


def test_the_executable_beside_this_python_is_the_pack() -> None:
    path = pack_path()
    assert path.parent == Path(sys.executable).parent
    assert os.access(path, os.X_OK)


def test_started_by_hand_it_says_how_to_use_it() -> None:
    done = subprocess.run(
        [str(pack_path())], capture_output=True, text=True, timeout=30, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        'zerofloor-pack is started by Pulumi: pulumi preview --policy-pack "$(zerofloor '
        'pack-path)"\n'
    )


def test_an_installation_without_scripts_is_an_input_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setattr("sysconfig.get_path", lambda name: str(tmp_path))
    with pytest.raises(InputError, match=r"zerofloor-pack is not beside .*/python"):
        pack_path()


def test_the_folder_names_this_environment_and_goes_to_the_users_cache(tmp_path: Path) -> None:
    folder = pack_folder({"XDG_CACHE_HOME": str(tmp_path)})
    assert folder.parent == tmp_path / "zerofloor"
    content = yaml.safe_load((folder / "PulumiPolicy.yaml").read_text())
    assert content == {
        "version": __version__,
        "runtime": {"name": "python", "options": {"virtualenv": sys.prefix}},
    }
    assert pack_folder({"XDG_CACHE_HOME": str(tmp_path)}) == folder


def test_a_folder_that_can_not_be_written_is_an_input_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="can't write the pack"):
        pack_folder(destination=tmp_path / "file" / "pack")


def test_the_pack_in_the_repository_has_the_packages_version() -> None:
    assert (
        yaml.safe_load((ROOT / "policies" / "PulumiPolicy.yaml").read_text())["version"]
        == __version__
    )
    assert (
        "zerofloor-pack"
        in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    )


@pytest.mark.engine
def test_the_written_folder_is_a_pack_for_the_engine(engine: Engine, tmp_path: Path) -> None:
    folder = pack_folder(destination=tmp_path / "pack")
    done = engine.pulumi("preview", "--policy-pack", str(folder), cwd=engine.yaml_project("no_gpu"))
    assert done.returncode == 0, done.stdout
    assert f"zerofloor@v{__version__}" in done.stdout
