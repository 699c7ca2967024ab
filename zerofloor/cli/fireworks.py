"""`zerofloor fireworks …`: Fireworks deployments by hand: what runs, and what ends it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from zerofloor.cli.app import OutputOption
from zerofloor.cli.parsing import Argument, Option

if TYPE_CHECKING:
    from zerofloor.fireworks.api import Api

IdArgument = Annotated[str, Argument(metavar="ID", help="ID of the deployment.")]
ApplyOption = Annotated[
    bool, Option("--apply", help="Really do it (default: only print what would be done).")
]


def list_deployments(
    form: Annotated[
        Literal["table", "json"], Option("--format", "-f", help="What the list is written as.")
    ] = "table",
    output: OutputOption = None,
) -> None:
    """List the account's deployments: state, replicas, GPUs and cost an hour, most expensive
    first.

    The account and its key are FIREWORKS_ACCOUNT_ID and FIREWORKS_API_KEY.
    """
    from zerofloor.cli.output import emit

    rows = sorted(map(_row, _asked(lambda api: list(api.deployments()))), key=_by_cost)
    if form == "json":
        text = json.dumps({"schema": "zerofloor.fireworks/1", "deployments": rows}, indent=2)
        emit(f"{text}\n", output)
        return
    emit("".join(f"{line}\n" for line in _table(rows)), output)


def scale(
    id_: IdArgument,
    replicas: Annotated[int, Argument(metavar="N", help="Replicas; 0 until the next request.")],
    apply: ApplyOption = False,
) -> int:
    """Set the number of replicas of a deployment; autoscaling moves it again."""
    return _do(f"scale {id_} to {replicas} replicas", apply, lambda api: api.scale(id_, replicas))


def park(id_: IdArgument, apply: ApplyOption = False) -> int:
    """Park a deployment at zero: bounds 0 and 0, so that no request wakes it."""

    def set_bounds(api: Api) -> None:
        from zerofloor.fireworks.api import ApiError

        found = api.get(id_)
        if found is None:
            raise ApiError("NOT_FOUND", "there is no such deployment.", f"parking {id_}")
        body = {**found, "minReplicaCount": 0, "maxReplicaCount": 0}
        api.update(id_, body, ["minReplicaCount", "maxReplicaCount"])

    return _do(f"park {id_} at zero", apply, set_bounds)


def delete(
    id_: IdArgument,
    in_use: Annotated[
        bool, Option("--in-use", help="Also if it served a request within the last hour.")
    ] = False,
    apply: ApplyOption = False,
) -> int:
    """Delete a deployment."""
    return _do(f"delete {id_}", apply, lambda api: api.delete(id_, ignore_checks=in_use))


COMMANDS: Final[Mapping[str, Callable[..., int | None]]] = {
    "list": list_deployments,
    "scale": scale,
    "park": park,
    "delete": delete,
}


def _do(what: str, apply: bool, act: Callable[[Api], object]) -> int:
    """Does it, or says what would be done: exit 0 either way."""
    from zerofloor.cli.output import emit

    if apply:
        _asked(act)
        emit(f"Done: {what}.\n", None)
    else:
        emit(f"Would {what}. Nothing was changed; add --apply to do it.\n", None)
    return 0


def _asked(act: Callable[[Api], Any]) -> Any:
    """What the API answers. Raises InputError where it can't be asked or refuses."""
    from zerofloor.errors import InputError

    try:
        from zerofloor.fireworks.api import BASE, Api, ApiError
    except ImportError:
        raise InputError("fireworks: needs httpx: pip install 'zerofloor[fireworks]'") from None
    key = os.environ.get("FIREWORKS_API_KEY", "")
    account = os.environ.get("FIREWORKS_ACCOUNT_ID", "")
    if not key or not account:
        raise InputError("fireworks: set FIREWORKS_API_KEY and FIREWORKS_ACCOUNT_ID")
    api = Api(account, key, base=os.environ.get("FIREWORKS_BASE_URL") or BASE)
    try:
        return act(api)
    except ApiError as error:
        raise InputError(f"fireworks: {error}") from None
    finally:
        api.close()


def _row(deployment: Mapping[str, Any]) -> dict[str, Any]:
    replicas = int(deployment.get("replicaCount") or 0)
    gpus = int(deployment.get("acceleratorCount") or 0)
    accelerator = str(deployment.get("acceleratorType") or "")
    price = _per_gpu(accelerator)
    hourly = None if price is None or not gpus else price * gpus * replicas
    annotations = deployment.get("annotations") or {}
    return {
        "id": str(deployment.get("name", "")).rpartition("/")[2],
        "baseModel": deployment.get("baseModel", ""),
        "state": deployment.get("state", ""),
        "replicas": replicas,
        "minReplicaCount": int(deployment.get("minReplicaCount") or 0),
        "maxReplicaCount": deployment.get("maxReplicaCount"),
        "acceleratorType": accelerator,
        "gpus": gpus * replicas,
        "hourly": None if hourly is None else {"amount": f"{hourly:.2f}", "currency": "USD"},
        "owner": annotations.get("owner") or annotations.get("team") or "",
    }


def _per_gpu(accelerator: str) -> Decimal | None:
    """USD a GPU-hour by the price snapshot: NVIDIA_H100_80GB is its H100 80GB."""
    from zerofloor.prices.managed import offers

    name = accelerator.partition("_")[2].replace("_", " ")
    rows = offers("fireworks", name, Decimal(1), None) if name else ()
    return rows[0].usd if rows else None


def _by_cost(row: Mapping[str, Any]) -> tuple[Decimal, int, str]:
    amount = Decimal(row["hourly"]["amount"]) if row["hourly"] else Decimal(0)
    return -amount, -row["gpus"], row["id"]


def _table(rows: list[dict[str, Any]]) -> list[str]:
    from zerofloor.reports.visible import visible

    if not rows:
        return ["No deployments."]
    head = ("ID", "STATE", "REPLICAS", "MIN", "GPUS", "ACCELERATOR", "PER HOUR", "OWNER")
    lines = [head, *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    return [
        visible("  ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)).rstrip())
        for line in lines
    ]


def _cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    cost = f"${row['hourly']['amount']}" if row["hourly"] else "unpriced"
    return (
        row["id"],
        row["state"],
        str(row["replicas"]),
        str(row["minReplicaCount"]),
        str(row["gpus"]),
        row["acceleratorType"],
        cost,
        row["owner"],
    )
