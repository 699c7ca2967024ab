"""SageMaker AI: endpoints (real-time, asynchronous, inference components), notebooks, Studio apps,
HyperPod clusters, jobs."""

from __future__ import annotations

import base64
import binascii
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from math import ceil
from typing import Any, Final

from zerofloor.capacity import (
    WEEK,
    Assumption,
    Cause,
    Evidence,
    Hold,
    Notice,
    Part,
    Pool,
    Undecided,
)
from zerofloor.documents.template_text import Reference
from zerofloor.estate import Estate, Link
from zerofloor.platforms.aws import eks, scaling
from zerofloor.platforms.aws.read import CLOUD, declared, machines
from zerofloor.platforms.aws.scaling import Kept, Level, hold_of
from zerofloor.platforms.declared import Declared, Size, changes_of, link_of, size
from zerofloor.platforms.machines import Machines
from zerofloor.stack import Hidden
from zerofloor.structs import Value
from zerofloor.values import at, count, get, hidden, known_items, known_text, quantity
from zerofloor.words import counted

CONFIGS: Final = (
    "aws:sagemaker/endpointConfiguration:EndpointConfiguration",
    "aws-native:sagemaker:EndpointConfig",
)
ENDPOINTS: Final = ("aws:sagemaker/endpoint:Endpoint", "aws-native:sagemaker:Endpoint")
COMPONENTS: Final = (
    "aws-native:sagemaker:InferenceComponent",
    "aws:sagemaker/inferenceComponent:InferenceComponent",
)
_VARIANT: Final = "sagemaker:variant:DesiredInstanceCount"
_COPIES: Final = "sagemaker:inference-component:DesiredCopyCount"
_PRICE: Final = "sagemaker"
_NOTEBOOKS: Final = (
    "aws:sagemaker/notebookInstance:NotebookInstance",
    "aws-native:sagemaker:NotebookInstance",
)
_APPS: Final = ("aws:sagemaker/app:App", "aws-native:sagemaker:App")
_SPACES: Final = ("aws:sagemaker/space:Space", "aws-native:sagemaker:Space")
_PROFILES: Final = ("aws:sagemaker/userProfile:UserProfile", "aws-native:sagemaker:UserProfile")
_DOMAINS: Final = ("aws:sagemaker/domain:Domain", "aws-native:sagemaker:Domain")
_HYPERPOD: Final = ("aws-native:sagemaker:Cluster", "aws:sagemaker/cluster:Cluster")
_TRAINING: Final = "aws:sagemaker/trainingJob:TrainingJob"
_PROCESSING: Final = "aws-native:sagemaker:ProcessingJob"
READS: Final = frozenset(
    {
        *CONFIGS,
        *ENDPOINTS,
        *COMPONENTS,
        *_NOTEBOOKS,
        *_APPS,
        *_SPACES,
        *_PROFILES,
        *_DOMAINS,
        *_HYPERPOD,
        _TRAINING,
        _PROCESSING,
        *scaling.READS,
    }
)


def read(estate: Estate) -> Iterator[Part]:
    """Everything of SageMaker that runs instances."""
    yield from _endpoints(estate)
    for source in declared(estate, *_NOTEBOOKS):
        yield from _notebook(estate, source)
    for source in declared(estate, *_APPS):
        yield from _app(estate, source)
    for source in declared(estate, *_HYPERPOD):
        yield from _hyperpod(estate, source)
    for source in declared(estate, _TRAINING):
        yield from _job(estate, source, "SageMaker training job", "resourceConfig")
    for source in declared(estate, _PROCESSING):
        yield from _job(
            estate, source, "SageMaker processing job", "processingResources.clusterConfig"
        )


# Endpoints


class _Component(Value, frozen=True):
    """An inference component with the copies that stay."""

    source: Declared
    accelerators: Decimal
    """Per copy."""
    copies: Kept


