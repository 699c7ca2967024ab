"""The Fireworks control API, as far as deployments need it (Gateway REST API 5.10.0,
docs.fireworks.ai/api-reference).

The key is sent as a header and never reaches a message, an error or a representation.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import httpx

BASE: Final = "https://api.fireworks.ai"
RETRIED: Final = frozenset({408, 429, 500, 502, 503, 504})
ATTEMPTS: Final = 5
TIMEOUT_SECONDS: Final = 60.0

CODES: Final[Mapping[int, str]] = {
    1: "CANCELLED",
    2: "UNKNOWN",
    3: "INVALID_ARGUMENT",
    4: "DEADLINE_EXCEEDED",
    5: "NOT_FOUND",
    6: "ALREADY_EXISTS",
    7: "PERMISSION_DENIED",
    8: "RESOURCE_EXHAUSTED",
    9: "FAILED_PRECONDITION",
    10: "ABORTED",
    11: "OUT_OF_RANGE",
    12: "UNIMPLEMENTED",
    13: "INTERNAL",
    14: "UNAVAILABLE",
    15: "DATA_LOSS",
    16: "UNAUTHENTICATED",
}
"""google.rpc codes: FAILED_PRECONDITION and INVALID_ARGUMENT are both HTTP 400."""

ADVICE: Final[Mapping[str, str]] = {
    "UNAUTHENTICATED": "Set fireworks:apiKey (pulumi config set --secret) or FIREWORKS_API_KEY.",
    "PERMISSION_DENIED": "Use a key of the account that owns the deployment.",
    "RESOURCE_EXHAUSTED": "Wait, ask Fireworks for more quota, or delete what is not used.",
    "NOT_FOUND": "Check the account and the deployment's ID.",
}


class ApiError(Exception):
    """The API refused a call, or could not be reached."""

    def __init__(self, code: str, message: str, doing: str) -> None:
        advice = ADVICE.get(code)
        super().__init__(f"{doing}: {code}: {message}" + (f" {advice}" if advice else ""))
        self.code = code
        """A google.rpc code by name; UNREACHABLE where no answer arrived."""
        self.message = message


class Api:
    """Calls on one account."""

    def __init__(
        self,
        account: str,
        key: str,
        *,
        base: str = BASE,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.account = account
        self._sleep = sleep
        self._client = httpx.Client(
            base_url=f"{base.rstrip('/')}/v1/accounts/{account}",
            headers={"Authorization": f"Bearer {key}"},
            timeout=TIMEOUT_SECONDS,
        )

    def __repr__(self) -> str:
        return f"Api({self.account!r})"

    def close(self) -> None:
        self._client.close()

    def create(
        self, deployment_id: str, body: Mapping[str, Any], *, validate_only: bool = False
    ) -> dict[str, Any]:
        """A new deployment, or with `validate_only` the one that it would be.

        The ID makes it safe to repeat: one that exists is an ALREADY_EXISTS, never a second one.
        """
        parameters = {"deploymentId": deployment_id}
        if validate_only:
            parameters["validateOnly"] = "true"
        doing = f"creating deployment {deployment_id}"
        return self._call("POST", "/deployments", doing, params=parameters, json=dict(body))

    def get(self, deployment_id: str) -> dict[str, Any] | None:
        """The deployment; None where there is none, or only a deleted one."""
        doing = f"reading deployment {deployment_id}"
        try:
            found = self._call("GET", f"/deployments/{deployment_id}", doing)
        except ApiError as error:
            if error.code == "NOT_FOUND":
                return None
            raise
        return None if found.get("state") in ("DELETED", "DELETING") else found

    def deployments(self) -> Iterator[dict[str, Any]]:
        """Every deployment of the account that is not deleted."""
        return self._pages("/deployments", "deployments", "listing deployments")

    def _pages(self, path: str, member: str, doing: str) -> Iterator[dict[str, Any]]:
        """Every item of a list, page by page."""
        token = ""
        while True:
            parameters = {"pageSize": "200", **({"pageToken": token} if token else {})}
            page = self._call("GET", path, doing, params=parameters)
            yield from page.get(member, ())
            token = page.get("nextPageToken", "")
            if not token:
                return

    def update(
        self, deployment_id: str, body: Mapping[str, Any], fields: list[str]
    ) -> dict[str, Any]:
        """Changes these fields and keeps the others (the mask names them in snake_case)."""
        mask = ",".join(sorted(_snake(field) for field in fields))
        doing = f"updating deployment {deployment_id}"
        path = f"/deployments/{deployment_id}"
        return self._call("PATCH", path, doing, params={"updateMask": mask}, json=dict(body))

    def scale(self, deployment_id: str, replicas: int) -> None:
        """Puts the replicas to a number; 0 scales to zero until the next request."""
        path = f"/deployments/{deployment_id}:scale"
        doing = f"scaling deployment {deployment_id}"
        self._call("PATCH", path, doing, json={"replicaCount": replicas})

    def delete(
        self, deployment_id: str, *, ignore_checks: bool = False, hard: bool = False
    ) -> None:
        """Deletes it. FAILED_PRECONDITION where it served a request within the last hour, unless
        `ignore_checks`. One that is gone already is deleted. `hard` frees its ID at once."""
        parameters = {
            **({"ignoreChecks": "true"} if ignore_checks else {}),
            **({"hard": "true"} if hard else {}),
        }
        doing = f"deleting deployment {deployment_id}"
        self._remove(f"/deployments/{deployment_id}", doing, params=parameters)

    def last_billed_days(self, start: str, end: str) -> dict[str, str]:
        """For each deployment ID that was billed from `start` to `end` (YYYY-MM-DD, at most 31
        days): the last day.

        The documentation names the rows' deploymentId and acceleratorSeconds, but neither the list
        nor the day: any text that starts with a date is one.
        """
        parameters = {
            "startTime": f"{start}T00:00:00Z",
            "endTime": f"{end}T00:00:00Z",
            "usageType": "DEDICATED_DEPLOYMENT",
        }
        answer = self._call("GET", "/billingUsage", "reading usage", params=parameters)
        last: dict[str, str] = {}
        for rows in answer.values():
            for row in rows if isinstance(rows, list) else ():
                if isinstance(row, dict) and row.get("acceleratorSeconds") not in (None, 0, "0"):
                    name = id_of(str(row.get("deploymentId", "")))
                    days = [day for value in row.values() if (day := _day_of(value))]
                    last[name] = max([*days, last.get(name, "")])
        return last

    def load(self, body: Mapping[str, Any], *, replace_merged: bool = False) -> dict[str, Any]:
        """Loads a LoRA add-on on a deployment; the API chooses its ID."""
        parameters = {"replaceMergedAddon": "true"} if replace_merged else {}
        doing = f"loading {body.get('model')}"
        return self._call("POST", "/deployedModels", doing, params=parameters, json=dict(body))

    def get_loaded(self, loaded_id: str) -> dict[str, Any] | None:
        """A loaded add-on; None where there is none."""
        try:
            return self._call("GET", f"/deployedModels/{loaded_id}", f"reading add-on {loaded_id}")
        except ApiError as error:
            if error.code == "NOT_FOUND":
                return None
            raise

    def loaded(self) -> Iterator[dict[str, Any]]:
        """Every loaded add-on of the account."""
        return self._pages("/deployedModels", "deployedModels", "listing add-ons")

    def update_loaded(self, loaded_id: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Changes a loaded add-on: its names, whether it is the default, whether it is public."""
        doing = f"updating add-on {loaded_id}"
        return self._call("PATCH", f"/deployedModels/{loaded_id}", doing, json=dict(body))

    def unload(self, loaded_id: str) -> None:
        """Takes an add-on off its deployment. One that is gone already is unloaded."""
        self._remove(f"/deployedModels/{loaded_id}", f"unloading add-on {loaded_id}")

    def _remove(self, path: str, doing: str, **options: Any) -> None:
        try:
            self._call("DELETE", path, doing, **options)
        except ApiError as error:
            if error.code != "NOT_FOUND":
                raise

    def _call(self, method: str, path: str, doing: str, **options: Any) -> dict[str, Any]:
        """One call with its retries: connection errors, 408, 429 and 5xx, with a back-off."""
        delay = 0.5
        for attempt in range(1, ATTEMPTS + 1):
            last = attempt == ATTEMPTS
            try:
                answer = self._client.request(method, path, **options)
            except httpx.HTTPError as error:
                if last:
                    why = f"no answer from the API ({type(error).__name__})"
                    raise ApiError("UNREACHABLE", why, doing) from None
            else:
                if answer.is_success:
                    return _decoded(answer, doing)
                if last or answer.status_code not in RETRIED:
                    raise _refusal(answer, doing)
            self._sleep(delay)
            delay = min(delay * 2, 8.0)
        raise AssertionError("the last attempt returns or raises")


