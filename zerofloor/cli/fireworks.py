"""`zerofloor fireworks …`: Fireworks deployments by hand: what runs, and what ends it."""

from __future__ import annotations

import datetime
import json
import os
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from zerofloor.cli.app import OutputOption
from zerofloor.cli.parsing import Argument, Option
from zerofloor.words import counted

if TYPE_CHECKING:
    from zerofloor.fireworks.api import Api

USAGE_DAYS: Final = 30
"""How far back usage is asked for (the API gives 31 days at most)."""
SCHEMA: Final = "zerofloor.fireworks/1"

Row = dict[str, Any]

IdArgument = Annotated[str, Argument(metavar="ID", help="ID of the deployment.")]
ApplyOption = Annotated[
    bool, Option("--apply", help="Really do it (default: only print what would be done).")
]
FormOption = Annotated[
    Literal["table", "json"], Option("--format", "-f", help="Format of the result.")
]


def list_deployments(
    form: FormOption = "table",
    by: Annotated[
        Literal["owner"] | None, Option("--by", help="Totals by owner in place of deployments.")
    ] = None,
    today: Annotated[
        str | None,
        Option(
            "--today",
            metavar="YYYY-MM-DD",
            help="Date up to which usage is read (default: today, UTC).",
        ),
    ] = None,
    output: OutputOption = None,
) -> None:
    """List the account's deployments: state, replicas, GPUs, cost an hour and last billed day,
    most expensive first.

    The account and its key are FIREWORKS_ACCOUNT_ID and FIREWORKS_API_KEY. IDLE SINCE is the last
    day with billed GPU time of a deployment at zero replicas. OWNER is the annotation owner or
    team.
    """
    from zerofloor.cli.output import emit

    until = _date(today)
    rows = sorted(_asked(lambda api: _rows(api, until)), key=_by_cost)
    if by == "owner":
        rows = _totals(rows)
    if form == "json":
        member = "owners" if by == "owner" else "deployments"
        emit(_document({member: rows}), output)
        return
    columns = OWNER_COLUMNS if by == "owner" else COLUMNS
    emit("".join(f"{line}\n" for line in _table(rows, columns)), output)


def scale(
    id_: IdArgument,
    replicas: Annotated[int, Argument(metavar="N", help="Replicas; 0 until the next request.")],
    apply: ApplyOption = False,
    form: FormOption = "table",
) -> int:
    """Set the number of replicas of a deployment; autoscaling moves it again."""
    what = f"to {counted(replicas, 'replica')}"
    return _do("scale", id_, what, apply, form, _scaling(id_, replicas))


def _scaling(id_: str, replicas: int) -> Callable[[Api], object]:
    return lambda api: api.scale(id_, replicas)


def park(id_: IdArgument, apply: ApplyOption = False, form: FormOption = "table") -> int:
    """Park a deployment at zero: bounds 0 and 0, so that no request wakes it."""

    def set_bounds(api: Api) -> None:
        body = {**_existing(api, id_), "minReplicaCount": 0, "maxReplicaCount": 0}
        api.update(id_, body, ["minReplicaCount", "maxReplicaCount"])

    return _do("park", id_, "at zero", apply, form, set_bounds)


def delete(
    id_: IdArgument,
    in_use: Annotated[
        bool, Option("--in-use", help="Also if it served a request within the last hour.")
    ] = False,
    apply: ApplyOption = False,
    form: FormOption = "table",
) -> int:
    """Delete a deployment."""
    act: Callable[[Api], object] = lambda api: api.delete(id_, ignore_checks=in_use)  # noqa: E731
    return _do("delete", id_, "", apply, form, act)


COMMANDS: Final[Mapping[str, Callable[..., int | None]]] = {
    "list": list_deployments,
    "scale": scale,
    "park": park,
    "delete": delete,
}


def _do(
    action: str, id_: str, how: str, apply: bool, form: str, act: Callable[[Api], object]
) -> int:
    """Does it, or says what would be done: exit 0 either way.

    Looks first, so that a dry run of what doesn't exist says so and one of what does says what
    runs now.
    """
    from zerofloor.cli.output import emit

    def look_and_act(api: Api) -> Row:
        before = _row(_existing(api, id_), {})
        if apply:
            act(api)
        return before

    before = _asked(look_and_act)
    if form == "json":
        emit(_document({"action": action, "applied": apply, "deployment": before}), None)
        return 0
    what = f"{action} {id_} {how}".rstrip()
    if apply:
        emit(f"Done: {what}. It had {_running(before)}.\n", None)
    else:
        emit(
            f"Would {what}. It has {_running(before)}. Nothing was changed; add --apply to do "
            "it.\n",
            None,
        )
    return 0


def _running(row: Row) -> str:
    from zerofloor.words import counted

    if not row["replicas"]:
        return "no replica running"
    gpus = "an unknown number of GPUs" if row["gpus"] is None else counted(row["gpus"], "GPU")
    cost = f"${row['hourly']['amount']} an hour" if row["hourly"] else "unpriced"
    return f"{counted(row['replicas'], 'replica')} on {gpus}, {cost}"


def _existing(api: Api, id_: str) -> Mapping[str, Any]:
    from zerofloor.fireworks.api import ApiError

    found = api.get(id_)
    if found is None:
        raise ApiError("NOT_FOUND", "there is no such deployment.", f"reading deployment {id_}")
    return found