def _endpoints(estate: Estate) -> Iterator[Part]:
    components = _components_by_endpoint(estate)
    for endpoint in declared(estate, *ENDPOINTS):
        value = endpoint.inputs.get("endpointConfigName")
        link = link_of(
            estate,
            endpoint,
            "endpointConfigName",
            *CONFIGS,
            value=value,
            names=("name", "endpointConfigName"),
        )
        configs = [Declared(resource, resource.inputs, resource.name) for resource in link.found]
        if isinstance(value, Reference):  # Both stand in one template.
            inner = declared(estate, *CONFIGS)
            configs = [d for d in inner if d.urn == endpoint.urn and d.logical == value]
        if not configs:
            why = "Its endpoint configuration is not in this stack: it could run GPU instances"
            settle = (
                "Declare the configuration in this stack (or check both stacks with --join), "
                "or waive it"
            )
            yield endpoint.open("endpointConfigName", why, settle)
            continue
        if link.open:
            risky = [
                config
                for config in configs
                if not all(v.plain for _, _, v in _variants(estate, config))
            ]
            if risky:
                why = (
                    f"Which of {len(configs)} endpoint configurations it uses is not known: "
                    f"{risky[0].name} has GPU instances"
                )
                yield endpoint.open("endpointConfigName", why)
            continue
        for config in configs:
            variants = list(_variants(estate, config))
            for path, variant, found in variants:
                pool = _variant(
                    estate,
                    endpoint,
                    config,
                    path,
                    variant,
                    found,
                    components.get(endpoint.urn, ()),
                    link,
                )
                if pool is not None:
                    yield (
                        pool
                        if len(variants) == 1 and len(configs) == 1
                        else replace(pool, part=f"{config.name}.{path}")
                    )


def _variants(estate: Estate, config: Declared) -> Iterator[tuple[str, Any, Machines]]:
    for prop in ("productionVariants", "shadowProductionVariants"):
        value = config.inputs.get(prop)
        if isinstance(value, Hidden):
            why = f"{prop} isn't known at preview: it could run GPU instances"
            yield prop, value, Machines(undecided=(config.open(prop, why),))
            continue
        if not isinstance(value, Mapping | list | tuple) and (value is not None or prop[0] == "p"):
            why = f"{prop} is not a list of variants: it could run GPU instances"
            yield prop, value, Machines(undecided=(config.open(prop, why, "Correct the value"),))
            continue
        for index, variant in enumerate(known_items(value)):  # Not hidden: asked above.
            path = f"{prop}[{index}]"
            if not isinstance(variant, Mapping):
                why = "A variant can't be read at preview: it could run GPU instances"
                yield path, variant, Machines(undecided=(config.open(path, why),))
            elif variant.get("serverlessConfig") is None:  # Serverless inference has no GPUs.
                named = at(variant, "instanceType")
                yield path, variant, machines(estate, config, f"{path}.instanceType", named)


