"""Azure OpenAI and Foundry: provisioned throughput bills by the hour, with or without requests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from zerofloor.capacity import Accounted, Cause, Part, Undecided
from zerofloor.estate import Estate
from zerofloor.hardware.instances import Shape
from zerofloor.platforms.azure import read as azure
from zerofloor.platforms.azure.pools import Supply, hold_of, pools, unknown_number
from zerofloor.platforms.declared import Declared, size
from zerofloor.platforms.machines import Machines

NATIVE: Final = "azure-native:cognitiveservices:Deployment"
CLASSIC: Final = "azure:cognitive/deployment:Deployment"
READS: Final = frozenset({NATIVE, CLASSIC})
SERVICE: Final = "azure-openai"

_PROVISIONED: Final = {
    "provisionedmanaged": "ProvisionedManaged",
    "globalprovisionedmanaged": "GlobalProvisionedManaged",
    "datazoneprovisionedmanaged": "DataZoneProvisionedManaged",
    "provisioned": "Provisioned",
}
_BY_TOKEN: Final = frozenset(
    {
        "standard",
        "globalstandard",
        "datazonestandard",
        "globalbatch",
        "datazonebatch",
        "developertier",
        "manual",
    }
)


def read(estate: Estate) -> Iterator[Part]:
    """Every model deployment with provisioned throughput units (PTUs): capacity counts those, and
    on other SKUs thousands of tokens a minute."""
    for source in azure.declared(estate, NATIVE, CLASSIC):
        if not azure.is_looked_up(source):
            yield from _deployment(estate, source)


def _deployment(estate: Estate, source: Declared) -> Iterator[Part]:
    kind = source.field(
        "sku.name", "scale.type", "properties.scaleSettings.scaleType", "sku", "scale"
    )
    if kind.is_hidden:
        yield kind.undecided("The deployment's SKU isn't known at preview: it may be provisioned")
        return
    name = kind.value.lower() if isinstance(kind.value, str) else ""
    if name not in _PROVISIONED:
        yield from _by_token(source, name)
        return
    units = size(
        source, ["sku.capacity", "scale.capacity", "properties.scaleSettings.capacity"], None
    )
    known = None if isinstance(units, Undecided) else units.known
    label = _PROVISIONED[name]
    shape = Shape(
        azure.CLOUD,
        f"{known} PTU {label}" if known else f"PTU {label}",
        None,
        "accelerators of provisioned throughput",
    )
    supply = Supply(
        source=source,
        platform="Azure OpenAI provisioned throughput",
        machines=Machines((shape,)),
        price_as=SERVICE,
        desired=1,
        ceiling=1,
    )
    if isinstance(units, Undecided) or known is None:
        open_ = units if isinstance(units, Undecided) else unknown_number(units)
        yield from pools(estate, replace(supply, undecided=(open_,)))
        return
    yield from pools(
        estate,
        hold_of(
            supply,
            cause=Cause.ENDPOINT,
            units=1 if known else 0,
            fix="Use a Standard SKU, which bills by token, or delete the deployment when idle",
            evidence=(
                kind.evidence("provisioned throughput bills by the hour until it is deleted"),
                units.evidence(f"{known} PTUs; how many GPUs those are isn't published"),
            ),
        ),
    )


def _by_token(source: Declared, name: str) -> Iterator[Part]:
    tuned = source.field("properties.model.source", "model.source")
    if not tuned.is_absent:
        why = "A fine-tuned model's deployment bills hosting by the hour: it may hold GPUs"
        yield tuned.undecided(why, "Delete the deployment when idle, or waive it")
        return
    if "provisioned" in name:
        kind = source.field("sku.name", "scale.type")
        yield kind.undecided("A new provisioned SKU: it may bill by the hour")
        return
    because = (
        "it bills by token" if name in _BY_TOKEN or not name else "it is not a provisioned SKU"
    )
    yield Accounted(urn=source.urn, path="", because=because)
