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
from zerofloor.fireworks import deployed_model, deployment, wire
from zerofloor.fireworks.api import BASE, Api, ApiError
from zerofloor.fireworks.fields import DEPLOYMENT, Field
from zerofloor.fireworks.managed import DEFAULT_TIMEOUT_SECONDS, Managed, NotReadyError
from zerofloor.fireworks.schema import ACCELERATORS, GET, LIST, MODEL_TOKEN, TOKEN, schema

RESOURCES: Final[Mapping[str, Managed]] = {TOKEN: deployment, MODEL_TOKEN: deployed_model}

SECRETS: Final = frozenset(name for name, field in DEPLOYMENT.items() if field.secret)

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
        resource = _resource(request.urn, context)
        inputs = {k: v for k, v in wire.read(request.news).items() if not k.startswith("__")}
        failures = [
            provider_pb2.CheckFailure(property=problem.property, reason=problem.reason)
            for problem in resource.find_problems(inputs)
        ]
        completed = resource.complete(inputs, wire.read(request.olds), request.urn)
        secrets = SECRETS | wire.secret_names(request.news)
        return provider_pb2.CheckResponse(inputs=wire.write(completed, secrets), failures=failures)

    def Diff(self, request: Any, context: Any) -> Any:
        resource = _resource(request.urn, context)
        old, new = wire.read(request.old_inputs), wire.read(request.news)
        names = resource.changed(old, new, request.ignoreChanges)
        replaces = [name for name in names if resource.INPUTS[name].replaces]
        some, none = provider_pb2.DiffResponse.DIFF_SOME, provider_pb2.DiffResponse.DIFF_NONE
        return provider_pb2.DiffResponse(
            changes=some if names else none,
            diffs=names,
            replaces=replaces,
            # Two deployments of one ID can't be there at a time.
            deleteBeforeReplace=bool(replaces),
            hasDetailedDiff=True,
            detailedDiff={name: _detail(resource.INPUTS[name], name, old, new) for name in names},
        )

    def Create(self, request: Any, context: Any) -> Any:
        resource = _resource(request.urn, context)
        inputs = wire.read(request.properties)
        secrets = SECRETS | wire.secret_names(request.properties)
        if request.preview:
            foreseen = self._foresee(resource, inputs, context)
            return provider_pb2.CreateResponse(properties=wire.write(foreseen, secrets))
        seconds = request.timeout or DEFAULT_TIMEOUT_SECONDS
        try:
            live = resource.create(self._ready(context), inputs, seconds, _tell)
        except ApiError as error:
            _abort(context, str(error))
        except NotReadyError as error:
            state = wire.write(error.live.outputs, secrets)
            _abort_with_state(context, error.live.id, state, request.properties, str(error))
        return provider_pb2.CreateResponse(id=live.id, properties=wire.write(live.outputs, secrets))

    def _foresee(
        self, resource: Managed, inputs: dict[str, Any], context: Any
    ) -> Mapping[str, Any]:
        """The state that a creation would give, by the API itself where it can be asked."""
        if self._api is None or wire.has_unknown(inputs):
            return inputs
        try:
            return resource.foresee(self._api, inputs)
        except ApiError as error:
            _abort(context, str(error))

    def Read(self, request: Any, context: Any) -> Any:
        resource = _resource(request.urn, context)
        try:
            read = resource.read(self._ready(context), request.id, wire.read(request.inputs))
        except ApiError as error:
            _abort(context, str(error))
        if read is None:
            return provider_pb2.ReadResponse()
        live, inputs = read
        secrets = SECRETS | wire.secret_names(request.inputs)
        return provider_pb2.ReadResponse(
            id=live.id,
            inputs=wire.write(inputs, secrets),
            properties=wire.write(live.outputs, secrets),
        )

    def Update(self, request: Any, context: Any) -> Any:
        resource = _resource(request.urn, context)
        old, new = wire.read(request.old_inputs), wire.read(request.news)
        secrets = SECRETS | wire.secret_names(request.news)
        if request.preview:
            return provider_pb2.UpdateResponse(properties=wire.write(new, secrets))
        names = resource.changed(old, new, request.ignoreChanges)
        try:
            live = resource.update(self._ready(context), request.id, new, names)
        except ApiError as error:
            _abort(context, str(error))
        return provider_pb2.UpdateResponse(properties=wire.write(live.outputs, secrets))

    def Delete(self, request: Any, context: Any) -> Any:
        resource = _resource(request.urn, context)
        try:
            resource.delete(self._ready(context), request.id, wire.read(request.properties))
        except ApiError as error:
            _abort(context, str(error))
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


def _resource(urn: str, context: Any) -> Managed:
    token = urn.split("::")[-2].rpartition("$")[2]
    if token not in RESOURCES:
        _abort(context, f"{token} is not a resource of this provider.")
    return RESOURCES[token]


def _without_keys(value: Any) -> Any:
    """What the API gives, without secrets."""
    if isinstance(value, list):
        return [_without_keys(item) for item in value]
    if isinstance(value, Mapping):
        return {name: _without_keys(part) for name, part in value.items() if name not in SECRETS}
    return value


def _detail(field: Field, name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Any:
    kinds = provider_pb2.PropertyDiff
    replaced = field.replaces
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