def _variant(
    estate: Estate,
    endpoint: Declared,
    config: Declared,
    path: str,
    variant: Any,
    found: Machines,
    components: Sequence[_Component],
    link: Link,
) -> Pool | None:
    if found.plain or (not found.shapes and not found.undecided):
        return None
    name = known_text(at(variant, "variantName")) or ""  # Whether it is hidden is asked next.
    unnamed = hidden(at(variant, "variantName"))
    mine = [
        c
        for c in components
        if unnamed or known_text(c.source.inputs.get("variantName")) in (None, name)
    ]
    asynchronous = config.inputs.get("asyncInferenceConfig") is not None
    ids = [
        f"endpoint/{known}/variant/{name}"
        for known in scaling.identifiers(endpoint, "name", "endpointName")
    ]
    target = scaling.target_of(estate, endpoint.resource, _VARIANT, ids)
    initial = size(config, [f"{path}.initialInstanceCount"], 1, "omitted: one instance")
    own_model = at(variant, "modelName") is not None
    managed = at(variant, "managedInstanceScaling")
    if mine or not own_model:
        instances = _managed_scaling(config, path, managed, initial)
    else:
        # An endpoint goes to zero only when it is asynchronous or hosts inference components
        # (SageMaker developer guide, "Scale an endpoint to zero instances", "Autoscale an
        # asynchronous endpoint").
        why = (
            "A real-time endpoint without inference components can't scale to 0: the minimum "
            "is refused"
        )
        refused = None if asynchronous else config.open(path, why)
        instances = scaling.kept(initial, target, Cause.ENDPOINT, zero=refused)
    needed = [_copies(component, found) for component in mine]
    advice = _advice(asynchronous, bool(mine) or not own_model, target)
    holds = [
        hold_of(
            level
            if advice is None or level.cause is Cause.SCHEDULE
            else replace(level, fix=advice, change=()),
            found,
        )
        for level in instances.levels
    ]
    holds += _together(needed, found)
    undecided = [*instances.undecided, *(u for c in mine for u in c.copies.undecided)]
    if holds or undecided:
        undecided += found.undecided
    assumptions = [
        *found.assumptions,
        *instances.assumptions,
        *(a for c in mine for a in c.copies.assumptions),
    ]
    if link.assumption is not None:
        assumptions.append(link.assumption)
    used = endpoint.evidence("endpointConfigName", f"the endpoint runs {config.name}")
    starts = initial.known if isinstance(initial, Size) else None
    kind = "SageMaker asynchronous endpoint" if asynchronous else "SageMaker endpoint"
    return Pool(
        urn=endpoint.urn,
        name=f"{endpoint.name}/{name}" if name else endpoint.name,
        platform=kind if path.startswith("production") else f"{kind} (shadow variant)",
        cloud=CLOUD,
        shapes=found.shapes,
        holds=tuple(holds),
        desired=starts if found.shapes else None,
        ceiling=_ceiling(managed, instances),
        region=estate.region(endpoint.resource, CLOUD),
        undecided=tuple(dict.fromkeys(undecided)),
        notices=(*instances.notices, *(n for c in mine for n in c.copies.notices)),
        assumptions=tuple(dict.fromkeys(assumptions)),
        price_as=_PRICE,
        overlap=(starts or 0) if endpoint.resource.replaced_before_delete else 0,
        evidence=(used, *found.evidence, *instances.evidence),
    )


def _ceiling(managed: Any, instances: Kept) -> int | None:
    most = count(at(managed, "maxInstanceCount"))
    return most if isinstance(most, int) else instances.ceiling


def _managed_scaling(config: Declared, path: str, managed: Any, initial: Size | Undecided) -> Kept:
    """Instances of a variant that hosts inference components: managed scaling goes down to its
    minimum."""
    if at(managed, "status") != "ENABLED":
        return scaling.kept(initial, None, Cause.ENDPOINT)
    prefix = f"{path}.managedInstanceScaling"
    minimum = size(config, [f"{prefix}.minInstanceCount"], 1, "omitted")
    if isinstance(minimum, Undecided):
        return Kept(undecided=(minimum,))
    most = count(at(managed, "maxInstanceCount"))
    if minimum.is_hidden:
        return Kept(undecided=(minimum.open(most if isinstance(most, int) else None),))
    if isinstance(most, int) and isinstance(minimum.value, int) and minimum.value > most:
        why = (
            f"minInstanceCount {minimum.value} is above maxInstanceCount {most}: SageMaker "
            "refuses it"
        )
        return Kept(undecided=(config.open(minimum.path, why, "Correct the values"),))
    evidence = minimum.evidence(f"managed scaling never goes below {minimum.known}")
    if not minimum.known:
        return Kept(evidence=(minimum.evidence("managed scaling goes down to no instance"),))
    level = Level(
        units=minimum.known,
        cause=Cause.SCALER_MINIMUM,
        urn=config.urn,
        evidence=(evidence,),
        fix=f"Set {minimum.path} to 0",
        change=changes_of(config, (minimum.path, 0)),
    )
    return Kept((level,))


