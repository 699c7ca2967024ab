"""From kubeconfigs to one cluster's address and credentials, as kubectl finds them.

lightkube connects; what it leaves out stands here: several files in KUBECONFIG, paths beside each
file, and credential plugins of all versions (it knows neither `v1` nor certificates from plugins).
Nothing of a credential reaches a message.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
import yaml

from zerofloor.errors import InputError
from zerofloor.extras import lacking
from zerofloor.structs import Value

DEFAULT: Final = "~/.kube/config"
PLUGIN_SECONDS: Final = 60
"""How long a credential plugin may take."""

_PLUGINS: Final = (
    "aws aws-iam-authenticator civo doctl gke-gcloud-auth-plugin kubelogin linode-cli oci scw tsh"
)
KNOWN_PLUGINS: Final = frozenset(_PLUGINS.split())
"""Plugins that a stack's own kubeconfig may run: a state is data, and data names no other
program."""


class Access(Value, frozen=True, kw_only=True):
    """One cluster and how to reach it."""

    context: str
    server: str
    config: Any
    """lightkube's SingleConfig."""
    proxy: str | None
    source: str
    """The file it stands in, or the stack."""
    label: str = ""
    """Its name for people, where its context names several clusters."""

    @property
    def name(self) -> str:
        return self.label or self.context


class _Named(msgspec.Struct):
    """An element of a kubeconfig's lists."""

    name: str
    cluster: dict[str, Any] | None = None
    user: dict[str, Any] | None = None
    context: dict[str, Any] | None = None


class _Document(msgspec.Struct):
    clusters: list[_Named] | None = None
    users: list[_Named] | None = None
    contexts: list[_Named] | None = None
    current_context: str | None = msgspec.field(name="current-context", default=None)


class _Merged(Value, frozen=True):
    """Several kubeconfigs as one: the first that names something decides it."""

    source: str
    clusters: Mapping[str, tuple[dict[str, Any], Path | None]]
    users: Mapping[str, tuple[dict[str, Any], Path | None]]
    contexts: Mapping[str, dict[str, Any]]
    current: str


def open_access(file: Path | None, context: str | None) -> Access:
    """The cluster of a context (default: the current one) of a kubeconfig (default: KUBECONFIG,
    else ~/.kube/config). Raises InputError."""
    merged = _merge_files(_files(file))
    return _choose(merged, context, plugins=None)


def access_of_stack(text: str, context: str | None, source: str) -> Access:
    """The cluster of a kubeconfig that a stack's provider has: its text, or a path.

    Raises InputError, also where it would run a program that is no well-known plugin.
    """
    if _is_file(text):
        return open_access(Path(text), context)
    merged = _merge([(source, None, _decode(source, text))])
    return _choose(merged, context, plugins=KNOWN_PLUGINS)


def _is_file(text: str) -> bool:
    try:
        return "\n" not in text and Path(text).is_file()
    except (OSError, ValueError):  # too long, or a NUL in it
        return False


def _files(file: Path | None) -> list[Path]:
    if file is not None:
        return [file]
    listed = [name for name in os.environ.get("KUBECONFIG", "").split(os.pathsep) if name]
    there = [Path(name) for name in listed if Path(name).exists()]
    if listed and not there:
        raise InputError(f"KUBECONFIG: {listed[0]} can't be read: no such file")
    return there or [Path(DEFAULT).expanduser()]


def _merge_files(files: Sequence[Path]) -> _Merged:
    documents = []
    for path in files:
        try:
            text = path.read_text(encoding="utf-8")
        except OSError as error:
            raise InputError(f"{path}: can't be read: {error.strerror or error}") from None
        except ValueError:
            raise InputError(f"{path}: not a kubeconfig: it isn't UTF-8 text") from None
        documents.append((str(path), path.absolute().parent, _decode(str(path), text)))
    return _merge(documents)


