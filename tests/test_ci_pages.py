"""The integrations as far as they can be tried without their services: YAML that parses, scripts
that bash accepts, commands and options that exist."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from zerofloor.cli.main import COMMANDS, functions_of
from zerofloor.cli.parsing import parser_of
from zerofloor.engine.servicer import _configured
from zerofloor.settings.parsing import parse, plain

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "docs" / "ci").glob("*.md"))
ACTION = ROOT / "action.yml"
COMPONENT = ROOT / "templates" / "zerofloor.yml"


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(), re.DOTALL)


def scripts() -> list[str]:
    action = yaml.safe_load(ACTION.read_text())
    component = list(yaml.safe_load_all(COMPONENT.read_text()))[1]
    return [
        *(step["run"] for step in action["runs"]["steps"] if "run" in step),
        *component["zerofloor"]["script"],
    ]


@pytest.mark.parametrize("script", scripts(), ids=range(len(scripts())))
def test_bash_accepts_each_script(script: str) -> None:
    done = subprocess.run(["bash", "-n"], input=script, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


def test_no_input_is_spliced_into_a_script() -> None:
    for script in scripts():
        assert "${{" not in script
        assert "$[[" not in script


def test_the_action_uses_only_inputs_that_it_declares() -> None:
    text = ACTION.read_text()
    declared = set(yaml.safe_load(text)["inputs"])
    assert set(re.findall(r"inputs\.([a-z-]+)", text)) == declared


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_yaml_of_a_page_parses(page: Path) -> None:
    for block in blocks(page, "yaml"):
        assert yaml.safe_load(block) is not None


def commands() -> list[tuple[str, list[str]]]:
    found = []
    for page in [*PAGES, ROOT / "README.md", ACTION, COMPONENT]:
        for line in page.read_text().splitlines():
            match = re.search(
                r"(?:^|[\s/`])zerofloor ((?:{})\b[^|`>#\"'\]]*)".format("|".join(COMMANDS)), line
            )
            if match and not line.lstrip().startswith(("description", "#")):
                found.append((page.name, shlex.split(match[1].replace("…", ""))))
    return found


@pytest.mark.parametrize(("page", "words"), commands(), ids=str)
def test_a_command_on_a_page_has_only_options_that_exist(page: str, words: list[str]) -> None:
    functions = functions_of(words[0])
    function = functions[""] if "" in functions else functions[words[1]] if len(words) > 1 else None
    if function is None:
        return
    known = {
        name
        for action in parser_of(function, "zerofloor")._actions
        for name in action.option_strings
    }
    options = {word.partition("=")[0] for word in words if word.startswith("-") and word != "-"}
    assert options <= known


def test_the_packs_configuration_on_the_page_is_one() -> None:
    (block,) = blocks(ROOT / "docs" / "ci" / "pulumi-cloud.md", "json")
    config: dict[str, Any] = json.loads(block)
    node = _configured({"zerofloor": (1, config["zerofloor"])})
    assert node is not None
    settings = parse(plain(node), "page")
    assert settings.allow is not None
    assert settings.limits.scoped[0].max_floor_hourly == 0
    assert settings.undecided == "error"


def test_the_policy_on_the_page_is_one() -> None:
    block = next(
        one for one in blocks(ROOT / "docs" / "ci" / "README.md", "yaml") if "allow:" in one
    )
    assert parse(yaml.safe_load(block), "page").allow is not None


def test_the_hook_is_an_entry_of_ours() -> None:
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    assert hook["entry"].split()[:2] == ["zerofloor", "check"]