def _advice(
    asynchronous: bool, hosts_components: bool, target: scaling.Target | None
) -> str | None:
    """How an endpoint gets to zero, where that is more than a number in the declaration."""
    if hosts_components:
        return "Set managedInstanceScaling to status ENABLED with minInstanceCount 0"
    if not asynchronous:
        return (
            "Use asynchronous inference or an inference component (both can go to zero), or "
            "delete the endpoint when it is not used"
        )
    if target is None or target.lowered is None:
        return (
            "Register a scalable target with minCapacity 0, and a target tracking policy on "
            "the backlog that scales in"
        )
    return None


def _copies(component: _Component, found: Machines) -> tuple[_Component, Level | None]:
    levels = [level for level in component.copies.levels if level.units is None or level.units > 0]
    return component, max(levels, key=lambda level: (level.hours, level.units or 1), default=None)


def _together(needed: Sequence[tuple[_Component, Level | None]], found: Machines) -> list[Hold]:
    """The instances that all copies need together, by accelerators."""
    kept = [(component, level) for component, level in needed if level is not None]
    if not kept:
        return []
    per_node = min((shape.gpus for shape in found.shapes if shape.gpus), default=None)
    wanted = sum(
        (component.accelerators * (level.units or 1) for component, level in kept), Decimal(0)
    )
    nodes = 1 if per_node is None else max(1, ceil(wanted / per_node))
    evidence = [
        item
        for component, level in kept
        for item in (
            *level.evidence,
            component.source.evidence(
                "specification.computeResourceRequirements.numberOfAcceleratorDevicesRequired",
                f"each copy takes {counted(component.accelerators, 'accelerator')}",
            ),
        )
    ]
    first = kept[0][1]
    hours = max((level.hours for _, level in kept), default=WEEK)
    change = first.change if len(kept) == 1 else ()
    return [
        Hold(
            cause=first.cause,
            urn=first.urn,
            units=nodes,
            evidence=(*found.evidence, *evidence),
            fix=first.fix,
            hours_per_week=hours,
            change=change,
        )
    ]


def _components_by_endpoint(estate: Estate) -> Mapping[str, tuple[_Component, ...]]:
    out: dict[str, list[_Component]] = defaultdict(list)
    for source in declared(estate, *COMPONENTS):
        # Hidden, it is taken for a component of its own, which holds the more.
        if known_text(get(source.inputs, "specification.baseInferenceComponentName")) is not None:
            continue  # an adapter lives in its base component
        value = source.inputs.get("endpointName")
        link = link_of(
            estate, source, "endpointName", *ENDPOINTS, value=value, names=("name", "endpointName")
        )
        accelerators = quantity(
            get(
                source.inputs,
                "specification.computeResourceRequirements.numberOfAcceleratorDevicesRequired",
            )
        )
        initial = size(source, ["runtimeConfig.copyCount"], 1, "omitted: one copy")
        ids = [
            f"inference-component/{name}"
            for name in scaling.identifiers(source, "inferenceComponentName", "name")
        ]
        target = scaling.target_of(estate, source.resource, _COPIES, ids)
        copies = scaling.kept(initial, target, Cause.ENDPOINT)
        component = _Component(
            source, accelerators if isinstance(accelerators, Decimal) else Decimal(0), copies
        )
        for endpoint in link.found:
            out[endpoint.urn].append(component)
    return {urn: tuple(found) for urn, found in out.items()}


# Notebooks and Studio


def _single(
    estate: Estate,
    source: Declared,
    platform: str,
    found: Machines,
    holds: tuple[Hold, ...],
    undecided: tuple[Undecided, ...] = (),
    assumptions: tuple[Assumption, ...] = (),
    notices: tuple[Notice, ...] = (),
    evidence: tuple[Evidence, ...] = (),
) -> Iterator[Pool]:
    if found.plain or (not found.shapes and not found.undecided):
        return
    open_type = found.undecided if holds or undecided else ()
    yield Pool(
        urn=source.urn,
        name=source.name,
        platform=platform,
        cloud=CLOUD,
        shapes=found.shapes,
        holds=holds,
        desired=1 if found.shapes else None,
        ceiling=1,
        region=estate.region(source.resource, CLOUD),
        undecided=(*undecided, *open_type),
        notices=notices,
        assumptions=(*found.assumptions, *assumptions),
        price_as=_PRICE,
        overlap=1 if source.resource.replaced_before_delete else 0,
        evidence=(*found.evidence, *evidence),
    )