def _decode(source: str, text: str) -> _Document:
    """Raises InputError without any of the text: it may be a credential."""
    try:
        given = yaml.safe_load(text)
        return msgspec.convert({} if given is None else given, _Document)
    except yaml.MarkedYAMLError as error:
        line = "" if error.problem_mark is None else f" (line {error.problem_mark.line + 1})"
        raise InputError(f"{source}: not a kubeconfig: not YAML{line}") from None
    except (yaml.YAMLError, RecursionError):
        raise InputError(f"{source}: not a kubeconfig: not YAML") from None
    except msgspec.ValidationError as error:
        told = str(error).replace("`", "")
        raise InputError(f"{source}: not a kubeconfig: {told}") from None


def _merge(documents: Sequence[tuple[str, Path | None, _Document]]) -> _Merged:
    clusters: dict[str, tuple[dict[str, Any], Path | None]] = {}
    users: dict[str, tuple[dict[str, Any], Path | None]] = {}
    contexts: dict[str, dict[str, Any]] = {}
    for _, folder, document in documents:
        for one in document.clusters or ():
            clusters.setdefault(one.name, (one.cluster or {}, folder))
        for one in document.users or ():
            users.setdefault(one.name, (one.user or {}, folder))
        for one in document.contexts or ():
            contexts.setdefault(one.name, one.context or {})
    current = next((one.current_context for _, _, one in documents if one.current_context), "")
    return _Merged(documents[0][0], clusters, users, contexts, current)


def _choose(merged: _Merged, wanted: str | None, *, plugins: frozenset[str] | None) -> Access:
    name = wanted or merged.current
    if not name:
        raise InputError(f"{merged.source}: it has no current context: name one with --context")
    context = merged.contexts.get(name)
    if context is None:
        known = ", ".join(sorted(merged.contexts)[:5]) or "none"
        raise InputError(f"{merged.source}: no context {name!r}; it has: {known}")
    cluster, folder = merged.clusters.get(str(context.get("cluster")), (None, None))
    if cluster is None or not _is_address(cluster.get("server")):
        raise InputError(f"{merged.source}: context {name}: its cluster has no server (https://…)")
    user, beside = merged.users.get(str(context.get("user")), ({}, None))
    if context.get("user") and str(context["user"]) not in merged.users:
        raise InputError(f"{merged.source}: context {name}: its user isn't there")
    if cluster.get("tls-server-name"):
        told = "tls-server-name isn't supported"
        raise InputError(f"{merged.source}: context {name}: {told}")
    where = f"{merged.source}: context {name}"
    return Access(
        context=name,
        server=re.sub(r"//[^/@]*@", "//", cluster["server"]),  # without user and password
        config=_config(where, name, cluster, folder, _credentials(where, user, beside, plugins)),
        proxy=cluster.get("proxy-url"),
        source=merged.source,
    )


def _is_address(server: Any) -> bool:
    try:
        parts = urlsplit(server) if isinstance(server, str) else None
    except ValueError:
        return False
    return parts is not None and parts.scheme in ("http", "https") and bool(parts.hostname)


def _config(
    where: str, name: str, cluster: dict[str, Any], folder: Path | None, user: dict[str, Any]
) -> Any:
    try:
        from lightkube.config.kubeconfig import KubeConfig
        from lightkube.config.models import Cluster, Context, User
    except ModuleNotFoundError:
        raise lacking("reading clusters", "lightkube", "kubernetes") from None
    authority = _beside(cluster.get("certificate-authority"), folder)
    known = dict(cluster)
    if authority is not None:
        known["certificate-authority"] = authority
    for given, keys in ((known, _CLUSTER_DATA), (user, _USER_DATA)):
        for key in keys:
            _check_base64(where, key, given.get(key))
    try:
        return KubeConfig(
            clusters={name: msgspec.convert(known, Cluster)},
            contexts={name: Context(cluster=name, user=name)},
            users={name: msgspec.convert(user, User)},
        ).get(name)
    except msgspec.ValidationError as error:
        raise InputError(f"{where}: {str(error).replace('`', '')}") from None


_CLUSTER_DATA: Final = ("certificate-authority-data",)
_USER_DATA: Final = ("client-certificate-data", "client-key-data")


