"""The readers of custom resources against the vendors' definitions: what they look at is there, and
so is what the manifests of tests and docs say."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.lab.scenario import name_of, scenarios
from tests.platforms.kubernetes.schemas import definitions, faults, scalable, unknown_step
from tests.platforms.stacks import Labelled, floor_of, labelled
from zerofloor.platforms.kubernetes import objects
from zerofloor.platforms.kubernetes.objects import group_kind
from zerofloor.platforms.kubernetes.workloads import WITH_SCALE

ROOT = Path(__file__).parents[3]
FOLDER = Path(__file__).parent

ELSEWHERE: Mapping[str, str] = {
    r".*\.resourceClaims": "a container's place, as of every kind that stands in for a pod template",
    r".*\.(driver|executor)\.(resourceClaims|instances)": "both roles of Spark are read alike",
    r"DynamoGraphDeployment spec\.services\.\w+\.podTemplate": "v1alpha1 has services, v1beta1 pod templates",
    r"(VLLMRuntime|VLLMRouter|CacheServer) .*\.(toleration|nodeSelectorTerms|custom)": "read alike, with Dynamo's",
    r"(ServingRuntime|ClusterServingRuntime) spec\.minReplicas": "a model's own fields, merged over its runtime",
    r"InferenceService spec\.predictor\.workerSpec\.(labels|annotations)": "predictor and workers are read alike",
    r"MultiRoleInference spec\.roles\.partition": "a Workspace's resource, read alike",
    r"RayClusterFleet .*\.workerGroupSpecs\.suspend": "AIBrix has an older RayCluster than KubeRay",
}
"""What readers look at without the definition having it, as `KIND path`, and why."""

WRONG_ON_PURPOSE = {
    "suspend of a RayService": "what a field does that the definition does not have",
}
"""Pairs whose label is about what the API server drops or refuses."""


class _Seen(dict[str, Any]):
    """A mapping that tells which of its fields are asked for."""

    def __init__(self, body: Mapping[str, Any], path: tuple[str, ...], asked: set[Any]) -> None:
        super().__init__({key: _seen(inner, (*path, key), asked) for key, inner in body.items()})
        self._path = path
        self._asked = asked

    def get(self, key: str, default: Any = None) -> Any:
        self._asked.add((*self._path, key))
        return super().get(key, default)

    def __getitem__(self, key: str) -> Any:
        self._asked.add((*self._path, key))
        return super().__getitem__(key)


def _seen(value: Any, path: tuple[str, ...], asked: set[Any]) -> Any:
    if isinstance(value, Mapping):
        return _Seen(value, path, asked)
    return [_seen(item, path, asked) for item in value] if isinstance(value, list) else value


@functools.cache
def _stacks() -> Mapping[tuple[str, str], tuple[Labelled, ...]]:
    """The labelled stacks that have an object of a kind with a definition here."""
    found: dict[tuple[str, str], list[Labelled]] = {}
    for stack in labelled(FOLDER).values():
        for kind in {group_kind(r.type) for part in stack.parts for r in part.resources}:
            if kind is not None and kind in definitions():
                found.setdefault(kind, []).append(stack)
    return {kind: tuple(stacks) for kind, stacks in found.items()}


@pytest.mark.parametrize("kind", sorted(definitions()), ids=lambda kind: kind[1])
def test_readers_look_at_fields_that_the_definition_has(
    kind: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: set[tuple[str, ...]] = set()
    plain = objects.camelized

    def traced(value: Any, key: str = "") -> Any:
        body = plain(value, key)
        version = value.get("apiVersion") if isinstance(value, Mapping) and not key else None
        own = isinstance(version, str) and (version.rpartition("/")[0], value.get("kind")) == kind
        return _Seen(body, (), asked) if own else body

    monkeypatch.setattr(objects, "camelized", traced)
    for stack in _stacks().get(kind, ()):
        floor_of(stack)
    looked_at = {path for path in asked if path[0] not in ("metadata", "apiVersion", "kind")}
    wrong = {
        wrong
        for path in looked_at
        if (wrong := unknown_step(*kind, path))
        and not any(re.fullmatch(pattern, f"{kind[1]} {wrong}") for pattern in ELSEWHERE)
    }
    assert wrong == set()


def manifests() -> Iterator[tuple[str, Mapping[str, Any]]]:
    for scenario in scenarios():
        for manifest in scenario.manifests:
            if name_of(manifest) == scenario.header.refused:
                continue
            yield f"{scenario.header.id}", manifest
    for path in sorted((ROOT / "docs").rglob("*.md")):
        for block in path.read_text().split("```yaml")[1:]:
            for document in _documents(block.split("```")[0]):
                yield f"{path.name}", document


def _documents(text: str) -> Iterator[Mapping[str, Any]]:
    try:
        yield from (one for one in yaml.safe_load_all(text) if isinstance(one, Mapping))
    except yaml.YAMLError:
        return


def _kind_of(manifest: Mapping[str, Any]) -> tuple[str, str]:
    return str(manifest.get("apiVersion")).rpartition("/")[0], str(manifest.get("kind"))


def test_manifests_of_the_lab_and_the_docs_are_as_the_definitions_say() -> None:
    wrong = [
        f"{name}: {fault}"
        for name, manifest in manifests()
        if (kind := _kind_of(manifest)) in definitions()
        for fault in faults(*kind, manifest)
    ]
    assert wrong == []


@pytest.mark.parametrize("kind", sorted(definitions()), ids=lambda kind: kind[1])
def test_manifests_of_the_tests_are_as_the_definition_says(kind: tuple[str, str]) -> None:
    wrong = [
        f"{stack.pair['pair']}: {stack.name}: {fault}"
        for stack in _stacks().get(kind, ())
        if stack.pair["pair"] not in WRONG_ON_PURPOSE
        for part in stack.parts
        for resource in part.resources
        if group_kind(resource.type) == kind
        for fault in faults(*kind, objects.camelized(resource.inputs))
        # A stack in a table is an excerpt: what must be there and says nothing of GPUs may be left
        # out, unlike in what the lab runs and the docs show.
        if not fault.endswith(": missing")
    ]
    assert wrong == []


def test_scalers_move_the_kinds_that_have_a_scale_subresource() -> None:
    # The workers of an elastic training job scale, and its master does not: it is taken to stay.
    elastic = {("kubeflow.org", kind) for kind in ("JAXJob", "PaddleJob", "PyTorchJob")}
    assert {kind for kind in WITH_SCALE if kind in definitions()} == scalable() - elastic
