"""A Kubernetes object behind a resource: its group, kind, name and namespace, whichever version and
spelling it came in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final

from zerofloor.capacity import Change, Cluster
from zerofloor.estate import Estate
from zerofloor.patterns import lazy
from zerofloor.platforms.clusters import clusters_at, clusters_behind
from zerofloor.stack import Hidden, Resource
from zerofloor.structs import Value
from zerofloor.values import at, get, known_mapping, known_text

_TOKEN = lazy(r"kubernetes:(?:([^:/]+)/)?([^:/]+):([A-Za-z0-9]+)")


class Object(Value, frozen=True):
    """One object. `body` is the whole manifest with camelCase keys."""

    resource: Resource
    group: str
    """`apps`, `core`, `keda.sh`, …"""
    version: str
    kind: str
    name: str | None
    """metadata.name; None where it is hidden or the provider will make one up."""
    name_hidden: bool
    namespace: str | None
    """`default` where absent; None where hidden."""
    body: Mapping[str, Any]
    cluster: Cluster | None = None
    """None where no provider says which."""
    patches: tuple[str, ...] = ()
    """URNs of the `…Patch` resources that are merged into `body`."""
    inside: str = ""
    """Where in the resource's inputs it stands, if another object holds it."""

    @property
    def urn(self) -> str:
        return self.resource.urn

    @property
    def spec(self) -> Any:
        return self.body.get("spec")

    @property
    def annotations(self) -> Any:
        return at(self.body, "metadata", "annotations")

    @property
    def shown_name(self) -> str:
        return self.name or self.resource.name


@lru_cache(maxsize=4096)
def group_kind(token: str) -> tuple[str, str] | None:
    """`kubernetes:apps/v1:Deployment` → ("apps", "Deployment"); None for a type that is no
    Kubernetes object."""
    match = _TOKEN.fullmatch(token)
    if match is None or match[1] in ("helm.sh", "yaml", "kustomize"):
        return None
    return match[1] or "core", match[3]


def objects(estate: Estate, *wanted: tuple[str, str]) -> Iterator[Object]:
    """The estate's objects of these (group, kind) pairs, sorted by URN; any version, with their
    patches merged."""
    found: list[Object] = []
    for token in tokens_of(estate, *wanted):
        found += [as_object(estate, resource) for resource in estate.by_type[token]]
    if wrappers_in(estate):
        wrapped = estate.once("wrapped", lambda: _wrapped(estate))
        found += [obj for one in wanted for obj in wrapped.get(one, ())]
    patches = [patch for one in wanted for patch in _patches(estate, one)]
    if patches:
        found = [_patched(obj, patches) for obj in found]
    yield from sorted(found, key=lambda o: (o.urn, o.inside))


WRAPPERS: Final[Mapping[tuple[str, str], tuple[str, str]]] = {
    ("workload.codeflare.dev", "AppWrapper"): ("spec.components", "template"),
    ("policy.open-cluster-management.io", "ConfigurationPolicy"): (
        "spec.object-templates",
        "objectDefinition",
    ),
    ("work.open-cluster-management.io", "ManifestWork"): ("spec.workload.manifests", ""),
    ("kubernetes.crossplane.io", "Object"): ("spec.forProvider", "manifest"),
}
"""Objects that hold others, which a controller creates: the path of their list, and of the object
in an element of it."""


def wrappers_in(estate: Estate) -> list[str]:
    """The type tokens of such objects in the estate."""
    found: list[str] = estate.once("wrappers", lambda: tokens_of(estate, *WRAPPERS))
    return found


def creates_nothing(estate: Estate, wrapper: Object) -> bool:
    """Whether an object that holds others is suspended, and no queue resumes it."""
    labels = at(wrapper.body, "metadata", "labels")
    return at(wrapper.spec, "suspend") is True and queued(estate, wrapper, labels) is False


def queued(estate: Estate, obj: Object, labels: Any) -> bool | Hidden:
    """Whether an object with these labels waits in a queue of Kueue: in the one that it names, or
    in that of its namespace for what names none."""
    if isinstance(labels, Hidden):
        return labels
    if at(labels, "kueue.x-k8s.io/queue-name") is not None:
        return True
    # A queue stands inside no other object: those wait for this answer.
    queues = (
        as_object(estate, resource)
        for token in tokens_of(estate, ("kueue.x-k8s.io", "LocalQueue"))
        for resource in estate.by_type[token]
    )
    return any(
        meet(queue, obj) and (queue.name == "default" or queue.name_hidden) for queue in queues
    )


