"""The Pulumi provider `fireworks`, as an executable plugin: `pulumi-resource-fireworks`."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, NamedTuple, NoReturn

import grpc
from google.protobuf import any_pb2, empty_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc, status_pb2

from zerofloor import __version__
from zerofloor.fireworks import wire
from zerofloor.fireworks.api import BASE, Api, ApiError
from zerofloor.fireworks.checks import find_problems
from zerofloor.fireworks.deployment import (
    DEFAULT_TIMEOUT_SECONDS,
    body_of,
    changed,
    create_or_find,
    id_of,
    inputs_from,
    make_id,
    outputs_of,
    wait_until_gone,
    wait_until_ready,
)
from zerofloor.fireworks.fields import FIELDS
from zerofloor.fireworks.schema import ACCELERATORS, GET, LIST, schema

SECRETS: Final = frozenset(name for name, field in FIELDS.items() if field.secret)

ACCELERATOR_TYPES: Final = (
    "NVIDIA_A100_80GB",
    "NVIDIA_H100_80GB",
    "AMD_MI300X_192GB",
    "NVIDIA_A10G_24GB",
    "NVIDIA_A100_40GB",
    "NVIDIA_L4_24GB",
    "NVIDIA_H200_141GB",
    "NVIDIA_B200_180GB",
    "AMD_MI325X_256GB",
    "AMD_MI350X_288GB",
    "NVIDIA_B300_288GB",
    "NVIDIA_GB200",
    "NVIDIA_GB300",
)
"""Gateway REST API 5.10; the list grows, so others are accepted."""


class _Status(NamedTuple):
    """What `abort_with_status` takes."""

    code: grpc.StatusCode
    details: str
    trailing_metadata: tuple[tuple[str, bytes], ...]


class Provider(provider_pb2_grpc.ResourceProviderServicer):
    """Answers the engine's calls for Fireworks deployments."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._api: Api | None = None

    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        return plugin_pb2.PluginInfo(version=__version__)

    def GetSchema(self, request: Any, context: Any) -> Any:
        return provider_pb2.GetSchemaResponse(schema=schema(__version__))

    def Attach(self, request: Any, context: Any) -> Any:
        return empty_pb2.Empty()

    def Cancel(self, request: Any, context: Any) -> Any:
        return empty_pb2.Empty()

    def CheckConfig(self, request: Any, context: Any) -> Any:
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: Any, context: Any) -> Any:
        return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE)

    def Configure(self, request: Any, context: Any) -> Any:
        given = {name.rpartition(":")[2]: value for name, value in request.variables.items()}
        key = given.get("apiKey") or self._environ.get("FIREWORKS_API_KEY", "")
        account = given.get("accountId") or self._environ.get("FIREWORKS_ACCOUNT_ID", "")
        base = given.get("baseUrl") or self._environ.get("FIREWORKS_BASE_URL") or BASE
        if key and account and not wire.UNKNOWNS & {key, account}:
            self._api = Api(account, key, base=base)
        return provider_pb2.ConfigureResponse(
            acceptSecrets=True, supportsPreview=True, acceptResources=False, acceptOutputs=False
        )

    def Check(self, request: Any, context: Any) -> Any:
        inputs = {k: v for k, v in wire.read(request.news).items() if not k.startswith("__")}
        failures = [
            provider_pb2.CheckFailure(property=problem.property, reason=problem.reason)
            for problem in find_problems(inputs)
        ]
        if inputs.get("deploymentId") is None:
            before = wire.read(request.olds).get("deploymentId")
            inputs["deploymentId"] = before or make_id(request.urn)
        secrets = SECRETS | wire.secret_names(request.news)
        return provider_pb2.CheckResponse(inputs=wire.write(inputs, secrets), failures=failures)

    def Diff(self, request: Any, context: Any) -> Any:
        old, new = wire.read(request.old_inputs), wire.read(request.news)
        names = changed(old, new, request.ignoreChanges)
        replaces = [name for name in names if FIELDS[name].replaces]
        some, none = provider_pb2.DiffResponse.DIFF_SOME, provider_pb2.DiffResponse.DIFF_NONE
        return provider_pb2.DiffResponse(
            changes=some if names else none,
            diffs=names,
            replaces=replaces,
            # Two deployments of one ID can't be there at a time.
            deleteBeforeReplace=bool(replaces),
            hasDetailedDiff=True,
            detailedDiff={name: _detail(name, old, new) for name in names},
        )

    def Create(self, request: Any, context: Any) -> Any:
        inputs = wire.read(request.properties)
        secrets = SECRETS | wire.secret_names(request.properties)
        deployment_id = inputs["deploymentId"]
        if request.preview:
            return provider_pb2.CreateResponse(
                properties=wire.write(self._foresee(deployment_id, inputs, context), secrets)
            )
        api = self._ready(context)
        try:
            answer = create_or_find(api, deployment_id, inputs)
        except ApiError as error:
            _abort(context, str(error))
        name = str(answer.get("name") or f"accounts/{api.account}/deployments/{deployment_id}")
        if inputs.get("waitForReady", bool(inputs.get("minReplicaCount"))):
            seconds = request.timeout or DEFAULT_TIMEOUT_SECONDS
            try:
                answer = wait_until_ready(api, deployment_id, seconds, _tell)
            except ApiError as error:
                # It exists and may bill: the engine must know it.
                state = wire.write(outputs_of(answer, inputs), secrets)
                _abort_with_state(context, name, state, request.properties, str(error))
        return provider_pb2.CreateResponse(
            id=name, properties=wire.write(outputs_of(answer, inputs), secrets)
        )

    def _foresee(self, deployment_id: str, inputs: dict[str, Any], context: Any) -> dict[str, Any]:
        """The state that a creation would give, by the API itself where it can be asked."""
        if self._api is None or wire.has_unknown(inputs):
            return inputs
        try:
            answer = self._api.create(deployment_id, body_of(inputs), validate_only=True)
        except ApiError as error:
            if error.code == "ALREADY_EXISTS":
                return inputs
            _abort(context, str(error))
        counted = answer.get("acceleratorCount")
        return {**inputs, **({"acceleratorCount": counted} if counted else {})}

    def Read(self, request: Any, context: Any) -> Any:
        api = self._ready(context)
        try:
            answer = api.get(id_of(request.id))
        except ApiError as error:
            _abort(context, str(error))
        if answer is None:
            return provider_pb2.ReadResponse()
        declared = wire.read(request.inputs)
        inputs = inputs_from(answer, declared)
        inputs.setdefault("deploymentId", id_of(request.id))
        secrets = SECRETS | wire.secret_names(request.inputs)
        return provider_pb2.ReadResponse(
            id=str(answer.get("name") or request.id),
            inputs=wire.write(inputs, secrets),
            properties=wire.write(outputs_of(answer, inputs), secrets),
        )

    def Update(self, request: Any, context: Any) -> Any:
        old, new = wire.read(request.old_inputs), wire.read(request.news)
        secrets = SECRETS | wire.secret_names(request.news)
        if request.preview:
            return provider_pb2.UpdateResponse(properties=wire.write(new, secrets))
        api = self._ready(context)
        names = [n for n in changed(old, new, request.ignoreChanges) if FIELDS[n].sent]
        try:
            if names:
                answer = api.update(id_of(request.id), body_of(new), names)
            else:
                answer = api.get(id_of(request.id)) or {}
        except ApiError as error:
            _abort(context, str(error))
        return provider_pb2.UpdateResponse(properties=wire.write(outputs_of(answer, new), secrets))

    def Delete(self, request: Any, context: Any) -> Any:
        api = self._ready(context)
        state = wire.read(request.properties)
        try:
            api.delete(id_of(request.id), ignore_checks=state.get("deleteInUse") is True)
            wait_until_gone(api, id_of(request.id))
        except ApiError as error:
            hint = ""
            if error.code == "FAILED_PRECONDITION":
                hint = " Set deleteInUse to true and update first, or wait an hour."
            _abort(context, f"{error}{hint}")
        return empty_pb2.Empty()

    def Invoke(self, request: Any, context: Any) -> Any:
        arguments = wire.read(request.args)
        if request.tok == ACCELERATORS:
            values: dict[str, Any] = {"accelerators": list(ACCELERATOR_TYPES)}
            return provider_pb2.InvokeResponse(**{"return": wire.write(values)})
        api = self._ready(context)
        try:
            if request.tok == GET:
                values = {"deployment": api.get(str(arguments.get("deploymentId", ""))) or {}}
            elif request.tok == LIST:
                values = {"deployments": list(api.deployments())}
            else:
                _abort(context, f"{request.tok} is not a function of this provider.")
        except ApiError as error:
            _abort(context, str(error))
        hidden = {"deployment": _without_keys, "deployments": _without_keys}
        safe = {name: hidden[name](value) for name, value in values.items()}
        return provider_pb2.InvokeResponse(**{"return": wire.write(safe)})

    def _ready(self, context: Any) -> Api:
        if self._api is None:
            _abort(
                context,
                "No key or account: set fireworks:apiKey (pulumi config set --secret) and "
                "fireworks:accountId, or FIREWORKS_API_KEY and FIREWORKS_ACCOUNT_ID.",
            )
        return self._api