def _check_base64(where: str, key: str, value: Any) -> None:
    if value is None:
        return
    try:
        base64.b64decode(value, validate=True)
    except (binascii.Error, TypeError, ValueError):
        raise InputError(f"{where}: {key} isn't base64") from None


def _beside(name: Any, folder: Path | None) -> str | None:
    """A path of a kubeconfig: relative ones stand beside it."""
    if not isinstance(name, str) or not name:
        return None
    return str(folder / name) if folder is not None else name


def _credentials(
    where: str, user: dict[str, Any], folder: Path | None, plugins: frozenset[str] | None
) -> dict[str, Any]:
    """A user's token or certificate; one of a plugin's is fetched."""
    known = {key: user[key] for key in _PLAIN if user.get(key)}
    for key in ("client-certificate", "client-key", "tokenFile"):
        path = _beside(user.get(key), folder)
        if path is not None:
            known[key] = path
    if "token" in known or "tokenFile" in known or not user.get("exec"):
        if user.get("auth-provider") and not known:
            raise InputError(f"{where}: auth-provider isn't supported: use a credential plugin")
        return known
    return {**known, **_run_plugin(where, user["exec"], folder, plugins)}


_PLAIN: Final = ("token", "username", "password", "client-certificate-data", "client-key-data")


class _Variable(msgspec.Struct):
    name: str
    value: str


class _Plugin(msgspec.Struct):
    command: str
    api_version: str = msgspec.field(name="apiVersion")
    args: list[str] | None = None
    env: list[_Variable] | None = None


class _Status(msgspec.Struct, rename="camel"):
    token: str | None = None
    client_certificate_data: str | None = None
    client_key_data: str | None = None


class _Credential(msgspec.Struct):
    status: _Status


def _run_plugin(
    where: str, given: Any, folder: Path | None, allowed: frozenset[str] | None
) -> dict[str, Any]:
    """What a credential plugin answers (client.authentication.k8s.io, any version)."""
    try:
        plugin = msgspec.convert(given, _Plugin)
    except msgspec.ValidationError:
        raise InputError(f"{where}: exec has no command and apiVersion") from None
    if allowed is not None and plugin.command not in allowed:
        told = f"a stack's kubeconfig may not run {plugin.command!r}: give --kubeconfig"
        raise InputError(f"{where}: {told}")
    command = plugin.command
    if "/" in command and folder is not None:
        command = str(folder / command)
    asked = {"apiVersion": plugin.api_version, "kind": "ExecCredential"}
    environ = {
        **os.environ,
        "KUBERNETES_EXEC_INFO": json.dumps({**asked, "spec": {"interactive": False}}),
        **{one.name: one.value for one in plugin.env or ()},
    }
    try:
        ran = subprocess.run(
            [command, *(plugin.args or ())],
            env=environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PLUGIN_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise InputError(
            f"{where}: {plugin.command} gave no answer in {PLUGIN_SECONDS} s"
        ) from None
    except OSError as error:
        raise InputError(f"{where}: {plugin.command}: {error.strerror or error}") from None
    if ran.returncode:
        told = _harmless(ran.stderr)
        raise InputError(f"{where}: {plugin.command} failed with exit {ran.returncode}{told}")
    try:
        status = msgspec.json.decode(ran.stdout, type=_Credential).status
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise InputError(f"{where}: {plugin.command} answered with no ExecCredential") from None
    if status.token:
        return {"token": status.token}
    if status.client_certificate_data and status.client_key_data:
        pair = (status.client_certificate_data, status.client_key_data)
        certificate, key = (base64.b64encode(one.encode()).decode() for one in pair)
        return {"client-certificate-data": certificate, "client-key-data": key}
    raise InputError(f"{where}: {plugin.command} answered with neither token nor certificate")


def _harmless(stderr: bytes) -> str:
    """The last line that a plugin said, without what might be a credential."""
    lines = stderr.decode(errors="replace").strip().splitlines()
    if not lines:
        return ""
    return ": " + re.sub(r"[\w+/=.~-]{24,}", "…", lines[-1])[:120]
