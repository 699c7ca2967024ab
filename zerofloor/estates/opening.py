"""From an address to a backend; without one, the backend that `pulumi` itself would use."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import urlsplit

import msgspec

from zerofloor.errors import InputError
from zerofloor.estates.cloud import PulumiCloud
from zerofloor.estates.selfmanaged import SelfManaged
from zerofloor.estates.stores import SCHEMES
from zerofloor.estates.values import Listing, StackRef

EXPECTED: Final = "expected file://PATH, s3://…, gs://…, azblob://…, or https://… of Pulumi Cloud"


class Backend(Protocol):
    """Where stacks and their states are; only read."""

    name: str
    """Its address without anything secret."""
    remote: bool
    """Whether reading waits for a network."""

    def stacks(self) -> Listing: ...

    def state(self, ref: StackRef, most: int) -> bytes: ...

    def backup(self, ref: StackRef, most: int) -> bytes | None: ...

    def tags(self, ref: StackRef) -> Mapping[str, str]: ...

    def in_progress(self, ref: StackRef) -> str: ...

    def close(self) -> None: ...


class Account(msgspec.Struct, rename="camel"):
    access_token: str = ""


class Credentials(msgspec.Struct, rename="camel"):
    """What `pulumi login` wrote (sdk/go/common/workspace/creds.go)."""

    current: str = ""
    access_tokens: dict[str, str] = msgspec.field(default_factory=dict)
    accounts: dict[str, Account] = msgspec.field(default_factory=dict)


def open_backend(url: str) -> Backend:
    """The backend at an address. Raises InputError where it can't be one."""
    scheme = url.partition("://")[0] if "://" in url else ""
    if not scheme and Path(url).is_dir():
        scheme, url = "file", f"file://{url}"
    if not scheme and Path(url).is_file():
        raise InputError(f"{url}: one file, not a backend: judge it with `zerofloor check {url}`")
    if scheme in ("http", "https"):
        url = url.replace("//app.pulumi.com", "//api.pulumi.com", 1)  # the console's address
        return PulumiCloud(url, _token(url))
    if scheme not in SCHEMES:
        raise InputError(f"{shown(url)}: {EXPECTED}")
    if scheme != "file" and not urlsplit(url).netloc:
        raise InputError(f"{shown(url)}: no bucket is named")
    return SelfManaged(SCHEMES[scheme](url), shown(url))


def login_url(environ: Mapping[str, str]) -> str:
    """The backend of PULUMI_BACKEND_URL, else that of the last `pulumi login`.

    Raises InputError where neither names one.
    """
    url = environ.get("PULUMI_BACKEND_URL") or _credentials().current
    if not url:
        raise InputError(f"no backend is named and `pulumi login` recorded none: {EXPECTED}")
    return url


def shown(url: str) -> str:
    """An address without user, password and query."""
    return re.sub(r"//[^/@]*@", "//", url.partition("?")[0])


def _token(url: str) -> str:
    """The token for a service: PULUMI_ACCESS_TOKEN, else what `pulumi login` recorded for it."""
    token = os.environ.get("PULUMI_ACCESS_TOKEN", "").strip()
    if token:
        return token
    known = _credentials()
    wanted = urlsplit(url).netloc
    for service, account in known.accounts.items():
        if urlsplit(service).netloc == wanted and account.access_token:
            return account.access_token
    for service, kept in known.access_tokens.items():
        if urlsplit(service).netloc == wanted and kept:
            return kept
    raise InputError(
        f"{shown(url)}: no access token: set PULUMI_ACCESS_TOKEN, or run `pulumi login`"
    )


def _credentials() -> Credentials:
    """Raises InputError where the file is there and can't be read."""
    home = os.environ.get("PULUMI_CREDENTIALS_PATH") or os.environ.get("PULUMI_HOME")
    folder = Path(home) if home else Path("~/.pulumi").expanduser()
    path = folder / "credentials.json"
    try:
        return msgspec.json.decode(path.read_bytes(), type=Credentials)
    except FileNotFoundError:
        return Credentials()
    except OSError as error:
        raise InputError(f"{path}: can't be read: {error.strerror or error}") from None
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise InputError(f"{path}: not as `pulumi login` writes it") from None
