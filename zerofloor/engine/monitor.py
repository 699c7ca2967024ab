"""The engine's side of the SDK's protocol, as far as a first preview needs it: takes what a program
registers, creates nothing.

Follows `pkg/resource/deploy/source_eval.go` of pulumi 3.259: URNs, provider references, transforms
and their effect on dependencies.
"""

from __future__ import annotations

import hmac
import json
import os
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import (
    alias_pb2,
    callback_pb2,
    callback_pb2_grpc,
    engine_pb2,
    engine_pb2_grpc,
    provider_pb2,
    resource_pb2,
    resource_pb2_grpc,
)

from zerofloor.documents.properties import SENTINELS, inputs_of
from zerofloor.documents.steps import position
from zerofloor.engine import kubernetes
from zerofloor.engine import properties as wire
from zerofloor.engine.child import short_token
from zerofloor.engine.invokes import Answer, Question, answer
from zerofloor.engine.rendering import kustomized, render, templated
from zerofloor.errors import InputError
from zerofloor.stack import STACK_TYPE, Resource

PROVIDER_PREFIX = "pulumi:providers:"
MESSAGE_LIMIT = 400 * 1024 * 1024
"""Bytes of one message, as in the SDK: Kubernetes CRDs are large."""

MOST_MESSAGES = 1000
LONGEST_MESSAGE = 10_000
"""What is kept of the program's log: messages, and characters of each."""

_OPTIONS = (
    ("grpc.max_receive_message_length", MESSAGE_LIMIT),
    ("grpc.max_send_message_length", MESSAGE_LIMIT),
    ("grpc.so_reuseport", 0),  # No other process may listen on the same port.
    ("grpc.enable_http_proxy", 0),
)
_FEATURES = (
    "secrets",
    "resourceReferences",
    "outputValues",
    "aliasSpecs",
    "replacementTrigger",
    "deletedWith",
    "replaceWith",
    "transforms",
    "invokeTransforms",
    "parameterization",
    "resourceHooks",
    "errorHooks",
    "stateMigrations",
)
"""What the SDK may use. Hooks and state migrations are taken and never run: nothing is created, and
there is no old state."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the monitor answers from: the project, its configuration, and what the user said
    beforehand."""

    project: str
    stack: str
    root: Path
    """The project's folder, to which source positions are relative."""
    config: Mapping[str, str]
    """The stack's visible configuration."""
    hides: Callable[[str], bool]
    """Whether an unmarked string holds a configured secret."""
    answers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Results of invokes by their short tokens."""
    exports: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Outputs of other stacks by the name that the program uses."""
    program: Path | None = None
    """The folder that the program runs in, to which its files are relative; None: the project's."""

    @property
    def folder(self) -> Path:
        return self.program or self.root


@dataclass(slots=True)
class Registered:
    """What the program has registered and said so far; the monitor's threads add to it."""

    resources: dict[str, Resource] = field(default_factory=dict)
    notes: set[str] = field(default_factory=set)
    failures: list[str] = field(default_factory=list)
    """Why the monitor refused something: the program's own exception only repeats it."""
    log: list[str] = field(default_factory=list)
    secrets: set[str] = field(default_factory=set)
    """Texts that were marked secret."""
    ended: bool = False
    """Whether the program said that it has registered all it would."""


@contextmanager
def serve(surroundings: Surroundings, token: str) -> Iterator[tuple[str, Registered]]:
    """Serves on a loopback port to whoever has the token: its address and what gets registered
    there."""
    registered = Registered()
    pool = ThreadPoolExecutor(max_workers=64)
    server = grpc.server(pool, options=_OPTIONS, interceptors=(_Token(token),))
    monitor = _Monitor(surroundings, registered)
    resource_pb2_grpc.add_ResourceMonitorServicer_to_server(monitor, server)
    engine_pb2_grpc.add_EngineServicer_to_server(_Engine(registered), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}", registered
    finally:
        server.stop(grace=None).wait()
        monitor.close()
        pool.shutdown(wait=False, cancel_futures=True)