def _decoded(answer: httpx.Response, doing: str) -> dict[str, Any]:
    try:
        body = answer.json() if answer.content else {}
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise ApiError("MALFORMED", "the API's answer is not a JSON object.", doing)
    return body


def _refusal(answer: httpx.Response, doing: str) -> ApiError:
    try:
        body = answer.json()
    except ValueError:
        body = {}
    body = body if isinstance(body, dict) else {}
    code = body.get("code")
    name = CODES.get(code, "UNKNOWN") if isinstance(code, int) else str(code or "")
    message = str(body.get("message") or f"HTTP {answer.status_code}").strip()
    return ApiError(name or _BY_STATUS.get(answer.status_code, "UNKNOWN"), message, doing)


def id_of(name: str) -> str:
    """The ID in `accounts/ACCOUNT/deployments/ID`, or the ID itself."""
    return name.rpartition("/")[2]


def _day_of(value: Any) -> str:
    """The date that a text starts with; empty where there is none."""
    starts = isinstance(value, str) and re.match(r"\d{4}-\d{2}-\d{2}", value)
    return starts[0] if starts else ""


_BY_STATUS: Final[Mapping[int, str]] = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ALREADY_EXISTS",
    429: "RESOURCE_EXHAUSTED",
    503: "UNAVAILABLE",
}


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
