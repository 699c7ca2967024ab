"""docs/billing.md shows what the commands print."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import jsonschema
import pytest

from tests.cli.command import TODAY, zerofloor
from zerofloor.schema import schema_of

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "billing.md"
FOLDER = ROOT / "examples" / "billing"

BLOCKS = re.findall(r"```console\n\$ (zerofloor .*?)\n(.*?)```", PAGE.read_text(), re.DOTALL)


def test_every_service_of_the_page_has_an_example() -> None:
    commands = " ".join(command for command, _ in BLOCKS)
    named = {path.name for path in FOLDER.iterdir()} - {"week.yaml", "zerofloor.yaml"}
    assert named == {name for name in named if name in commands}
    assert len(named) == 6


@pytest.mark.parametrize(("command", "shown"), BLOCKS, ids=[command for command, _ in BLOCKS])
def test_the_page_shows_the_real_output(command: str, shown: str) -> None:
    done = zerofloor(*shlex.split(command)[1:], *TODAY, cwd=FOLDER)
    assert done.code == 0, done.err
    start = 0
    for piece in re.split(r"^…$", shown, flags=re.MULTILINE):
        text = piece.strip("\n")
        found = done.out.find(text, start)
        assert found >= 0, f"the page shows\n{text}\nbut {command} prints\n{done.out}"
        start = found + len(text)


def test_what_the_page_says_of_a_minimum_of_one_is_the_difference() -> None:
    sets = ("--set", "minReplicaCount=0,1", "--format", "json")
    done = zerofloor("simulate", "eks.yaml", "--trace", "week.yaml", *sets, *TODAY, cwd=FOLDER)
    zero, one = (
        float(setting["cost"]["amount"]) / 168 * 730 for setting in json.loads(done.out)["settings"]
    )
    assert f"${one - zero:,.0f} a month more" in PAGE.read_text()


@pytest.mark.parametrize(
    ("file", "options"),
    [
        ("eks.yaml", ("--set", "minReplicaCount=0,1", "--max-wait", "900")),
        ("fireworks.json", ()),
        ("unpriced.yaml", ()),
    ],
)
def test_json_follows_its_schema(file: str, options: tuple[str, ...], tmp_path: Path) -> None:
    text = (FOLDER / "eks.yaml").read_text()
    (tmp_path / "unpriced.yaml").write_text(text.replace("g6e.xlarge", "g99.xlarge"))
    path = tmp_path / file if (tmp_path / file).exists() else FOLDER / file
    trace = str(FOLDER / "week.yaml")
    command = ("simulate", str(path), "--trace", trace, "--format", "json", *options, *TODAY)
    done = zerofloor(*command, cwd=tmp_path)
    schema = json.loads(schema_of("simulation"))
    jsonschema.validate(json.loads(done.out), schema, cls=jsonschema.Draft202012Validator)
