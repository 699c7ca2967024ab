"""KubeVirt: virtual machines with GPUs passed through.

Source: KubeVirt user guide, "Run Strategies" and "Host Devices Assignment".
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from zerofloor.capacity import Cause, Evidence, Hold, Part, Undecided, Workload
from zerofloor.estate import Estate
from zerofloor.platforms.kubernetes.objects import Object, change_of, objects
from zerofloor.platforms.kubernetes.pods import SETTLE, PodReading, add_to, one_container, read_pod
from zerofloor.platforms.kubernetes.workloads import build, keep_pods
from zerofloor.stack import UNKNOWN, Hidden
from zerofloor.values import at, items, switch, text

_GROUP: Final = "kubevirt.io"
_TYPES: Final = (
    ("instancetype.kubevirt.io", "VirtualMachineInstancetype"),
    ("instancetype.kubevirt.io", "VirtualMachineClusterInstancetype"),
)
INERT = frozenset({*_TYPES, (_GROUP, "KubeVirt")})
"""Types of machines, and which devices may be passed through."""
KINDS = frozenset(
    {
        (_GROUP, "VirtualMachine"),
        (_GROUP, "VirtualMachineInstance"),
        (_GROUP, "VirtualMachineInstanceReplicaSet"),
        ("pool.kubevirt.io", "VirtualMachinePool"),
        *INERT,
    }
)


def read(estate: Estate) -> Iterable[Part]:
    for obj in objects(estate, (_GROUP, "VirtualMachine")):
        yield _machine(estate, obj)
    for obj in objects(estate, (_GROUP, "VirtualMachineInstance")):
        because = Evidence(obj.urn, "", None, "the machine runs until it is deleted")
        fix = "Declare a VirtualMachine that is stopped when idle"
        hold = Hold(cause=Cause.INSTANCE, urn=obj.urn, units=1, evidence=(because,), fix=fix)
        reading = _reading(estate, obj, obj.spec, None, "spec")
        yield build(estate, obj, reading, holds=(hold,), desired=1, ceiling=1)
    for obj in objects(estate, (_GROUP, "VirtualMachineInstanceReplicaSet")):
        reading = _reading(
            estate, obj, at(obj.spec, "template", "spec"), None, "spec.template.spec"
        )
        yield keep_pods(estate, obj, reading, value=at(obj.spec, "replicas"), path="spec.replicas")
    for obj in objects(estate, ("pool.kubevirt.io", "VirtualMachinePool")):
        inner = at(obj.spec, "virtualMachineTemplate", "spec")
        path = "spec.virtualMachineTemplate.spec.template.spec"
        reading = _reading(
            estate, obj, at(inner, "template", "spec"), at(inner, "instancetype"), path
        )
        yield keep_pods(estate, obj, reading, value=at(obj.spec, "replicas"), path="spec.replicas")


def _machine(estate: Estate, obj: Object) -> Workload:
    spec = obj.spec
    reading = _reading(
        estate, obj, at(spec, "template", "spec"), at(spec, "instancetype"), "spec.template.spec"
    )
    running, strategy = switch(at(spec, "running")), text(at(spec, "runStrategy"))
    path = "spec.runStrategy" if running is None else "spec.running"
    for value in (running, strategy):
        if isinstance(value, Hidden):
            part = Undecided(obj.urn, path, f"{path} is {value.value}: it may run", SETTLE)
            return build(estate, obj, reading, undecided=(part,), desired=1, ceiling=1)
    if running is False or strategy in ("Halted", "Manual"):
        return build(estate, obj, reading, ceiling=1)
    value = at(spec, path.rpartition(".")[2])
    because = Evidence(obj.urn, path, value, "the machine runs until it is stopped")
    to: Any = "Halted" if running is None else False
    fix = f"Set {path} to {to} when idle".replace("False", "false")
    change = change_of(obj, path, to)
    hold = Hold(
        cause=Cause.INSTANCE, urn=obj.urn, units=1, evidence=(because,), fix=fix, change=change
    )
    return build(estate, obj, reading, holds=(hold,), desired=1, ceiling=1)


def _reading(estate: Estate, obj: Object, spec: Any, named: Any, path: str) -> PodReading:
    """The devices of a machine as the limits of its pod, with those of its instance type."""
    if isinstance(spec, Hidden):
        return read_pod(estate, obj, spec, path)
    devices = at(spec, "domain", "devices")
    limits = _limits(at(devices, "gpus"), at(devices, "hostDevices"))
    reading = read_pod(estate, obj, one_container({"resources": limits}, spec), path)
    if named is None:
        return reading
    found = next((one for one in objects(estate, *_TYPES) if one.name == at(named, "name")), None)
    if found is None:
        # A type that is not in the stack is one of KubeVirt's own, which have no GPU, by its name.
        name = at(named, "name")
        if isinstance(name, str) and not name.startswith(("gn", "gpu")):
            return reading
        where = "spec.instancetype"
        why = "Its instance type is not in the stack: it may have GPUs"
        return add_to(reading, undecided=(Undecided(obj.urn, where, why, SETTLE),))
    gpus = _limits(at(found.spec, "gpus"), at(found.spec, "hostDevices"))
    typed = read_pod(estate, obj, one_container({"resources": gpus}, spec), "spec.instancetype")
    return typed if typed.demand.wants_gpu or typed.undecided else reading


def _limits(*lists: Any) -> Any:
    limits: dict[str, int] = {}
    for listed in map(items, lists):
        if isinstance(listed, Hidden):
            return UNKNOWN
        for device in listed:
            name = text(at(device, "deviceName"))
            if isinstance(name, Hidden) or isinstance(device, Hidden):
                return UNKNOWN
            if name is not None:
                limits[name] = limits.get(name, 0) + 1
    return {"limits": limits}
