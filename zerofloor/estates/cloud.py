"""Pulumi Cloud, or a service of one's own that speaks its API: stacks listed and exported."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote, urlsplit

import msgspec

from zerofloor.errors import InputError
from zerofloor.estates.values import Listing, StackRef
from zerofloor.extras import lacking

ACCEPT: Final = "application/vnd.pulumi+8"

ATTEMPTS: Final = 4
"""Of a request that is throttled, or that the service fails."""

LONGEST_WAIT: Final = 30.0
"""Seconds before another attempt, whatever the service asks for."""

TIMEOUT: Final = 60.0

_MEANINGS: Final = {
    401: "the token isn't accepted: set PULUMI_ACCESS_TOKEN, or run `pulumi login`",
    403: "the token has no right to it",
    404: "it isn't there, or the token has no right to see it",
}


class Summary(msgspec.Struct, rename="camel"):
    """A stack in a list (sdk/go/common/apitype/stacks.go)."""

    org_name: str
    project_name: str
    stack_name: str


class Page(msgspec.Struct, rename="camel"):
    stacks: list[Summary] | None = None
    continuation_token: str | None = None


class Details(msgspec.Struct, rename="camel"):
    """What the service says of a stack beside its state (sdk/go/common/apitype/core.go)."""

    tags: dict[str, str] | None = None
    current_operation: dict[str, Any] | None = None


class PulumiCloud:
    """The stacks that a token may see."""

    remote = True

    def __init__(self, url: str, token: str) -> None:
        try:
            import httpx
        except ModuleNotFoundError:
            raise lacking("https://", "httpx", "audit") from None
        parts = urlsplit(url)
        self.name = f"{parts.scheme}://{parts.hostname}"
        if parts.port:
            self.name += f":{parts.port}"
        self.organisation = parts.path.strip("/")
        if "/" in self.organisation:
            raise InputError(f"{url}: give the service and an organisation only: {self.name}/ORG")
        self.failed = httpx.HTTPError
        # Redirects aren't followed: the token is for this service.
        self.client = httpx.Client(
            base_url=self.name,
            headers={"Accept": ACCEPT, "Authorization": f"token {token}"},
            timeout=TIMEOUT,
        )
        self._details: dict[str, Details] = {}

    def stacks(self) -> Listing:
        """All stacks, page by page. Raises InputError where they can't be listed."""
        found: list[StackRef] = []
        asked = {"organization": self.organisation} if self.organisation else {}
        token: str | None = None
        while True:
            more = {**asked, "continuationToken": token} if token else asked
            page = self._decoded("/api/user/stacks", Page, more)
            found += [_ref(one) for one in page.stacks or ()]
            if not page.continuation_token or page.continuation_token == token:
                return Listing(tuple(sorted(set(found), key=lambda ref: ref.name)))
            token = page.continuation_token

    def state(self, ref: StackRef, most: int) -> bytes:
        return self._get(f"{ref.key}/export", {}, most)

    def backup(self, ref: StackRef, most: int) -> bytes | None:
        return None

    def tags(self, ref: StackRef) -> Mapping[str, str]:
        return self._about(ref).tags or {}

    def in_progress(self, ref: StackRef) -> str:
        operation = self._about(ref).current_operation
        if not operation:
            return ""
        return f"{operation.get('kind', 'operation')} by {operation.get('author', 'another user')}"

    def close(self) -> None:
        self.client.close()

    def _about(self, ref: StackRef) -> Details:
        if ref.key not in self._details:
            try:
                self._details = {ref.key: self._decoded(ref.key, Details, {})}
            except InputError:
                return Details()  # It only adds an owner: whether the state is read decides.
        return self._details[ref.key]

    def _decoded(self, path: str, kind: Any, query: Mapping[str, str]) -> Any:
        data = self._get(path, query, 64 * 2**20)
        try:
            return msgspec.json.decode(data, type=kind)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            raise InputError(f"{self.name}{path}: not an answer of Pulumi's service") from None

    def _get(self, path: str, query: Mapping[str, str], most: int) -> bytes:
        """An answer's body, at most `most` + 1 bytes of it."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                with self.client.stream("GET", path, params=query) as answer:
                    if answer.status_code == 200:
                        return _body(answer, most)
                    why, wait = _refused(answer.status_code, answer.headers)
            except self.failed as error:
                why = f"can't be reached: {type(error).__name__}"
                wait = 0.3
            if wait is None or attempt == ATTEMPTS:
                break
            time.sleep(wait * attempt)
        raise InputError(f"{self.name}{path}: {why}")


def _body(answer: Any, most: int) -> bytes:
    found = bytearray()
    for chunk in answer.iter_bytes():
        found += chunk
        if len(found) > most:
            break
    return bytes(found[: most + 1])


def _refused(status: int, headers: Mapping[str, str]) -> tuple[str, float | None]:
    """What an answer means, and the seconds to wait where another attempt may help."""
    if status == 429 or status >= 500:
        asked = headers.get("retry-after", "")
        wait = min(float(asked), LONGEST_WAIT) if asked.isdigit() else 0.5
        kind = "it throttles" if status == 429 else "it fails"
        return f"{kind} (HTTP {status}, {ATTEMPTS} attempts)", wait
    return f"{_MEANINGS.get(status, 'it was not answered')} (HTTP {status})", None


def _ref(one: Summary) -> StackRef:
    parts = (one.org_name, one.project_name, one.stack_name)
    return StackRef(
        name="/".join(parts),
        project=one.project_name,
        stack=one.stack_name,
        key="/api/stacks/" + "/".join(quote(part, safe="") for part in parts),
        organisation=one.org_name,
    )
