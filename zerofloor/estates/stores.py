"""Where self-managed state lies: a folder, S3, Google Cloud Storage, Azure Blob Storage. Only lists
and reads."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import parse_qs, unquote, urlsplit

from zerofloor.errors import InputError
from zerofloor.extras import lacking
from zerofloor.structs import Value

TIMEOUT: Final = 60
"""Seconds that one request to an object store may take."""


class Object(Value, frozen=True):
    """An object of a store."""

    key: str
    """From the root of the backend: `.pulumi/stacks/shop/dev.json`."""
    modified: float
    """Seconds since 1970."""


class Store(Protocol):
    """A tree of objects that is only read."""

    remote: bool

    @property
    def unread(self) -> Sequence[str]:
        """What could not be listed, and why: objects may be missing."""

    def objects(self, prefix: str) -> Iterator[Object]:
        """The objects whose keys begin so. Raises InputError where they can't be listed."""

    def read(self, key: str, most: int) -> bytes:
        """An object; at most `most` + 1 bytes of it. Raises InputError where it can't be read."""

    def close(self) -> None:
        """Lets go of connections."""


class Folder:
    """`file://PATH`."""

    remote = False

    def __init__(self, url: str) -> None:
        path = unquote(url.removeprefix("file://").partition("?")[0])
        self.root = Path(path or ".").expanduser()
        if not self.root.is_dir():
            raise InputError(f"{url}: no such folder")
        self.unread: list[str] = []

    def objects(self, prefix: str) -> Iterator[Object]:
        start = self.root / prefix
        if not start.is_dir():
            return
        for folder, folders, files in os.walk(start, onerror=self._note):
            folders.sort()
            for name in sorted(files):
                path = Path(folder) / name
                try:
                    modified = path.stat().st_mtime
                except OSError:
                    continue  # Gone meanwhile, or a link to nothing.
                yield Object(path.relative_to(self.root).as_posix(), modified)

    def read(self, key: str, most: int) -> bytes:
        try:
            with (self.root / key).open("rb") as file:
                return file.read(most + 1)
        except OSError as error:
            raise InputError(f"{key}: can't be read: {error.strerror or error}") from None

    def close(self) -> None:
        pass

    def _note(self, error: OSError) -> None:
        path = Path(str(error.filename)).relative_to(self.root)
        self.unread.append(f"{path}: can't be listed: {error.strerror or error}")


class S3:
    """`s3://BUCKET/PREFIX?region=…&profile=…&endpoint=…`, as Pulumi's own URLs have it."""

    remote = True
    unread: Sequence[str] = ()

    def __init__(self, url: str) -> None:
        try:
            import boto3
            from botocore.config import Config
            from botocore.exceptions import BotoCoreError, ClientError
        except ModuleNotFoundError:
            raise lacking("s3://", "boto3", "audit") from None
        parts = urlsplit(url)
        asked = _query(parts.query)
        self.errors = (BotoCoreError, ClientError)
        self.bucket, self.prefix = parts.netloc, _prefix(parts.path)
        style = "path" if _on(asked, "s3ForcePathStyle", "use_path_style") else "auto"
        try:
            session = boto3.Session(
                profile_name=asked.get("profile"), region_name=asked.get("region")
            )
            self.client = session.client(
                "s3",
                endpoint_url=_endpoint(asked),
                config=Config(
                    connect_timeout=TIMEOUT,
                    read_timeout=TIMEOUT,
                    retries={"max_attempts": 4, "mode": "standard"},
                    s3={"addressing_style": style},
                ),
            )
        except (*self.errors, ValueError) as error:
            raise InputError(f"s3://{self.bucket}: {error}") from None

    def objects(self, prefix: str) -> Iterator[Object]:
        pages = self.client.get_paginator("list_objects_v2")
        try:
            for page in pages.paginate(Bucket=self.bucket, Prefix=self.prefix + prefix):
                for one in page.get("Contents", ()):
                    key = str(one["Key"]).removeprefix(self.prefix)
                    yield Object(key, one["LastModified"].timestamp())
        except self.errors as error:
            raise InputError(f"s3://{self.bucket}: can't be listed: {error}") from None

    def read(self, key: str, most: int) -> bytes:
        try:
            body = self.client.get_object(Bucket=self.bucket, Key=self.prefix + key)["Body"]
            with body:
                return bytes(body.read(most + 1))
        except (*self.errors, OSError) as error:
            raise InputError(f"{key}: can't be read: {error}") from None

    def close(self) -> None:
        self.client.close()


class GoogleStorage:
    """`gs://BUCKET/PREFIX`; credentials as Google's own libraries find them, or in
    GOOGLE_CREDENTIALS, as Pulumi takes them."""

    remote = True
    unread: Sequence[str] = ()

    def __init__(self, url: str) -> None:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of Pythons and of packages that it can do without
                from google.api_core.exceptions import GoogleAPIError
                from google.auth.exceptions import GoogleAuthError
                from google.cloud import storage
        except ModuleNotFoundError:
            raise lacking("gs://", "google-cloud-storage", "gcs") from None
        parts = urlsplit(url)
        self.errors = (GoogleAPIError, GoogleAuthError, OSError)
        self.name, self.prefix = parts.netloc, _prefix(parts.path)
        try:
            self.client = _google_client(storage)
        except (*self.errors, ValueError) as error:
            raise InputError(f"gs://{self.name}: {_line(error)}") from None
        self.bucket = self.client.bucket(self.name)

    def objects(self, prefix: str) -> Iterator[Object]:
        try:
            blobs = self.client.list_blobs(self.bucket, prefix=self.prefix + prefix)
            for blob in blobs:
                yield Object(blob.name.removeprefix(self.prefix), blob.updated.timestamp())
        except self.errors as error:
            raise InputError(f"gs://{self.name}: can't be listed: {_line(error)}") from None

    def read(self, key: str, most: int) -> bytes:
        # `raw_download`: an object with Content-Encoding gzip would else be inflated unbounded.
        try:
            blob = self.bucket.blob(self.prefix + key)
            return bytes(blob.download_as_bytes(end=most, raw_download=True, timeout=TIMEOUT))
        except self.errors as error:
            raise InputError(f"{key}: can't be read: {_line(error)}") from None

    def close(self) -> None:
        self.client.close()


