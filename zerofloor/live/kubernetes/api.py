"""A cluster's API through lightkube: lists whole, throttling waited for, each refusal named."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import lru_cache
from http import HTTPStatus
from typing import Any, Final, TypeVar

from zerofloor.errors import InputError
from zerofloor.live.kubernetes.kubeconfig import Access
from zerofloor.structs import Value

T = TypeVar("T")

PAGE: Final = 500
"""Objects a page, as kubectl asks for."""

ATTEMPTS: Final = 4
"""Of a call that is throttled, that the server fails, or whose list expires between pages."""

LONGEST_WAIT: Final = 10.0
"""Seconds before another attempt, whatever the server asks for."""

TIMEOUT: Final = 30.0
"""Seconds for one answer."""

_RETRIED: Final = (429, 500, 502, 503, 504)


class Refused(Exception):
    """The server said no."""

    def __init__(self, code: int, why: str) -> None:
        super().__init__(why)
        self.code = code
        """The HTTP status; 0 where its answer could not be read."""


class Unreachable(Exception):
    """The cluster did not answer or refused access: nothing of it can be read."""


class Kind(Value, frozen=True):
    """A kind of objects, as the API names it."""

    group: str
    """Empty for the core."""
    version: str
    kind: str
    plural: str
    namespaced: bool = True

    @property
    def shown(self) -> str:
        """As kubectl names it."""
        return f"{self.plural}.{self.group}" if self.group else self.plural


class Api:
    """One cluster. Reads, and patches what it is told to."""

    def __init__(self, access: Access) -> None:
        self.access = access
        self._client = _connect(access)

    def objects_of(
        self,
        kind: Kind,
        namespace: str | None = None,
        keep: Callable[[Any], Any] | None = None,
    ) -> list[Any]:
        """All objects of a kind, in a namespace or in all. Each goes through `keep` while its page
        is read (None: left out), so that a large list needs no more than what is kept.

        Raises Refused, Unreachable.
        """
        kept: list[Any] = []

        def read(chunk: int | None) -> None:
            kept.clear()
            place = {"namespace": namespace or "*"} if kind.namespaced else {}
            for one in self._client.list(_resource(kind), chunk_size=chunk, **place):
                value = keep(one) if keep is not None else one
                if value is not None:
                    kept.append(value)

        try:
            self._attempt(lambda: read(PAGE))
        except Refused as refused:
            if refused.code != HTTPStatus.GONE:
                raise
            # The list changed too much between its pages: all at once.
            self._attempt(lambda: read(None))
        return kept

    def get(self, kind: Kind, namespace: str, name: str) -> Any:
        """One object. Raises Refused, Unreachable."""
        return self._attempt(
            lambda: self._client.get(_resource(kind), name, **_place(kind, namespace))
        )

    def patch(self, kind: Kind, namespace: str, name: str, body: Any, *, scale: bool) -> None:
        """A merge patch of an object, or of its scale. Raises Refused, Unreachable."""
        from lightkube.types import PatchType

        resource = _resource(kind).Scale if scale else _resource(kind)
        self._attempt(
            lambda: self._client.patch(
                resource, name, body, patch_type=PatchType.MERGE, **_place(kind, namespace)
            )
        )

    def close(self) -> None:
        self._client.close()

    def _attempt(self, call: Callable[[], T]) -> T:
        """The result of a call with its retries."""
        delay = 0.5
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return _told(call, self.access)
            except _Again as again:
                if attempt == ATTEMPTS:
                    raise again.given_up() from None
                time.sleep(min(again.after or delay, LONGEST_WAIT))
                delay *= 2
        raise AssertionError("the last attempt returns or raises")


class _Again(Exception):
    """A refusal that may pass."""

    def __init__(self, code: int, why: str, after: float) -> None:
        super().__init__(why)
        self.code = code
        """0 where the connection broke off."""
        self.after = after
        """Seconds that the server asks for; 0 where it doesn't."""

    def given_up(self) -> Exception:
        return Refused(self.code, str(self)) if self.code else Unreachable(str(self))


def _told(call: Callable[[], T], access: Access) -> T:
    """A call whose errors are this module's."""
    import httpx2
    import msgspec
    from lightkube.core.exceptions import ConfigError

    try:
        return call()
    except httpx2.HTTPStatusError as error:
        raise _refusal(error) from None
    except (httpx2.ReadError, httpx2.RemoteProtocolError) as error:
        raise _Again(0, _transport(error), 0) from None
    except httpx2.TransportError as error:
        raise Unreachable(_transport(error)) from None
    except (ConfigError, OSError) as error:
        raise Unreachable(str(error)) from None
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise Unreachable(type(error).__name__) from None
    except (msgspec.MsgspecError, LookupError, ValueError, TypeError, AttributeError) as error:
        # lightkube stumbles over refusals that are no Status.
        if isinstance(error.__context__, httpx2.HTTPStatusError):
            raise _refusal(error.__context__) from None
        raise Refused(0, "its answer isn't one of a Kubernetes API server") from None


def _refusal(error: Any) -> Exception:
    code = error.response.status_code
    why = f"{code} {_phrase(code)}".strip()
    if code == HTTPStatus.UNAUTHORIZED:
        return Unreachable(f"{why}: these credentials aren't accepted")
    if code in _RETRIED:
        return _Again(code, why, _seconds(error.response.headers.get("Retry-After", "")))
    said = _message(error)
    return Refused(code, f"{why}: {said}" if said else why)


def _phrase(code: int) -> str:
    try:
        return HTTPStatus(code).phrase
    except ValueError:
        return ""


def _message(error: Any) -> str:
    """What the server's Status says."""
    try:
        body = error.response.json()
    except ValueError:
        return ""
    said = body.get("message") if isinstance(body, dict) else None
    return said[:200] if isinstance(said, str) else ""


def _seconds(text: str) -> float:
    return float(text) if text.isdecimal() else 0.0


def _transport(error: Exception) -> str:
    """Why nothing came: the words of the system, which have no credential."""
    said = str(error)
    if "CERTIFICATE_VERIFY_FAILED" in said:
        return "its certificate isn't one that this kubeconfig trusts"
    return said[:120] or type(error).__name__


def _place(kind: Kind, namespace: str) -> dict[str, str]:
    return {"namespace": namespace} if kind.namespaced else {}


@lru_cache(maxsize=256)
def _resource(kind: Kind) -> Any:
    from lightkube.generic_resource import create_global_resource, create_namespaced_resource

    create = create_namespaced_resource if kind.namespaced else create_global_resource
    return create(kind.group, kind.version, kind.kind, kind.plural)


def _connect(access: Access) -> Any:
    import ssl

    import httpx2
    from lightkube import Client

    where = f"{access.source}: context {access.context}"
    try:
        return Client(config=access.config, timeout=httpx2.Timeout(TIMEOUT), proxy=access.proxy)
    except FileNotFoundError as error:
        raise InputError(f"{where}: {error.filename}: no such file") from None
    except (ssl.SSLError, OSError):
        raise InputError(f"{where}: its certificates or its key can't be used") from None
    except Exception as error:  # an address or a proxy that is none
        raise InputError(f"{where}: can't be used: {type(error).__name__}") from None
