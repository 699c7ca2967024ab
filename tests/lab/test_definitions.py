"""Every manifest of a vendor's kind in tests and docs is taken by a real API server with that
vendor's own definitions and webhooks, under strict validation; nothing is stored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.lab.conftest import require_lab
from tests.lab.harness.api import Refused
from tests.lab.harness.lab import Clusters, Lab, running_lab
from tests.lab.harness.vendors import VENDORS
from tests.platforms.kubernetes.test_schemas import WRONG_ON_PURPOSE, manifests
from tests.platforms.stacks import every_stack
from zerofloor.platforms.kubernetes.objects import camelized, group_kind
from zerofloor.stack import Hidden

pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.xdist_group("lab")]

BUILT = tuple(sorted(name for name, vendor in VENDORS.items() if vendor.built))


@pytest.fixture(scope="module")
def vendors_lab() -> Iterator[Lab]:
    """A lab with every vendor's controller that is built."""
    require_lab()
    if not BUILT:
        pytest.skip("no vendor's controller is built: make lab-operators")
    with running_lab(Clusters(vendors=BUILT)) as lab:
        yield lab


def _known() -> frozenset[tuple[str, str, str]]:
    return frozenset(
        (definition["spec"]["group"], version["name"], definition["spec"]["names"]["kind"])
        for name in BUILT
        for definition in VENDORS[name].definitions("")
        for version in definition["spec"]["versions"]
        if version["served"]
    )


def _declared() -> Iterator[tuple[str, Mapping[str, Any]]]:
    """All of them by where they stand, but for what is hidden or wrong on purpose."""
    yield from manifests()
    for name, stack in every_stack().items():
        if stack.pair["pair"] in WRONG_ON_PURPOSE:
            continue
        for part in stack.parts:
            for resource in part.resources:
                if group_kind(resource.type) and not _hides(resource.inputs):
                    yield name, camelized(resource.inputs)


def _hides(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(_hides(inner) for inner in value.values())
    return isinstance(value, Hidden) or (isinstance(value, list) and any(map(_hides, value)))


def test_every_manifest_is_taken(vendors_lab: Lab) -> None:
    known = _known()
    refused: list[str] = []
    taken: set[str] = set()
    for where, manifest in _declared():
        group, _, version = str(manifest.get("apiVersion")).rpartition("/")
        if (group, version, manifest.get("kind")) not in known:
            continue
        metadata = {**manifest.get("metadata", {}), "namespace": "default"}
        metadata.setdefault("name", "unnamed")
        try:
            vendors_lab.api.apply({**manifest, "metadata": metadata}, dry_run=True)
            taken.add(where)
        except Refused as error:
            refused.append(f"{where}: {manifest['kind']}: {error.message[:300]}")
    assert refused == []
    assert len([where for where in taken if where.startswith("kubernetes/")]) > 60
    assert len(taken) > 200
