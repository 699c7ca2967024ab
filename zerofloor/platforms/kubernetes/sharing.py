"""How many pods NVIDIA's device plugin lets share one GPU (time slicing, MPS), where the estate
configures it.

Source: NVIDIA/k8s-device-plugin README, "Shared access to GPUs"; GPU operator docs, "Time-slicing
GPUs in Kubernetes".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from msgspec.structs import replace

from zerofloor.capacity import Assumption, Pool
from zerofloor.estate import Estate
from zerofloor.platforms.kubernetes.charts import plain_name
from zerofloor.platforms.kubernetes.objects import meet, objects, tokens_of
from zerofloor.platforms.unread.texts import documents_in
from zerofloor.values import at, count, get, items, known_items, known_mapping, known_text
from zerofloor.words import counted

_RELEASES: Final = ("kubernetes:helm.sh/v3:Release", "kubernetes:helm.sh/v4:Chart")
_POLICY: Final = ("nvidia.com", "ClusterPolicy")


def is_configured(estate: Estate) -> bool:
    """Whether something may say how GPUs are shared: most estates have nothing of the kind."""
    return any(token in estate.by_type for token in _RELEASES) or bool(tokens_of(estate, _POLICY))


def with_sharing(estate: Estate, pool: Pool) -> Pool:
    """The pool whose GPUs several pods share. Karpenter provisions as if none were shared."""
    clients = estate.once("shared GPUs", lambda: _clients(estate))
    placement = pool.placement
    if clients < 2 or placement is None or placement.karpenter:
        return pool
    if not any(shape.gpus and shape.shared == 1 for shape in pool.shapes):
        return pool
    shapes = tuple(
        replace(shape, shared=clients) if shape.shared == 1 else shape for shape in pool.shapes
    )
    what = f"{counted(clients, 'pod')} share one GPU of {pool.name}"
    because = "the device plugin's default configuration offers each GPU so many times"
    assumption = Assumption(what, because)
    return replace(pool, shapes=shapes, assumptions=(*pool.assumptions, assumption))


def _clients(estate: Estate) -> int:
    """The pods that one GPU takes where every configuration of the estate says the same, else 1."""
    found = {_of_text(text) for text in _defaults(estate)}
    return found.pop() if len(found) == 1 else 1


def _defaults(estate: Estate) -> Iterator[str]:
    """The text of each configuration that nodes have by default; empty where it can't be read."""
    for token in _RELEASES:
        for release in estate.by_type.get(token, ()):
            chart = plain_name(known_text(release.inputs.get("chart")) or "")
            values = release.inputs.get("values")
            if chart in ("nvidia-device-plugin", "k8s-device-plugin"):
                config = at(values, "config")
                if at(config, "map") is not None:
                    yield _chosen(at(config, "map"), known_text(at(config, "default")))
            elif chart == "gpu-operator":
                config = at(values, "devicePlugin", "config")
                if at(config, "default") is not None and at(config, "data") is not None:
                    yield _chosen(at(config, "data"), known_text(at(config, "default")))
    for policy in objects(estate, _POLICY):
        config = at(policy.spec, "devicePlugin", "config")
        chosen, name = known_text(at(config, "default")), at(config, "name")
        if chosen is None:
            continue  # Then nodes have a configuration only where a label names one.
        maps = [one for one in objects(estate, ("core", "ConfigMap")) if one.name == name]
        near = [one for one in maps if policy.cluster is None or meet(policy, one)] or maps
        yield _chosen(near[0].body.get("data"), chosen) if len(near) == 1 else ""


def _chosen(texts: Any, name: str | None) -> str:
    """The text by its name; without one that called `default`, or the only one."""
    known = known_mapping(texts)
    key = name or ("default" if "default" in known or len(known) != 1 else next(iter(known)))
    return known_text(known.get(key)) or ""


def _of_text(text: str) -> int:
    for document in documents_in(text):
        for way in ("timeSlicing", "mps"):
            shared = items(get(document, f"sharing.{way}.resources"))
            for entry in known_items(shared):
                renamed = at(document, "sharing", way, "renameByDefault") is True
                number = count(at(entry, "replicas"))
                if (
                    at(entry, "name") == "nvidia.com/gpu"
                    and not renamed
                    and isinstance(number, int)
                ):
                    return max(1, number)
    return 1
