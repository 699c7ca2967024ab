"""Which names can be a region of a cloud."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from zerofloor.patterns import lazy
from zerofloor.prices import embedded
from zerofloor.spelling import did_you_mean

_DIRECTION: Final = "(?:north|south|east|west|central|north(?:east|west)|south(?:east|west))"

_SCHEMES: Final[Mapping[str, re.Pattern[str]]] = {
    # A region, a zone of it, a local or a Wavelength zone (Amazon EC2 User Guide, "Regions and
    # Zones").
    "aws": lazy(
        rf"(?:[a-z]{{2}}|us-gov|us-iso[a-z]?|eu-isoe|eusc-[a-z]{{2}})-{_DIRECTION}-\d{{1,2}}"
        r"(?:[a-z]|-[a-z0-9-]+)?"
    ),
    # Compute Engine, "Regions and zones".
    "gcp": lazy(
        r"(?:africa|asia|australia|europe|me|northamerica|southamerica|us)"
        rf"-{_DIRECTION}\d{{1,2}}(?:-[a-z])?"
    ),
    # `az account list-locations`: `eastus2` or `East US 2`.
    "azure": lazy(r"[a-z][a-z0-9 ]*"),
}

_CALLED: Final = {
    "aws": "an AWS region",
    "gcp": "a Google Cloud region",
    "azure": "an Azure region",
}


def fault_of(cloud: str, region: str) -> str:
    """Why this can't be a region of the cloud, as the end of a sentence with the nearest that is;
    empty where it may be one."""
    scheme, name = _SCHEMES.get(cloud), region.strip().lower()
    if scheme is None or scheme.fullmatch(name):
        return ""
    return f"not {_CALLED[cloud]}{did_you_mean(name, embedded.machine_regions(cloud))}"


def doubt_of(cloud: str, region: str) -> str:
    """What is odd about a region in which something has no price, as a clause with the nearest that
    has prices; empty where nothing is."""
    known = embedded.machine_regions(cloud)
    if cloud not in _SCHEMES or region in ("", "*", embedded.EVERYWHERE) or region in known:
        return ""
    return fault_of(cloud, region) or (
        f"no machine has a price in that region{did_you_mean(region, known)}"
    )