def _asked(act: Callable[[Api], Any]) -> Any:
    """What the API answers. Raises InputError where it can't be asked or refuses."""
    from zerofloor.errors import InputError
    from zerofloor.extras import lacking

    try:
        from zerofloor.fireworks.api import BASE, Api, ApiError
    except ImportError:
        raise lacking("fireworks", "httpx", "fireworks") from None
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


def _date(text: str | None) -> datetime.date:
    from zerofloor.errors import InputError

    if text is None:
        return datetime.datetime.now(datetime.UTC).date()
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        raise InputError(f"--today: not a date: {text!r} (YYYY-MM-DD)") from None


def _rows(api: Api, until: datetime.date) -> list[Row]:
    from zerofloor.fireworks.api import ApiError

    deployments = list(api.deployments())
    start = until - datetime.timedelta(days=USAGE_DAYS)
    try:
        billed = api.last_billed_days(start.isoformat(), _next(until).isoformat())
    except ApiError:
        return [_row(deployment, None) for deployment in deployments]
    return [_row(deployment, billed) for deployment in deployments]


def _next(day: datetime.date) -> datetime.date:
    return day + datetime.timedelta(days=1)


def _row(deployment: Mapping[str, Any], billed: Mapping[str, str] | None) -> Row:
    """`billed` has the last billed day by ID; None where usage can't be read."""
    id_ = str(deployment.get("name", "")).rpartition("/")[2]
    replicas = int(deployment.get("replicaCount") or 0)
    per_replica = deployment.get("acceleratorCount")
    gpus = None if replicas and not per_replica else replicas * int(per_replica or 0)
    accelerator = str(deployment.get("acceleratorType") or "")
    price = _per_gpu(accelerator)
    hourly = None if price is None or gpus is None else price * gpus
    annotations = deployment.get("annotations") or {}
    return {
        "id": id_,
        "baseModel": deployment.get("baseModel", ""),
        "state": deployment.get("state", ""),
        "replicas": replicas,
        "minReplicaCount": int(deployment.get("minReplicaCount") or 0),
        "maxReplicaCount": deployment.get("maxReplicaCount"),
        "acceleratorType": accelerator,
        "gpus": gpus,
        "hourly": None if hourly is None else _money(hourly),
        "idleSince": _idle_since(id_, replicas, billed),
        "owner": annotations.get("owner") or annotations.get("team") or "",
    }


def _idle_since(id_: str, replicas: int, billed: Mapping[str, str] | None) -> str | None:
    """The last billed day of one at zero; None where it runs or usage can't be read."""
    if replicas or billed is None:
        return None
    return billed.get(id_) or f"over {counted(USAGE_DAYS, 'day')}"


def _totals(rows: list[Row]) -> list[Row]:
    """Deployments, GPUs and cost an hour by owner; null where one is not known."""
    totals: list[Row] = []
    for owner in sorted({str(row["owner"]) for row in rows}):
        mine = [row for row in rows if str(row["owner"]) == owner]
        priced = [row["hourly"] for row in mine]
        total = None
        if all(priced):
            total = _money(sum((Decimal(money["amount"]) for money in priced), Decimal(0)))
        counts = [row["gpus"] for row in mine]
        gpus = None if None in counts else sum(counts)
        totals.append(
            {"id": owner, "owner": owner, "deployments": len(mine), "gpus": gpus, "hourly": total}
        )
    return sorted(totals, key=_by_cost)


def _money(amount: Decimal) -> dict[str, str]:
    return {"amount": f"{amount:.2f}", "currency": "USD"}


def _per_gpu(accelerator: str) -> Decimal | None:
    """USD a GPU-hour by the price snapshot: NVIDIA_H100_80GB is its H100 80GB."""
    from zerofloor.prices.managed import offers

    name = accelerator.partition("_")[2].replace("_", " ")
    rows = offers("fireworks", name, Decimal(1), None) if name else ()
    return rows[0].usd if rows else None


def _by_cost(row: Mapping[str, Any]) -> tuple[Decimal, int, str]:
    amount = Decimal(row["hourly"]["amount"]) if row["hourly"] else Decimal(0)
    return -amount, -(row["gpus"] or 0), row["id"]


def _document(members: Mapping[str, Any]) -> str:
    return json.dumps({"schema": SCHEMA, **members}, indent=2) + "\n"


COLUMNS: Final[Mapping[str, str]] = {
    "ID": "id",
    "STATE": "state",
    "REPLICAS": "replicas",
    "MIN": "minReplicaCount",
    "GPUS": "gpus",
    "ACCELERATOR": "acceleratorType",
    "PER HOUR": "hourly",
    "IDLE SINCE": "idleSince",
    "OWNER": "owner",
}
OWNER_COLUMNS: Final[Mapping[str, str]] = {
    "OWNER": "owner",
    "DEPLOYMENTS": "deployments",
    "GPUS": "gpus",
    "PER HOUR": "hourly",
}


def _table(rows: list[Row], columns: Mapping[str, str]) -> list[str]:
    from zerofloor.reports.visible import visible

    if not rows:
        return ["No deployments."]
    lines = [tuple(columns), *(_cells(row, columns) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(columns))]
    return [
        visible("  ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)).rstrip())
        for line in lines
    ]


def _cells(row: Row, columns: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(_cell(member, row[member]) for member in columns.values())


def _cell(member: str, value: Any) -> str:
    if member == "hourly":
        return f"${value['amount']}" if value else "unpriced"
    if member == "gpus" and value is None:
        return "unknown"
    if value in (None, ""):
        return "-"
    return str(value)