class _Token(grpc.ServerInterceptor):  # type: ignore[misc]
    """Refuses calls without the token: other processes of this machine reach the port, too."""

    def __init__(self, token: str) -> None:
        self._token = token

    def intercept_service(self, continuation: Any, details: Any) -> Any:
        given = dict(details.invocation_metadata or ()).get("authorization", "")
        if hmac.compare_digest(str(given), self._token):
            return continuation(details)
        return grpc.unary_unary_rpc_method_handler(_refused)


def _refused(request: Any, context: Any) -> None:
    context.abort(grpc.StatusCode.UNAUTHENTICATED, "this monitor serves one program only")


class _Engine(engine_pb2_grpc.EngineServicer):
    """Takes the program's log."""

    def __init__(self, registered: Registered) -> None:
        self._registered = registered
        self._root = ""

    def Log(self, request: Any, context: Any) -> Any:
        level = ("debug", "info", "warning", "error")[min(request.severity, 3)]
        if level != "debug" and len(self._registered.log) < MOST_MESSAGES:
            self._registered.log.append(f"{level}: {request.message[:LONGEST_MESSAGE]}")
        return empty_pb2.Empty()

    def GetRootResource(self, request: Any, context: Any) -> Any:
        return engine_pb2.GetRootResourceResponse(urn=self._root)

    def SetRootResource(self, request: Any, context: Any) -> Any:
        self._root = request.urn
        return engine_pb2.SetRootResourceResponse()

    def RequirePulumiVersion(self, request: Any, context: Any) -> Any:
        return engine_pb2.RequirePulumiVersionResponse()

    def StartDebugging(self, request: Any, context: Any) -> Any:
        return empty_pb2.Empty()


@dataclass(frozen=True, slots=True)
class _Package:
    """A registered package: its version, or that of what it is parameterized to."""

    version: str
    url: str


