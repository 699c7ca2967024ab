"""A scenario: one YAML file, whose first document says what is done and what must come of it, and
whose other documents are manifests."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, field_validator

from tests.lab.harness.api import Manifest
from tests.lab.harness.vendors import VENDORS

FOLDER = Path(__file__).parent / "scenarios"


class _Model(BaseModel):
    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=lambda name: _camel(name),
        populate_by_name=True,
    )


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.title() for part in rest)


class Expected(_Model):
    """What `zerofloor check` must say of the manifests."""

    verdict: Literal["zero", "held", "undecided"]
    gpus: int | None
    """None: at least one; the peak before the idle time decides."""


class Observed(_Model):
    """What the controllers must do: exact numbers, or at least so many GPUs (where a peak decides,
    or where it never settles)."""

    gpus: int = 0
    nodes: int = 0
    at_least: int | None = None


class Step(_Model):
    """One thing done while the scenario runs; exactly one field is set (`with` belongs to
    `patch`)."""

    wait: float | Literal["busy"] | None = None
    """Seconds; `busy`: until pods run and their number stands, a minute at most."""
    trigger: int | str | None = None
    """The trigger's value from now on; `error` fails, `null` answers without one."""
    cpu: str | None = None
    """What each pod uses from now on (`900m`)."""
    apply: str | None = None
    """KIND/NAME: a manifest that is held back until now."""
    delete: str | None = None
    patch: str | None = None
    with_: Annotated[Any, Field(alias="with")] = None
    ray_job: Literal["SUCCEEDED", "FAILED", "RUNNING"] | None = None
    """What becomes of Ray jobs from now on; the first one by default."""
    ray_autoscaler: Mapping[str, int] = {}
    """Replicas by worker group, as the stand-in for Ray's autoscaler (a program in the head pod)
    asks the API for them."""
    stop: str | None = None
    """A program of the lab, until the scenario ends."""


class Header(_Model):
    """The first document of a scenario's file."""

    id: Annotated[str, Field(max_length=63)]
    way: str
    """The way of holding a GPU (or of letting go) that it is about."""
    why: str
    """What decides, as the controllers' own events and conditions say it."""
    caveat: str = ""
    source: str
    cluster: Literal["default", "gates-on", "webhook-down"] = "default"
    needs: Sequence[str] = ()
    """Vendors' controllers that must run; the first one is the one that it is about."""
    beside: Literal["many", "few", "none"] = "many"
    """Who may run at the same time: a steady stream of empty nodes starves consolidation and drift;
    a stopped controller concerns all."""

    @field_validator("needs")
    @classmethod
    def _there_are(cls, needs: Sequence[str]) -> Sequence[str]:
        for name in needs:
            if name not in VENDORS:
                raise ValueError(f"no vendor is named {name}: {', '.join(VENDORS)}")
        return needs

    ci: bool = False
    """In the part that every change runs."""
    trust: Mapping[str, bool | str] = {}
    """What zerofloor is told of the cluster (`trust` in zerofloor.yaml)."""
    static: bool
    """The manifests alone decide it."""
    expect: Expected | None = None
    not_static_because: str = ""
    observe: Observed
    quiet: float | None = None
    """Seconds without a change that count as settled; by default 75, and 40 where there is neither
    pod nor node."""
    settle_within: float = 300
    """Seconds after the last step in which it must settle."""
    watch: float | None = None
    """For what never settles: looked at for so many seconds; the most GPUs at a time in the last 60
    s count."""
    refused: str | None = None
    """KIND/NAME that the API server or a webhook must refuse."""
    steps: Sequence[Step] = ()


@dataclass(frozen=True, slots=True)
class Scenario:
    """A scenario as read from its file."""

    header: Header
    manifests: tuple[Manifest, ...]

    @property
    def namespace(self) -> str:
        """Its own namespace, and its key at the trigger."""
        return self.header.id.lower().replace("_", "-")

    @property
    def held_back(self) -> frozenset[str]:
        """Manifests that a step applies later."""
        return frozenset(step.apply for step in self.header.steps if step.apply)

    def manifest(self, name: str) -> Manifest:
        """The manifest KIND/NAME."""
        return next(manifest for manifest in self.manifests if name_of(manifest) == name)

    def in_the_end(self) -> tuple[Manifest, ...]:
        """The manifests as they stand after every step: what the prediction is made of."""
        manifests = {name_of(manifest): copy.deepcopy(manifest) for manifest in self.manifests}
        for step in self.header.steps:
            if step.delete:
                del manifests[step.delete]
            if step.patch:
                manifests[step.patch] = _merged(manifests[step.patch], step.with_)
        return tuple(manifests.values())


def name_of(manifest: Mapping[str, Any]) -> str:
    """KIND/NAME."""
    return f"{manifest['kind']}/{manifest['metadata']['name']}"


def read_scenario(path: Path) -> Scenario:
    """Reads one file. Raises ValidationError where the header is wrong."""
    header, *manifests = yaml.load_all(path.read_text(), Loader=yaml.CSafeLoader)
    return Scenario(Header.model_validate(header), tuple(manifests))


@cache
def scenarios() -> tuple[Scenario, ...]:
    """All of them, by file name."""
    return tuple(read_scenario(path) for path in sorted(FOLDER.glob("*.yaml")))


def named(chosen: Iterable[str]) -> tuple[Scenario, ...]:
    """Those whose id starts with one of the names. Raises LookupError for a name that fits none."""
    found = {}
    for name in chosen:
        fitting = [
            s
            for s in scenarios()
            if s.header.id.lower() == name.lower()
            or s.header.id.lower().startswith(f"{name.lower()}_")
        ]
        if not fitting:
            raise LookupError(f"no scenario is named {name}")
        found.update({scenario.header.id: scenario for scenario in fitting})
    return tuple(found.values())


def _merged(target: Any, change: Any) -> Any:
    # JSON merge patch, RFC 7396: null takes a key away.
    if not isinstance(change, Mapping):
        return change
    merged = dict(target) if isinstance(target, Mapping) else {}
    for key, value in change.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = _merged(merged.get(key), value)
    return merged