def _notebook(estate: Estate, source: Declared) -> Iterator[Part]:
    found = machines(estate, source, "instanceType", source.inputs.get("instanceType"))
    stops = _stop_script(estate, source)
    if stops is not None:
        assumption = Assumption(
            f"{source.name} stops itself when idle", "its lifecycle script has an auto-stop"
        )
        yield from _single(
            estate,
            source,
            "SageMaker notebook instance",
            found,
            (),
            assumptions=(assumption,),
            evidence=(stops,),
        )
        return
    step = source.evidence("instanceType", "a notebook instance runs until it is stopped")
    fix = (
        "Add a lifecycle configuration that stops it when idle, or use a Studio app with idle "
        "shutdown"
    )
    hold = Hold(
        cause=Cause.INTERACTIVE, urn=source.urn, units=1, evidence=(*found.evidence, step), fix=fix
    )
    yield from _single(estate, source, "SageMaker notebook instance", found, (hold,))


def _stop_script(estate: Estate, source: Declared) -> Evidence | None:
    """The lifecycle script of a notebook that stops it when idle (AWS' samples call theirs
    autostop.py, auto-stop-idle)."""
    value = source.inputs.get("lifecycleConfigName")
    if value is None:
        return None
    kinds = (
        "aws:sagemaker/notebookInstanceLifecycleConfiguration:NotebookInstanceLifecycleConfiguration",
        "aws-native:sagemaker:NotebookInstanceLifecycleConfig",
    )
    link = link_of(
        estate,
        source,
        "lifecycleConfigName",
        *kinds,
        value=value,
        names=("name", "notebookInstanceLifecycleConfigName"),
    )
    if link.open or link.assumption is not None:
        return None
    for resource in link.found:
        for prop in ("onStart", "onCreate"):
            script = _script(resource.inputs.get(prop))
            if any(word in script for word in ("autostop", "auto-stop", "auto_stop")):
                return Evidence(resource.urn, prop, None, "the script stops the instance when idle")
    return None


def _script(value: Any) -> str:
    if isinstance(value, str):
        try:
            return base64.b64decode(value, validate=True).decode("utf-8", "replace").lower()
        except (binascii.Error, ValueError):
            return value.lower()
    # A hidden script stops nothing.
    return " ".join(_script(at(item, "content")) for item in known_items(value))


_SETTINGS: Final = {
    "JupyterLab": "jupyterLabAppSettings",
    "CodeEditor": "codeEditorAppSettings",
    "KernelGateway": "kernelGatewayAppSettings",
}


def _app(estate: Estate, source: Declared) -> Iterator[Part]:
    kind = known_text(source.inputs.get("appType")) or ""  # Hidden, no idle shutdown counts.
    setting = _SETTINGS.get(kind)
    owners = _owners(estate, source)
    path, value = source.pick("resourceSpec.instanceType")
    if value is None and setting is not None:
        for owner in owners:
            inherited_path = f"{owner.prefix}.{setting}.defaultResourceSpec.instanceType"
            inherited = get(owner.source.inputs, inherited_path)
            if inherited is not None:
                found = machines(estate, owner.source, inherited_path, inherited)
                break
        else:
            return  # the service's default is ml.t3.medium
    else:
        found = machines(estate, source, path, value)
    idle = _idle_shutdown(source, owners, setting) if kind in ("JupyterLab", "CodeEditor") else None
    if isinstance(idle, tuple):
        evidence, minutes = idle
        notices = _tail(estate, source, evidence, minutes)
        yield from _single(
            estate,
            source,
            f"SageMaker Studio app ({kind})",
            found,
            (),
            notices=notices,
            evidence=(evidence,),
        )
        return
    if isinstance(idle, Undecided):
        yield from _single(estate, source, f"SageMaker Studio app ({kind})", found, (), (idle,))
        return
    reason = (
        idle
        if isinstance(idle, Evidence)
        else source.evidence("appType", "it runs until it is deleted: no idle shutdown")
    )
    fix = (
        "Enable idle shutdown (appLifecycleManagement.idleSettings.lifecycleManagement "
        "ENABLED) on the domain or user profile"
    )
    if setting is None or kind == "KernelGateway":
        fix = "Delete the app when it is not used, or use a JupyterLab app with idle shutdown"
    hold = Hold(
        cause=Cause.INTERACTIVE,
        urn=source.urn,
        units=1,
        evidence=(*found.evidence, reason),
        fix=fix,
    )
    yield from _single(
        estate, source, f"SageMaker Studio app ({kind or 'unknown type'})", found, (hold,)
    )


