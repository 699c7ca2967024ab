"""Shutdown schedules of virtual machines (Azure, "Plan to manage Azure costs": auto-shutdown stops
and deallocates a VM)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Final

from zerofloor.capacity import Evidence
from zerofloor.estate import Estate
from zerofloor.platforms.azure import read as azure
from zerofloor.platforms.declared import Declared
from zerofloor.structs import Value

NATIVE: Final = "azure-native:devtestlab:GlobalSchedule"
CLASSIC: Final = "azure:devtest/globalVMShutdownSchedule:GlobalVMShutdownSchedule"
LAB: Final = ("azure-native:devtestlab:Schedule", "azure:devtest/schedule:Schedule")
READS: Final = frozenset({NATIVE, CLASSIC, *LAB})


class Stop(Value, frozen=True):
    """What a schedule does to one VM."""

    stops: bool
    """False: it is off, so that the VM runs on."""
    evidence: Evidence


def by_machine(estate: Estate, types: tuple[str, ...]) -> Mapping[str, tuple[Stop, ...]]:
    """The shutdown schedules of each VM, by its key. Only a certain link stops one, never a
    guess."""
    found: dict[str, list[Stop]] = defaultdict(list)
    for source in azure.declared(estate, NATIVE, CLASSIC):
        path = "targetResourceId" if azure.native(source) else "virtualMachineId"
        target = azure.linked(estate, source, path, types).certain
        if target is not None:
            found[target.key].append(_stop(source))
    return {key: tuple(stops) for key, stops in found.items()}


def _stop(source: Declared) -> Stop:
    if azure.native(source):
        status = source.field("status")
        # Omitted it is Disabled (azure-native, GlobalSchedule).
        on = azure.is_text(status.value, "Enabled")
        task = source.field("taskType")
        time = source.field("dailyRecurrence.time", "weeklyRecurrence.time")
        if not azure.is_text(task.value, "ComputeVmShutdownTask"):
            return Stop(False, task.evidence("the schedule is no VM shutdown"))
    else:
        status = source.field("enabled")
        # Omitted it is true (azurerm, dev_test_global_vm_shutdown_schedule).
        on = status.is_absent or status.switch() is True
        time = source.field("dailyRecurrenceTime")
    if not on:
        return Stop(False, status.evidence("the shutdown schedule isn't certainly on"))
    if time.is_absent:
        return Stop(False, time.evidence("the shutdown schedule has no time"))
    return Stop(True, time.evidence("the schedule deallocates the VM each day"))
