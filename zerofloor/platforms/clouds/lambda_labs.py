"""Lambda: instances, which have no stop (community Terraform providers; tokens derived)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from zerofloor.capacity import Cause, Part
from zerofloor.estate import Estate
from zerofloor.platforms.clouds.read import token_set, tokens
from zerofloor.platforms.rows import Row, read_rows

CLOUD: Final = "lambda"
ROWS: Final = (
    Row(
        cloud=CLOUD,
        tokens=tokens("lambdalabs:index/instance:Instance", "lambda:index/instance:Instance"),
        platform="Lambda instance",
        machine=("instanceTypeName",),
        cause=Cause.INSTANCE,
        because="there is no stop: an instance bills by the minute until it is terminated",
        fix="Terminate the instance when it isn't used: Lambda has no stop",
        source="Lambda docs, “Billing” (billed until terminated)",
        derived=True,
        stopped="there is no stop",
    ),
)
READS: Final = token_set(ROWS)


def read(estate: Estate) -> Iterator[Part]:
    yield from read_rows(estate, ROWS)