class _Owner(Value, frozen=True):
    """Where settings of an app come from."""

    source: Declared
    prefix: str
    guess: bool = False
    """Whether it only may be this app's: then it turns nothing off that bills."""


def _owners(estate: Estate, source: Declared) -> list[_Owner]:
    """The owners of an app's settings, the nearest first: its space, its user's profile, the
    domain."""
    out: list[_Owner] = []
    profile: Any = source.inputs.get("userProfileName")
    asked, shared = source, False
    if source.inputs.get("spaceName") is not None:
        link = link_of(
            estate,
            source,
            "spaceName",
            *_SPACES,
            value=source.inputs.get("spaceName"),
            names=("spaceName",),
        )
        for resource in link.found:
            space = Declared(resource, resource.inputs, resource.name)
            out.append(_Owner(space, "spaceSettings", _unsure(link)))
            if profile is None:
                asked, profile = space, get(space.inputs, "ownershipSettings.ownerUserProfileName")
            shared = get(space.inputs, "spaceSharingSettings.sharingType") == "Shared"
    if profile is not None and not shared:
        prop = "userProfileName" if asked is source else "ownershipSettings"
        link = link_of(estate, asked, prop, *_PROFILES, value=profile, names=("userProfileName",))
        out += [
            _Owner(Declared(r, r.inputs, r.name), "userSettings", _unsure(link)) for r in link.found
        ]
    link = link_of(
        estate,
        source,
        "domainId",
        *_DOMAINS,
        value=source.inputs.get("domainId"),
        names=("domainName",),
    )
    prefix = "defaultSpaceSettings" if shared else "defaultUserSettings"
    out += [_Owner(Declared(r, r.inputs, r.name), prefix, link.open) for r in link.found]
    return out


def _unsure(link: Link) -> bool:
    return link.open or link.assumption is not None


def _idle_shutdown(
    source: Declared, owners: Sequence[_Owner], setting: str | None
) -> tuple[Evidence, int | None] | Evidence | Undecided | None:
    """The evidence that it is on with its minutes, the evidence that it is off, or None where
    it isn't set.

    It needs ENABLED on the profile or domain; a space sets the minutes only (SageMaker developer
    guide, "Idle shutdown").
    """
    path, version = source.pick("resourceSpec.sagemakerImageVersionAlias")
    if hidden(version):
        return source.open(
            path,
            (
                "Idle shutdown needs SageMaker Distribution 2.0 or later, and which version "
                "runs is hidden"
            ),
        )
    if (known_text(version) or "").split(".")[0] in ("0", "1"):
        return source.evidence(path, "idle shutdown needs SageMaker Distribution 2.0 or later")
    minutes: int | None = None
    for owner in owners:
        path = f"{owner.prefix}.{setting}.appLifecycleManagement.idleSettings"
        given = count(get(owner.source.inputs, f"{path}.idleTimeoutInMinutes"))
        if minutes is None and isinstance(given, int) and not owner.guess:
            minutes = given
        state = get(owner.source.inputs, f"{path}.lifecycleManagement")
        if state == "ENABLED":
            if not owner.guess:
                return owner.source.evidence(
                    f"{path}.lifecycleManagement", "idle shutdown stops the app"
                ), minutes
        elif state is not None and owner.prefix != "spaceSettings":
            because = "idle shutdown isn't enabled: it runs until it is deleted"
            return owner.source.evidence(f"{path}.lifecycleManagement", because)
    return None