def _google_client(storage: Any) -> Any:
    if os.environ.get("STORAGE_EMULATOR_HOST"):
        return storage.Client.create_anonymous_client()
    given = os.environ.get("GOOGLE_CREDENTIALS", "")
    if given.lstrip().startswith("{"):
        import json

        return storage.Client.from_service_account_info(json.loads(given))
    if given:
        return storage.Client.from_service_account_json(given)
    return storage.Client()


class AzureBlobs:
    """`azblob://CONTAINER/PREFIX?storage_account=…`; the account's key or SAS token by Pulumi's own
    variables, else Azure's default credentials."""

    remote = True
    unread: Sequence[str] = ()

    def __init__(self, url: str) -> None:
        try:
            from azure.core.exceptions import AzureError
            from azure.storage.blob import ContainerClient
        except ModuleNotFoundError:
            raise lacking("azblob://", "azure-storage-blob", "azblob") from None
        parts = urlsplit(url)
        asked = _query(parts.query)
        self.errors = (AzureError, OSError)
        self.name, self.prefix = parts.netloc, _prefix(parts.path)
        account = asked.get("storage_account") or os.environ.get("AZURE_STORAGE_ACCOUNT", "")
        if not account:
            raise InputError(
                f"azblob://{self.name}: the storage account isn't named: add ?storage_account=NAME "
                "to the address, or set AZURE_STORAGE_ACCOUNT"
            )
        try:
            self.client = ContainerClient(
                _account_url(account, asked),
                self.name,
                credential=_azure_credential(),
                connection_timeout=TIMEOUT,
                read_timeout=TIMEOUT,
            )
        except (*self.errors, ValueError) as error:
            raise InputError(f"azblob://{self.name}: {_line(error)}") from None

    def objects(self, prefix: str) -> Iterator[Object]:
        try:
            for blob in self.client.list_blobs(name_starts_with=self.prefix + prefix):
                yield Object(blob.name.removeprefix(self.prefix), blob.last_modified.timestamp())
        except self.errors as error:
            raise InputError(f"azblob://{self.name}: can't be listed: {_line(error)}") from None

    def read(self, key: str, most: int) -> bytes:
        try:
            blob = self.client.download_blob(self.prefix + key, offset=0, length=most + 1)
            return bytes(blob.readall())
        except self.errors as error:
            raise InputError(f"{key}: can't be read: {_line(error)}") from None

    def close(self) -> None:
        self.client.close()


def _account_url(account: str, asked: Mapping[str, str]) -> str:
    protocol = asked.get("protocol") or os.environ.get("AZURE_STORAGE_PROTOCOL") or "https"
    domain = (
        asked.get("domain") or os.environ.get("AZURE_STORAGE_DOMAIN") or "blob.core.windows.net"
    )
    if _on(asked, "localemu") or domain.startswith(("localhost", "127.0.0.1")):
        return f"{protocol}://{domain}/{account}"  # the emulator's addresses begin with the account
    return f"{protocol}://{account}.{domain}"


def _azure_credential() -> Any:
    for variable in ("AZURE_STORAGE_KEY", "AZURE_STORAGE_SAS_TOKEN"):
        if os.environ.get(variable):
            return os.environ[variable]
    # Each way to log in that it tries and that isn't set up is a warning; the last error says all.
    logging.getLogger("azure.identity").setLevel(logging.ERROR)
    try:
        from azure.identity import DefaultAzureCredential
    except ModuleNotFoundError:
        raise lacking("azblob://", "azure-identity", "azblob") from None
    return DefaultAzureCredential()


SCHEMES: Final[Mapping[str, type[Folder | S3 | GoogleStorage | AzureBlobs]]] = {
    "file": Folder,
    "s3": S3,
    "gs": GoogleStorage,
    "azblob": AzureBlobs,
}


def _query(text: str) -> Mapping[str, str]:
    return {key: values[-1] for key, values in parse_qs(text).items()}


def _on(asked: Mapping[str, str], *names: str) -> bool:
    return any(asked.get(name, "").lower() in ("true", "1") for name in names)


def _prefix(path: str) -> str:
    inner = path.strip("/")
    return f"{inner}/" if inner else ""


def _endpoint(asked: Mapping[str, str]) -> str | None:
    """An endpoint without a scheme is taken for https, as Pulumi takes it."""
    endpoint = asked.get("endpoint")
    if not endpoint or "://" in endpoint:
        return endpoint or None
    return f"{'http' if _on(asked, 'disableSSL', 'disable_https') else 'https'}://{endpoint}"


def _line(error: Exception) -> str:
    """The first line of what a library says; the others are traces and whole answers."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]
