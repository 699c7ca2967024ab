"""Genesis Cloud: instances, and the resource that sets their power state."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from zerofloor.capacity import Cause, Part, Pool, Undecided
from zerofloor.estate import Estate
from zerofloor.platforms.clouds.read import account, token_set, tokens
from zerofloor.platforms.declared import declared, link_of
from zerofloor.platforms.rows import Row, read_rows

CLOUD: Final = "genesis"
_STATUSES: Final = tokens("genesiscloud:index/instanceStatus:InstanceStatus")
ROWS: Final = (
    Row(
        cloud=CLOUD,
        tokens=tokens("genesiscloud:index/instance:Instance"),
        platform="Genesis Cloud instance",
        machine=("type",),
        cause=Cause.INSTANCE,
        because="an instance bills while it runs",
        fix="Destroy the instance when it isn't used",
        source="pulumi_genesiscloud 0.0.35 (Instance, InstanceStatus)",
        stopped="not documented, so undecided where an InstanceStatus stops it",
    ),
)
READS: Final = token_set(ROWS) | frozenset(_STATUSES)


def read(estate: Estate) -> Iterator[Part]:
    stopped: dict[str, Undecided] = {}
    for status in declared(estate, *_STATUSES):
        if status.field("status").text() != "stopped":
            continue
        value = status.inputs.get("instanceId")
        link = link_of(estate, status, "instanceId", *ROWS[0].tokens, value=value)
        why = "It is stopped, and what a stopped instance bills isn't documented"
        stopped |= {one.urn: status.field("status").undecided(why) for one in link.found}
    for part in read_rows(estate, ROWS):
        if isinstance(part, Pool) and part.urn in stopped:
            part = replace(part, holds=(), undecided=(*part.undecided, stopped[part.urn]))
        yield part
    yield from account(estate, dict.fromkeys(_STATUSES, "the instance that it stops counts"))
