"""What the pages say of a change of each argument of a component on cloud instances, against what
the providers can change in place."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.components.cloud_changes import CHANGES, key_of
from zerofloor.components.arguments import camel
from zerofloor.components.host import COMPONENTS

ROOT = Path(__file__).parents[2]
TABLE = yaml.safe_load((Path(__file__).parent / "replacing.yaml").read_text(encoding="utf-8"))
SPECS = {made.__name__: spec for made, spec in COMPONENTS.items()}
WITHOUT_EFFECT = {"any_region", "idle_cap_seconds", "location"}
"""What only bounds or checks other arguments; the location of an AksGpuNodePool is its cluster's."""

Resources = Mapping[str, Mapping[str, Any]]


@pytest.fixture(scope="module")
def made() -> Mapping[str, Resources]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.components.cloud_changes"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    found: Mapping[str, Resources] = json.loads(done.stdout.splitlines()[-1])
    return found


def changed(before: Any, after: Any, path: str = "") -> Iterator[str]:
    """The paths at which two values differ; a list is one value."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in sorted({*before, *after}):
            inner = f"{path}.{key}" if path else key
            yield from changed(before.get(key), after.get(key), inner)
    elif before != after:
        yield path


def replaced(before: Resources, after: Resources) -> bool:
    """Whether a resource that has machines would be replaced."""
    lasting = [name for name in before if before[name]["type"] not in TABLE["templates"]]
    assert lasting
    for name in lasting:
        if name not in after:
            return True
        entry = TABLE[before[name]["type"]]
        assert set(after[name]["on"]) == set(entry.get("by_component", ()))
        fixed = (*entry["replaces"], *entry.get("by_component", ()))
        for path in changed(before[name]["inputs"], after[name]["inputs"]):
            if any(path == one or path.startswith(f"{one}.") for one in fixed):
                return True
    return False


@pytest.mark.parametrize("component", CHANGES)
def test_each_argument_has_a_change(component: str) -> None:
    assert set(CHANGES[component]) == set(SPECS[component].model_fields)


@pytest.mark.parametrize("component", CHANGES)
def test_the_page_says_what_is_replaced(component: str, made: Mapping[str, Resources]) -> None:
    page = ROOT / "docs" / "components" / f"{_snake(component)}.md"
    rows = [line.split(" | ") for line in page.read_text(encoding="utf-8").splitlines()]
    said = {
        row[0].strip("| `"): row[3] for row in rows if len(row) > 4 and row[0].startswith("| `")
    }
    wrong = {}
    for argument in CHANGES[component]:
        before, after = (made[key_of(component, args)] for args in CHANGES[component][argument])
        if before == after:
            assert argument in WITHOUT_EFFECT
        word = "replaces" if replaced(before, after) else "in place"
        if said[camel(argument)] != word:
            wrong[argument] = word
    assert wrong == {}


def _snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")