def held_by(estate: Estate, wrapper: Object) -> Iterator[tuple[str, Any]]:
    """The objects that one holds, each with its path; hidden where they are."""
    path, inner = WRAPPERS[wrapper.group, wrapper.kind]
    listed = get(wrapper.body, path)
    elements = [listed] if not isinstance(listed, list | tuple) else listed
    for index, element in enumerate(elements):
        place = f"{path}[{index}]" if isinstance(listed, list | tuple) else path
        yield f"{place}.{inner}".rstrip("."), at(element, inner) if inner else element


def _wrapped(estate: Estate) -> Mapping[tuple[str, str], list[Object]]:
    found: dict[tuple[str, str], list[Object]] = {}
    for token in wrappers_in(estate):
        for resource in estate.by_type[token]:
            wrapper = as_object(estate, resource)
            if creates_nothing(estate, wrapper):
                continue
            for place, manifest in held_by(estate, wrapper):
                obj = _of_manifest(wrapper, place, manifest)
                if obj is not None:
                    found.setdefault((obj.group, obj.kind), []).append(obj)
    return found


def _of_manifest(wrapper: Object, place: str, manifest: Any) -> Object | None:
    """The object that stands inside another one; None where it is no manifest."""
    version, kind = at(manifest, "apiVersion"), at(manifest, "kind")
    if not isinstance(version, str) or not isinstance(kind, str):
        return None
    group, _, short = version.rpartition("/")
    name, namespace = at(manifest, "metadata", "name"), at(manifest, "metadata", "namespace")
    spaces = (namespace, wrapper.namespace)
    return Object(
        resource=wrapper.resource,
        group=group or "core",
        version=short,
        kind=kind,
        name=name if isinstance(name, str) else None,
        name_hidden=isinstance(name, Hidden),
        namespace=next((one for one in spaces if isinstance(one, str)), None),
        body=manifest,
        cluster=wrapper.cluster,
        inside=place,
    )


def tokens_of(estate: Estate, *wanted: tuple[str, str]) -> list[str]:
    """The type tokens in the estate that stand for these (group, kind) pairs."""
    by_kind: Mapping[tuple[str, str] | None, list[str]] = estate.once(
        "tokens", lambda: _by_kind(estate)
    )
    return [token for one in wanted for token in by_kind.get(one, ())]


def _by_kind(estate: Estate) -> Mapping[tuple[str, str] | None, list[str]]:
    found: dict[tuple[str, str] | None, list[str]] = {}
    for token in estate.by_type:
        found.setdefault(group_kind(token), []).append(token)
    return found


def as_object(estate: Estate, resource: Resource) -> Object:
    """The object behind a resource whose type is a Kubernetes kind."""
    match = _TOKEN.fullmatch(resource.type)
    if match is None:
        raise ValueError(f"{resource.type} is no Kubernetes kind")
    group = match[1] or "core"
    body = resource.inputs if group in _BUILT_IN else camelized(resource.inputs)
    name = at(body, "metadata", "name")
    namespace = at(body, "metadata", "namespace")
    return Object(
        resource=resource,
        group=group,
        version=match[2],
        kind=match[3],
        # A hidden name is told by `name_hidden`.
        name=known_text(name),
        name_hidden=isinstance(name, Hidden),
        namespace=None if isinstance(namespace, Hidden) else known_text(namespace) or "default",
        body=body,
        cluster=cluster_of(estate, resource),
    )


def cluster_of(estate: Estate, resource: Resource) -> Cluster | None:
    """The cluster to which a resource's provider sends it; None where no provider is named."""
    urn = (resource.provider or "").rsplit("::", 1)[0]
    provider = estate.by_urn.get(urn)
    if provider is None or provider.type != "pulumi:providers:kubernetes":
        return None
    return estate.once(("cluster", urn), lambda: _cluster(estate, provider))


def _cluster(estate: Estate, provider: Resource) -> Cluster:
    place = {key: provider.inputs.get(key) for key in ("kubeconfig", "context", "cluster")}
    given = {key: value for key, value in place.items() if value is not None}
    readable = all(isinstance(value, str) for value in given.values())
    address = (
        "|".join(f"{key}={value}" for key, value in sorted(given.items())) if readable else None
    )
    sources = (provider.property_dependencies or {}).get("kubeconfig", ())
    # Providers with the same kubeconfig, or one made from the same resource, are one cluster; one
    # without any uses that of whoever runs the program.
    name = address if address is not None else "|".join(sorted(sources)) or provider.urn
    made_from = clusters_behind(estate, sources) or clusters_at(estate, address or "")
    return Cluster(
        document=id(estate.stack_of.get(provider.urn)),
        provider=name,
        address=address,
        made_from=made_from,
    )


def _patches(estate: Estate, kind: tuple[str, str]) -> list[Object]:
    """The patches of a kind (`DeploymentPatch`): Pulumi merges each into an object by server-side
    apply."""
    tokens = tokens_of(estate, (kind[0], f"{kind[1]}Patch"))
    return [as_object(estate, resource) for token in tokens for resource in estate.by_type[token]]