def _without_keys(value: Any) -> Any:
    """What the API gives, without secrets."""
    if isinstance(value, list):
        return [_without_keys(item) for item in value]
    if isinstance(value, Mapping):
        return {name: _without_keys(part) for name, part in value.items() if name not in SECRETS}
    return value


def _detail(name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Any:
    kinds = provider_pb2.PropertyDiff
    replaced = FIELDS[name].replaces
    if name not in old:
        kind = kinds.ADD_REPLACE if replaced else kinds.ADD
    elif name not in new:
        kind = kinds.DELETE_REPLACE if replaced else kinds.DELETE
    else:
        kind = kinds.UPDATE_REPLACE if replaced else kinds.UPDATE
    return provider_pb2.PropertyDiff(kind=kind, inputDiff=True)


def _abort(context: Any, message: str) -> NoReturn:
    context.abort(grpc.StatusCode.UNKNOWN, message)
    raise AssertionError("abort raises")


def _abort_with_state(context: Any, id_: str, state: Any, inputs: Any, message: str) -> NoReturn:
    """Fails a creation and gives the engine what exists all the same: it can be destroyed."""
    failed = provider_pb2.ErrorResourceInitFailed(
        id=id_, properties=state, reasons=[message], inputs=inputs
    )
    detail = any_pb2.Any()
    detail.Pack(failed)
    status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=message)
    status.details.append(detail)
    metadata = (("grpc-status-details-bin", status.SerializeToString()),)
    context.abort_with_status(_Status(grpc.StatusCode.UNKNOWN, message, metadata))
    raise AssertionError("abort raises")


def _tell(message: str) -> None:
    """A line of progress: the engine shows what a plugin writes to stderr."""
    sys.stderr.write(f"{message}\n")
    sys.stderr.flush()


def serve(make: Callable[[], Provider]) -> None:
    """Serves until the engine ends the process; prints the port first, as the engine expects."""
    server = grpc.server(ThreadPoolExecutor(max_workers=16))
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(make(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    server.wait_for_termination()


def main() -> None:
    """`pulumi-resource-fireworks`."""
    try:
        serve(lambda: Provider(os.environ))
    except KeyboardInterrupt:
        sys.exit(130)