def _tail(
    estate: Estate, source: Declared, evidence: Evidence, minutes: int | None
) -> tuple[Notice, ...]:
    cap = estate.settings.caps.idle_tail_seconds
    if minutes is None or minutes * 60 <= cap:
        return ()
    message = f"The app idles for {minutes} minutes before it stops"
    return (
        Notice(
            cause=Cause.LONG_IDLE_TAIL,
            urn=source.urn,
            message=message,
            fix="Lower idleTimeoutInMinutes",
            evidence=(evidence,),
        ),
    )


# HyperPod and jobs


def _hyperpod(estate: Estate, source: Declared) -> Iterator[Part]:
    on_eks = get(source.inputs, "orchestrator.eks.clusterArn") is not None
    for prop in ("instanceGroups", "restrictedInstanceGroups"):
        groups = source.inputs.get(prop)
        if hidden(groups):
            yield source.open(
                prop, "The instance groups aren't known at preview: they may hold GPU instances"
            )
        for index, group in enumerate(known_items(groups)):  # Hidden ones are told above.
            path = f"{prop}[{index}]"
            kind = at(group, "instanceType")
            where = f"{path}.instanceType"
            if kind is None:
                kind, where = (
                    get(group, "instanceRequirements.instanceTypes"),
                    f"{path}.instanceRequirements.instanceTypes",
                )
            found = machines(estate, source, where, kind)
            if found.plain:
                continue
            number = size(source, [f"{path}.instanceCount"], 0, "omitted")
            name = known_text(at(group, "instanceGroupName")) or f"{source.name}[{index}]"
            holds: tuple[Hold, ...] = ()
            undecided: tuple[Undecided, ...] = ()
            if isinstance(number, Undecided):
                undecided = (number,)
            elif number.is_hidden:
                undecided = (
                    source.open(
                        number.path, "How many instances the group keeps isn't known at preview"
                    ),
                )
            elif number.known:
                step = number.evidence("HyperPod keeps this many instances")
                fix = f"Set {number.path} to 0"
                holds = (
                    Hold(
                        cause=Cause.POOL_MINIMUM,
                        urn=source.urn,
                        units=number.known,
                        evidence=(*found.evidence, step),
                        fix=fix,
                        change=changes_of(source, (number.path, 0)),
                    ),
                )
            placed = None
            if on_eks:
                config = at(group, "kubernetesConfig")
                labels = {"sagemaker.amazonaws.com/instance-group-name": name}
                placed = eks.placement(
                    estate, source, found, labels, at(config, "labels"), at(config, "taints")
                )
                placed = replace(placed, grows=False)
            known = number.known if isinstance(number, Size) else None
            yield Pool(
                urn=source.urn,
                name=name,
                platform="SageMaker HyperPod instance group",
                cloud=CLOUD,
                shapes=found.shapes,
                holds=holds,
                desired=known if found.shapes else None,
                ceiling=known,
                region=estate.region(source.resource, CLOUD),
                placement=placed,
                part=path,
                undecided=(*undecided, *(found.undecided if holds or undecided else ())),
                assumptions=found.assumptions,
                price_as=_PRICE,
                evidence=found.evidence,
            )


def _job(estate: Estate, source: Declared, platform: str, path: str) -> Iterator[Part]:
    """A job runs once and ends; its instances end with it."""
    found = machines(
        estate, source, f"{path}.instanceType", get(source.inputs, f"{path}.instanceType")
    )
    if found.plain or not found.shapes:
        return
    number = size(source, [f"{path}.instanceCount"], 1)
    known = number.known if isinstance(number, Size) else None
    once = source.evidence(path, "it runs once, and its instances end with it")
    yield Pool(
        urn=source.urn,
        name=source.name,
        platform=platform,
        cloud=CLOUD,
        shapes=found.shapes,
        desired=known,
        ceiling=known,
        region=estate.region(source.resource, CLOUD),
        price_as=_PRICE,
        evidence=(*found.evidence, once),
    )