def patches_without_target(estate: Estate, *kinds: tuple[str, str]) -> Iterator[Object]:
    """Patches of these kinds whose object is not in the estate."""
    for kind in kinds:
        for patch in _patches(estate, kind):
            tokens = tokens_of(estate, kind)
            targets = [as_object(estate, r) for token in tokens for r in estate.by_type[token]]
            if not any(_is_meant(patch, target) for target in targets):
                yield patch


def _is_meant(patch: Object, target: Object) -> bool:
    """Whether a patch names this object; a hidden name is a match for none (it stays undecided)."""
    return (
        patch.name is not None
        and patch.name == target.name
        and f"{target.kind}Patch" == patch.kind
        and patch.group == target.group
        and meet(patch, target)
    )


def _patched(obj: Object, patches: Iterable[Object]) -> Object:
    body: Any = obj.body
    urns: list[str] = []
    for patch in sorted(patches, key=lambda one: one.urn):
        if _is_meant(patch, obj):
            body = merged(body, patch.body)
            urns.append(patch.urn)
    return replace(obj, body=body, patches=tuple(urns)) if urns else obj


_BY_NAME = frozenset({"containers", "initContainers", "volumes", "env"})
"""Lists whose elements server-side apply merges by name; all others are replaced."""


def merged(value: Any, patch: Any, key: str = "") -> Any:
    """An object with a patch over it, as server-side apply and strategic merges do it; what is
    hidden stays hidden."""
    if isinstance(value, Hidden):
        return value
    if isinstance(value, Mapping) and isinstance(patch, Mapping):
        out = dict(value)
        for name, inner in patch.items():
            if name not in ("apiVersion", "kind"):
                out[name] = merged(value.get(name), inner, name)
        return out
    if key in _BY_NAME and isinstance(value, list | tuple) and isinstance(patch, list | tuple):
        named = {at(one, "name"): one for one in patch if isinstance(at(one, "name"), str)}
        # An element whose name is no text, or hidden, belongs to no container.
        kept = [merged(one, named.pop(known_text(at(one, "name")) or "", {}), "") for one in value]
        return [
            *kept,
            *named.values(),
            *(one for one in patch if not isinstance(at(one, "name"), str)),
        ]
    return patch


_BUILT_IN = frozenset(
    {
        "core",
        "apps",
        "batch",
        "autoscaling",
        "policy",
        "networking.k8s.io",
        "rbac.authorization.k8s.io",
        "resource.k8s.io",
    }
)

# Objects whose keys are the user's own words.
_FREE = frozenset(
    {
        "labels",
        "annotations",
        "matchLabels",
        "nodeSelector",
        "limits",
        "requests",
        "data",
        "stringData",
        "rayStartParams",
        "tags",
    }
)

_SNAKE = lazy(r"[a-z0-9]+(?:_[a-z0-9]+)+")


def camelized(value: Any, key: str = "") -> Any:
    """A custom resource with its snake_case fields in camelCase: Python programs pass them on as
    written.

    Free-form maps keep their keys. Where both spellings stand, the camelCase one counts.
    """
    if isinstance(value, Mapping):
        if key in _FREE or (key == "metadata" and not _is_object_meta(value)):
            return value
        out: dict[str, Any] = {}
        for name, inner in value.items():
            camel = _camel(name) if _SNAKE.fullmatch(name) else name
            if camel != name and camel in value:
                continue
            out[camel] = camelized(inner, camel)
        return out
    if isinstance(value, list | tuple):
        return [camelized(inner, key) for inner in value]
    return value


def _is_object_meta(value: Mapping[str, Any]) -> bool:
    return any(
        field in value for field in ("name", "labels", "annotations", "namespace", "generateName")
    )


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part[:1].upper() + part[1:] for part in rest)


def change_of(obj: Object, path: str, to: Any) -> tuple[Change, ...]:
    """One change of an object as data; none where its fields come from elsewhere (a patch) or are
    spelt in another way (snake_case)."""
    resource = obj.resource.inputs
    if (
        obj.patches
        or obj.inside
        or (get(resource, path) is None and get(obj.body, path) is not None)
    ):
        return ()
    return (Change(urn=obj.urn, path=path, to=to),)


def annotation(obj: Object, key: str) -> Any:
    """The annotation's value; hidden where all annotations are."""
    annotations = obj.annotations
    return annotations if isinstance(annotations, Hidden) else known_mapping(annotations).get(key)


def meet(one: Object, other: Object) -> bool:
    """Whether two objects are, or may be, in the same namespace of the same cluster: a hidden
    namespace may be any."""
    if one.cluster is not None and not one.cluster.may_be(other.cluster):
        return False
    return one.namespace is None or other.namespace is None or one.namespace == other.namespace
