"""The labelled cases under tests/data as documents and as stacks."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from zerofloor.documents import read
from zerofloor.stack import STACK_TYPE, Stack

DATA = Path(__file__).parent / "data"

Case = Mapping[str, Any]


def cases() -> dict[str, Case]:
    """Every labelled stack, also the pairs, by its file's name without `.json`."""
    folders = (DATA / "cases", DATA / "cases" / "pairs", DATA / "cases" / "aws")
    paths = [path for folder in folders for path in folder.glob("*.json")]
    return {path.stem: json.loads(path.read_bytes()) for path in sorted(paths)}


def truths() -> dict[str, Case]:
    """Every scenario that ran on real controllers, by its file's name without `.json`."""
    return {
        path.stem: json.loads(path.read_bytes()) for path in sorted((DATA / "truth").glob("*.json"))
    }


def case(name: str) -> Case:
    """One case by name, or by the part of the name before the first `_` that only it has."""
    found = [value for key, value in cases().items() if key == name or key.startswith(f"{name}_")]
    assert len(found) == 1, f"{name}: {len(found)} cases"
    return found[0]


def truth(name: str) -> Case:
    """One scenario by name, or by the part of the name before the first `_` that only it has."""
    found = [value for key, value in truths().items() if key == name or key.startswith(f"{name}_")]
    assert len(found) == 1, f"{name}: {len(found)} scenarios"
    return found[0]


def digest_of(case: Case) -> bytes:
    """The case as `pulumi preview --json --show-sames` would print it."""
    resources = case["resources"]
    stack = _prefix(resources)
    root = f"{stack}::{STACK_TYPE}::{'-'.join(reversed(stack.split(':', 2)[2].split('::')))}"
    urns = {r["name"]: _urn(r, stack) for r in resources}
    components = {r["name"]: _urn(r, stack) for r in resources if r.get("component")}
    steps = [_step("create", {"urn": root, "custom": False, "type": STACK_TYPE})]
    for resource in resources:
        state = {
            "urn": _urn(resource, stack),
            "custom": not resource.get("component", False),
            "type": resource["type"],
            "inputs": resource["props"],
            **({"provider": resource["provider"]} if "provider" in resource else {}),
            "parent": components.get(resource.get("derived_from_component"), root),
            "propertyDependencies": _dependencies(resource, urns),
        }
        steps += _steps(resource.get("op", "create"), state, resource.get("before"))
    summary = Counter(
        step["op"] for step in steps if step["op"] not in ("create-replacement", "delete-replaced")
    )
    return json.dumps(
        {"config": case.get("config", {}), "steps": steps, "changeSummary": summary}, indent=4
    ).encode()


def stack_of(case: Case) -> Stack:
    """The case as a stack."""
    return read("case.json", digest_of(case))


def truth_manifests(truth: Case) -> bytes:
    """The scenario's objects as one JSON `List`, which is YAML too."""
    return json.dumps(
        {"apiVersion": "v1", "kind": "List", "items": truth["manifests"]}, indent=1
    ).encode()


def _dependencies(resource: Mapping[str, Any], urns: Mapping[str, str]) -> dict[str, list[str]]:
    """What each property was computed from; a case names a resource by its URN or its name."""
    given = resource.get("propertyDependencies") or {}
    return {key: [urns.get(name, name) for name in given.get(key, [])] for key in resource["props"]}


def _prefix(resources: list[Any]) -> str:
    given = [r["urn"] for r in resources if "urn" in r]
    return "::".join(given[0].split("::")[:2]) if given else "urn:pulumi:dev::case"


def _urn(resource: Mapping[str, Any], stack: str) -> str:
    # Types are not chained to their components: the cases' own propertyDependencies name them
    # plainly.
    return str(resource.get("urn", f"{stack}::{resource['type']}::{resource['name']}"))


def _steps(op: str, state: dict[str, Any], before: Any = None) -> list[dict[str, Any]]:
    if (
        op == "create-replacement"
        # with --show-replacement-steps a replacement is three steps, of which the summary counts
        # one
    ):
        return [_step(part, state) for part in ("create-replacement", "replace", "delete-replaced")]
    return [_step(op, state, before)]


def _step(op: str, state: dict[str, Any], before: Any = None) -> dict[str, Any]:
    old = {**state, **({"id": f"id-{state['urn']}"} if state["custom"] else {})}
    if before is not None:
        old["inputs"] = before
    return {
        "op": op,
        "urn": state["urn"],
        **({"oldState": old} if op not in ("create", "import", "read") else {}),
        **({"newState": state} if op not in ("delete", "delete-replaced") else {}),
        "detailedDiff": None,
    }