class _Monitor(resource_pb2_grpc.ResourceMonitorServicer):
    """Answers as a preview of a stack that does not exist yet: nothing has an ID, and outputs are
    the inputs as far as they go."""

    def __init__(self, surroundings: Surroundings, registered: Registered) -> None:
        self._in = surroundings
        self._out = registered
        self._lock = threading.Lock()
        self._packages: dict[str, _Package] = {}
        self._providers: dict[str, dict[str, str]] = {}
        """By component: the provider references that its children inherit, by package."""
        self._transforms: dict[str, list[Any]] = {}
        self._stack_transforms: list[Any] = []
        self._invoke_transforms: list[Any] = []
        self._states: dict[str, tuple[str, Mapping[str, Any]]] = {}
        """By URN: ID and outputs, for references to resources."""
        self._settings: dict[str, Mapping[str, Any]] = {}
        """By URN of a provider: what it is configured with."""
        self._channels: dict[str, Any] = {}
        self._unrendered: dict[tuple[str, str], Mapping[str, Any]] = {}
        """By type and name: what a component asked to have rendered, and was not."""

    def close(self) -> None:
        for channel in self._channels.values():
            channel.close()

    # What the SDK asks about the engine.

    def SupportsFeature(self, request: Any, context: Any) -> Any:
        return resource_pb2.SupportsFeatureResponse(hasSupport=request.id in _FEATURES)

    def GetDeploymentInfo(self, request: Any, context: Any) -> Any:
        names = (
            "RESOURCE_MONITOR_FEATURE_" + re.sub(r"([A-Z])", r"_\1", feature).upper()
            for feature in _FEATURES
        )
        known = dict(resource_pb2.ResourceMonitorFeature.items())
        features = [known[name] for name in names if name in known]
        return resource_pb2.DeploymentInfo(
            project=self._in.project,
            stack=self._in.stack,
            dryRun=True,
            parallel=16,
            supportedFeatures=features,
        )

    def SignalAndWaitForShutdown(self, request: Any, context: Any) -> Any:
        self._out.ended = True
        return empty_pb2.Empty()

    def RegisterPackage(self, request: Any, context: Any) -> Any:
        replaced = request.HasField("parameterization")
        package = _Package(
            request.parameterization.version if replaced else request.version, request.download_url
        )
        with self._lock:
            ref = f"{request.name}-{len(self._packages)}"
            self._packages[ref] = package
        return resource_pb2.RegisterPackageResponse(ref=ref)

    def RegisterResourceHook(self, request: Any, context: Any) -> Any:
        return empty_pb2.Empty()

    def RegisterErrorHook(self, request: Any, context: Any) -> Any:
        return empty_pb2.Empty()

    def RegisterResourceOutputs(self, request: Any, context: Any) -> Any:
        self._note_secrets(wire.plain(request.outputs))
        return empty_pb2.Empty()

    def RegisterStackTransform(self, request: Any, context: Any) -> Any:
        with self._lock:
            self._stack_transforms.append(request)
        return empty_pb2.Empty()

    def RegisterStackInvokeTransform(self, request: Any, context: Any) -> Any:
        with self._lock:
            self._invoke_transforms.append(request)
        return empty_pb2.Empty()

    # Resources.

    def RegisterResource(self, request: Any, context: Any) -> Any:
        urn = self._urn(request.parent, request.type, request.name)
        self._claim(urn, context)
        props, links, options = self._declared(request, context)
        self._note_secrets(props)
        is_provider = request.type.startswith(PROVIDER_PREFIX)
        if is_provider:
            props |= self._provider_settings(request, options)
        provider = None
        if request.custom and not request.remote and not is_provider:
            provider = options.provider or self._default_provider(
                request, options.version, options.plugin_download_url
            )
            props = self._checked(urn, request, props, provider)
        resource = Resource(
            urn=urn,
            type=request.type,
            name=request.name,
            inputs=self._inputs(urn, request.type, props, context),
            parent=request.parent or None,
            op="import" if getattr(options, "import") else "create",
            provider=provider,
            property_dependencies={key: tuple(sorted(urns)) for key, urns in sorted(links.items())},
            ignore_changes=tuple(options.ignore_changes),
            source_position=self._position(request),
            custom=request.custom and not request.remote,
        )
        rendered: tuple[Resource, ...] = ()
        if request.remote:
            by = options.provider or self._default_provider(
                request, options.version, options.plugin_download_url
            )
            resource, rendered = self._remote(resource, by, context)
        outputs = (
            self._outputs(request.type, props, options.additional_secret_outputs)
            if resource.custom
            else {}
        )
        known = getattr(options, "import")
        with self._lock:
            self._record(request, resource, options)
            self._out.resources |= {child.urn: child for child in rendered}
            self._states[urn] = (known, outputs)
            if is_provider:
                self._settings[urn] = props
        return resource_pb2.RegisterResourceResponse(urn=urn, id=known, object=wire.struct(outputs))

    def _declared(
        self, request: Any, context: Any
    ) -> tuple[dict[str, Any], dict[str, set[str]], Any]:
        """What a request declares once its transforms have run: the inputs, the URNs that each was
        computed from, and the options."""
        props = wire.as_outputs(self._given(request))
        links = {key: set(value.urns) for key, value in request.propertyDependencies.items()}
        if not links and not request.remote:
            links = {key: set(request.dependencies) for key in props}
        if request.transforms:
            props = {
                key: wire.with_dependencies(value, links.get(key, ()))
                for key, value in props.items()
            }
            links = {}  # Its values carry them, as a transform leaves them.
        props, options = self._transformed(request, props, self._options(request), context)
        for key, value in props.items():
            links.setdefault(key, set()).update(wire.dependencies(value))
        return wire.as_inputs(props), links, options

    def _record(self, request: Any, resource: Resource, options: Any) -> None:
        """Keep a resource, with what its children inherit; the caller has the lock."""
        unrendered = self._unrendered.get((request.type, request.name))
        if not resource.inputs and unrendered is not None:
            resource = replace(resource, inputs=unrendered)
        self._out.resources[resource.urn] = resource
        self._transforms[resource.urn] = list(request.transforms)
        if not resource.custom:
            inherited = {} if request.custom else self._providers.get(request.parent, {})
            self._providers[resource.urn] = {**inherited, **options.providers}

    def _remote(
        self, component: Resource, provider: str, context: Any
    ) -> tuple[Resource, tuple[Resource, ...]]:
        """A component of another package, with what it renders if that is known here."""
        try:
            found = render(component.type, component.inputs, component.name, self._in.folder)
        except InputError as error:
            self._refuse(f"{component.type} {component.name}: {error}", context)
            raise
        if found is None or found.why_not:
            self._note(
                f"{component.urn} is a component of another package: what it creates is not known "
                f"here{': ' if found else ''}{found.why_not if found else ''}"
            )
            return replace(component, remote=True), ()
        return component, tuple(self._child(component, obj, provider) for obj in found.objects)

    def _child(self, component: Resource, obj: Resource, provider: str) -> Resource:
        """An object that a component renders, named and placed as the provider does it."""
        namespace = kubernetes.default_namespace(self._settings_of(provider)) or "default"
        inputs, called = kubernetes.placed(obj.type, obj.inputs, namespace)
        prefix = component.inputs.get("resourcePrefix")
        name = f"{prefix if isinstance(prefix, str) else component.name}:{called or obj.name}"
        return replace(
            obj,
            urn=self._urn(component.urn, obj.type, name),
            name=name,
            inputs=inputs,
            parent=component.urn,
            provider=provider,
            property_dependencies=dict.fromkeys(sorted(inputs), ()),
            source_position=component.source_position,
        )

    def _settings_of(self, provider: str) -> Mapping[str, Any]:
        """What a Kubernetes provider is configured with; the default one by the stack."""
        keys = ("namespace", "kubeconfig", "context")
        default = {key: self._in.config.get(f"kubernetes:{key}") for key in keys}
        with self._lock:
            return self._settings.get(provider.rpartition("::")[0], default)

    def ReadResource(self, request: Any, context: Any) -> Any:
        urn = self._urn(request.parent, request.type, request.name)
        self._claim(urn, context)
        props = wire.plain(request.properties)
        self._note_secrets(props)
        provider = request.provider or self._default_provider(
            request, request.version, request.pluginDownloadURL
        )
        resource = Resource(
            urn=urn,
            type=request.type,
            name=request.name,
            inputs=self._inputs(urn, request.type, props, context),
            parent=request.parent or None,
            op="read",
            provider=provider,
            property_dependencies={},
            source_position=self._position(request),
        )
        outputs: Mapping[str, Any] = props
        if request.type == "pulumi:pulumi:StackReference":
            outputs = self._exported(request.id)
        known = "" if request.id in SENTINELS else request.id
        with self._lock:
            self._out.resources[urn] = resource
            self._states[urn] = (known, outputs)
        response = resource_pb2.ReadResourceResponse(urn=urn, properties=wire.struct(outputs))
        if "id" in response.DESCRIPTOR.fields_by_name:
            response.id = known
        return response

    def ExistsResource(self, request: Any, context: Any) -> Any:
        return resource_pb2.ExistsResourceResponse(unknown=True)

    def _urn(self, parent: str, kind: str, name: str) -> str:
        above = parent.split("::", 3)[2] if parent.count("::") >= 3 else STACK_TYPE
        qualified = kind if above == STACK_TYPE else f"{above}${kind}"
        return f"urn:pulumi:{self._in.stack}::{self._in.project}::{qualified}::{name}"

    def _claim(self, urn: str, context: Any) -> None:
        """A URN is given once."""
        with self._lock:
            taken = urn in self._states
            self._states.setdefault(urn, ("", {}))
        if taken:
            self._refuse(f"Duplicate resource URN '{urn}'; try giving it a unique name", context)

    def _refuse(self, why: str, context: Any) -> None:
        with self._lock:
            self._out.failures.append(why)
        context.abort(grpc.StatusCode.INVALID_ARGUMENT, why)

    def _given(self, request: Any) -> dict[str, Any]:
        """The inputs, without what a Kubernetes provider takes from the KUBECONFIG that the child
        gets instead of the user's."""
        props = wire.plain(request.object)
        if request.type == f"{PROVIDER_PREFIX}kubernetes" and props.get("kubeconfig") == os.devnull:
            del props["kubeconfig"]
            del request.propertyDependencies["kubeconfig"]
        return props

    def _note_secrets(self, props: Any) -> None:
        texts = set(wire.secret_texts(props))
        with self._lock:
            self._out.secrets |= texts

    def _inputs(
        self, urn: str, kind: str, props: Mapping[str, Any], context: Any
    ) -> Mapping[str, Any]:
        try:
            return inputs_of(kind, wire.concealed(props, self._in.hides))
        except RecursionError:
            self._refuse(f"the inputs of {urn} are nested too deeply", context)
            raise

    def _checked(
        self, urn: str, request: Any, props: dict[str, Any], provider: str
    ) -> dict[str, Any]:
        """The inputs as the provider's check returns them, for packages whose check we know."""
        if not request.type.startswith("kubernetes:") or "pulumi:autonaming" in self._in.config:
            return props
        settings = self._settings_of(provider)
        if kubernetes.has_unknown(settings):
            return props
        namespace = kubernetes.default_namespace(settings)
        props = kubernetes.checked(
            request.type, props, name=request.name, urn=urn, namespace=namespace
        )
        self._note_secrets(props)
        return props

    def _outputs(self, kind: str, props: Mapping[str, Any], secret: Any) -> dict[str, Any]:
        """What a provider's preview returns: the inputs; what it computes is missing, and so
        unknown to the SDK."""
        outputs = {key: value for key, value in props.items() if not key.startswith("__")}
        metadata = outputs.get("metadata")
        if kind.startswith("kubernetes:") and (
            metadata is None or (isinstance(metadata, dict) and not metadata.get("name"))
        ):
            outputs["metadata"] = {
                **(metadata or {}),
                "name": wire.UNKNOWN_STRING,
            }  # The Kubernetes provider makes up a name.
        return {
            key: wire.secret(value) if key in secret else value for key, value in outputs.items()
        }

    def _exported(self, stack: str) -> Mapping[str, Any]:
        known = self._in.exports.get(stack)
        if known is None:
            self._note(f"the outputs of the stack {stack} are not known here")
            return {"name": stack}
        self._note(f"the outputs of the stack {stack} are those of the exports file")
        return {"name": stack, "outputs": dict(known), "secretOutputNames": []}

    def _note(self, note: str) -> None:
        with self._lock:
            self._out.notes.add(note)

    def _position(self, request: Any) -> str | None:
        path = Path(unquote(urlparse(request.sourcePosition.uri).path))
        if not path.is_relative_to(self._in.root) or not request.sourcePosition.line:
            return None
        return position(path.relative_to(self._in.root).as_posix(), request.sourcePosition.line)

    # Providers.

    def _options(self, request: Any) -> Any:
        """The request's options in the form that transforms get."""
        options = resource_pb2.TransformResourceOptions(
            depends_on=request.dependencies,
            ignore_changes=request.ignoreChanges,
            replace_on_changes=request.replaceOnChanges,
            version=request.version,
            aliases=[*(_alias(urn) for urn in request.aliasURNs), *request.aliases],
            provider=self._provider_for(request),
            providers=request.providers,
            plugin_download_url=request.pluginDownloadURL,
            deleted_with=request.deletedWith,
            additional_secret_outputs=request.additionalSecretOutputs,
        )
        setattr(options, "import", request.importId)
        if request.HasField("customTimeouts"):
            options.custom_timeouts.CopyFrom(request.customTimeouts)
        for theirs, ours in (("protect", "protect"), ("retainOnDelete", "retain_on_delete")):
            if request.HasField(theirs):
                setattr(options, ours, getattr(request, theirs))
        if request.deleteBeforeReplaceDefined or request.deleteBeforeReplace:
            options.delete_before_replace = request.deleteBeforeReplace
        if "hooks" in options.DESCRIPTOR.fields_by_name and request.HasField("hooks"):
            options.hooks.CopyFrom(request.hooks)
        return options

    def _provider_for(self, request: Any) -> str:
        """The provider that is named, or inherited from a parent; empty for the package's
        default."""
        if request.provider or not (request.custom or request.remote):
            return str(request.provider)
        package = request.type.split(":")[0]
        with self._lock:
            above = self._out.resources.get(request.parent)
            if (
                above
                and above.provider
                and above.provider.split("::")[2].removeprefix(PROVIDER_PREFIX) == package
            ):
                return above.provider
            return str(
                request.providers.get(package)
                or self._providers.get(request.parent, {}).get(package, "")
            )

    def _default_provider(self, request: Any, version: str, url: str) -> str:
        package = request.type.split(":")[0]
        if registered := self._packages.get(request.packageRef):
            version, url = registered.version, registered.url
        name = "default"
        if version:
            name += "_" + re.sub(r"[.+-]", "_", version)
        if url:
            name += "_" + "/".join(
                re.sub(r"[^A-Za-z0-9._-]", "_", part) for part in url.rstrip("/").split("/") if part
            )
        return f"{self._urn('', PROVIDER_PREFIX + package, name)}::{wire.UNKNOWN_STRING}"

    def _provider_settings(self, request: Any, options: Any) -> dict[str, Any]:
        """What the engine adds to a provider's inputs."""
        package = self._packages.get(request.packageRef)
        version = package.version if package else options.version
        url = package.url if package else options.plugin_download_url
        internal = {"pluginDownloadURL": url} if url else {}
        added: dict[str, Any] = {"__internal": internal} if version or url else {}
        return {**added, "version": version} if version else added

    # Transforms.

    def _transformed(
        self, request: Any, props: dict[str, Any], options: Any, context: Any
    ) -> tuple[dict[str, Any], Any]:
        """The resource's own transforms, then its ancestors', then the stack's."""
        with self._lock:
            transforms = list(request.transforms)
            above = self._out.resources.get(request.parent)
            while above is not None:
                transforms += self._transforms.get(above.urn, [])
                above = self._out.resources.get(above.parent or "")
            transforms += self._stack_transforms
        for callback in transforms:
            asked = resource_pb2.TransformRequest(
                type=request.type,
                name=request.name,
                custom=request.custom,
                parent=request.parent,
                properties=wire.struct(props),
                options=options,
            )
            response = self._call_back(
                callback,
                asked,
                resource_pb2.TransformResponse,
                f"the transform of {request.name}",
                context,
            )
            if response.HasField("properties"):
                props = wire.plain(response.properties)
            if response.HasField("options"):
                options = response.options
        return props, options

    def _call_back(self, callback: Any, request: Any, answers: Any, what: str, context: Any) -> Any:
        with self._lock:
            channel = self._channels.get(callback.target)
            if channel is None:
                channel = self._channels[callback.target] = grpc.insecure_channel(
                    callback.target, options=_OPTIONS
                )
        try:
            asked = callback_pb2.CallbackInvokeRequest(
                token=callback.token, request=request.SerializeToString()
            )
            return answers.FromString(
                callback_pb2_grpc.CallbacksStub(channel).Invoke(asked).response
            )
        except grpc.RpcError as error:
            said = str(error.details()).partition(" error: ")[2] or str(error.details())
            self._refuse(f"{what} fails: {said.partition(chr(10))[0].rstrip(':')}", context)
            raise AssertionError("abort raises") from error

    # Functions.

    def Invoke(self, request: Any, context: Any) -> Any:
        if request.tok == "pulumi:pulumi:getResource":
            return self._looked_up(request)
        args, provider = wire.plain(request.args), request.provider
        with self._lock:
            transforms = list(self._invoke_transforms)
        for callback in transforms:
            options = resource_pb2.TransformInvokeOptions(
                provider=provider,
                version=request.version,
                plugin_download_url=request.pluginDownloadURL,
            )
            asked = resource_pb2.TransformInvokeRequest(
                token=request.tok, args=wire.struct(wire.as_outputs(args)), options=options
            )
            response = self._call_back(
                callback,
                asked,
                resource_pb2.TransformInvokeResponse,
                f"the transform of {request.tok}",
                context,
            )
            if response.HasField("args"):
                args = wire.as_inputs(wire.plain(response.args))
            if response.HasField("options"):
                provider = response.options.provider
        found = self._answer(request.tok, args, provider, context)
        if found is None:
            return resource_pb2.ResourceInvokeResponse(unknown=True)
        if found.assumption:
            self._note(f"{request.tok} answered with {found.assumption}")
        return _returned(found.result)

    def _answer(
        self, token: str, args: Mapping[str, Any], provider: str, context: Any
    ) -> Answer | None:
        said = self._in.answers.get(short_token(token))
        if said is not None:
            return Answer(said, "what the settings say")
        try:
            if token in ("kubernetes:helm:template", "kubernetes:kustomize:directory"):
                return self._rendered(token, args)
            return answer(Question(token, args, self._in.config, self._region(provider)))
        except InputError as error:
            self._refuse(str(error), context)
            return None

    def _rendered(self, token: str, args: Mapping[str, Any]) -> Answer:
        """What the provider renders for a v3 Chart or a v1 Directory; what can't be rendered here
        is left to the component, whose inputs then say what it is."""
        if token == "kubernetes:kustomize:directory":
            kind, inputs = "kubernetes:kustomize:Directory", dict(args)
            found = kustomized(args.get("directory"), self._in.folder)
        else:
            kind, inputs = "kubernetes:helm.sh/v3:Chart", _chart_of(args.get("jsonOpts"))
            found = templated(inputs_of(kind, inputs), str(inputs.get("name")), self._in.folder)
        if not found.why_not:
            question = Question("kubernetes:yaml:decode", {"text": found.text}, {}, None)
            return answer(question) or Answer({"result": []}, "")
        # The component may be registered before or after it asks.
        known = inputs_of(kind, wire.concealed(inputs, self._in.hides))
        name = str(inputs.get("name", ""))
        with self._lock:
            self._unrendered[kind, name] = known
            for urn, resource in self._out.resources.items():
                if resource.type == kind and not resource.inputs and resource.name in (name, ""):
                    self._out.resources[urn] = replace(resource, inputs=known)
        self._note(f"{token} is not answered: {found.why_not}")
        return Answer({"result": []}, "")

    def _region(self, provider: str) -> str | None:
        with self._lock:
            explicit = self._out.resources.get(provider.rpartition("::")[0])
        region = explicit.inputs.get("region") if explicit else self._in.config.get("aws:region")
        return region if isinstance(region, str) else None

    def _looked_up(self, request: Any) -> Any:
        urn = wire.plain(request.args).get("urn", "")
        with self._lock:
            known = self._states.get(urn)
        if known is None:
            return resource_pb2.ResourceInvokeResponse(
                failures=[
                    provider_pb2.CheckFailure(property="urn", reason=f"unknown resource {urn}")
                ]
            )
        return _returned({"urn": urn, "id": known[0], "state": dict(known[1])})

    def Call(self, request: Any, context: Any) -> Any:
        self._note(f"the result of {request.tok} is not known here")
        response = provider_pb2.CallResponse()
        getattr(response, "return").CopyFrom(wire.struct({"result": wire.UNKNOWN_STRING}))
        return response


def _chart_of(options: Any) -> dict[str, Any]:
    """The options of a v3 Chart in the words of a v4 Chart."""
    given = json.loads(options) if isinstance(options, str) else {}
    fetched = given.get("fetch_opts") or given.get("fetchOpts") or {}
    chart, repo = given.get("path") or given.get("chart"), given.get("repo")
    inputs = {
        "chart": f"{repo}/{chart}" if repo and isinstance(chart, str) else chart,
        "name": given.get("release_name") or given.get("releaseName"),
        "values": given.get("values"),
        "version": given.get("version"),
        "namespace": given.get("namespace"),
        "repositoryOpts": {"repo": fetched.get("repo")} if fetched.get("repo") else None,
    }
    return {key: value for key, value in inputs.items() if value is not None}


def _alias(urn: str) -> Any:
    return alias_pb2.Alias(urn=urn)


def _returned(result: Mapping[str, Any]) -> Any:
    response = resource_pb2.ResourceInvokeResponse()
    getattr(response, "return").CopyFrom(wire.struct(result))
    return response
