"""Notebooks and workstations: Workbench, the older notebooks, Colab Enterprise, Cloud
Workstations."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final

from zerofloor.capacity import (
    WEEK,
    Accounted,
    Cause,
    Evidence,
    Hold,
    Part,
    Undecided,
)
from zerofloor.estate import Estate
from zerofloor.platforms.declared import Declared, Field, changes_of, size
from zerofloor.platforms.google.read import (
    SETTLE_TEMPLATE,
    declared,
    link,
    machines,
    pool_of,
    resources,
    unknown_number,
)
from zerofloor.platforms.machines import Machines
from zerofloor.stack import Hidden
from zerofloor.values import Impossible, at, get, seconds
from zerofloor.words import counted

WORKBENCH: Final = ("gcp:workbench/instance:Instance", "google-native:notebooks/v2:Instance")
LEGACY: Final = ("gcp:notebooks/instance:Instance", "google-native:notebooks/v1:Instance")
MANAGED: Final = ("gcp:notebooks/runtime:Runtime", "google-native:notebooks/v1:Runtime")
COLAB: Final = ("gcp:colab/runtime:Runtime",)
COLAB_TEMPLATES: Final = ("gcp:colab/runtimeTemplate:RuntimeTemplate",)
WORKSTATIONS: Final = (
    "gcp:workstations/workstationConfig:WorkstationConfig",
    "google-native:workstations/v1:WorkstationConfig",
    "google-native:workstations/v1beta:WorkstationConfig",
)
_ENDING: Final = (
    *COLAB_TEMPLATES,
    "gcp:colab/notebookExecution:NotebookExecution",
    "gcp:colab/schedule:Schedule",
    "gcp:workstations/workstation:Workstation",
    "google-native:notebooks/v1:Execution",
    "google-native:notebooks/v1:Schedule",
)
READS: Final = frozenset({*WORKBENCH, *LEGACY, *MANAGED, *COLAB, *WORKSTATIONS, *_ENDING})

_LONGEST: Final = WEEK * 3600
"""Seconds: a shutdown later than that leaves it running after a week without use."""
_IDLE: Final = "idle-timeout-seconds"
Rest = Evidence | Undecided | None


def read(estate: Estate) -> Iterator[Part]:
    """Every notebook and workstation."""
    for source in declared(estate, *WORKBENCH):
        yield from _workbench(estate, source)
    for source in declared(estate, *LEGACY):
        yield from _legacy(estate, source)
    for source in declared(estate, *MANAGED):
        yield from _managed(estate, source)
    for source in declared(estate, *COLAB):
        yield from _colab(estate, source)
    for source in declared(estate, *WORKSTATIONS):
        yield from _workstations(estate, source)
    for source in declared(estate, *_ENDING):
        because = "describes machines, or runs once and ends"
        yield Accounted(urn=source.urn, path="", because=because)


def _notebook(
    estate: Estate,
    source: Declared,
    found: Machines,
    rest: Rest,
    *,
    platform: str,
    fix: str,
    change: tuple[str, Any] | None = None,
    changed: Declared | None = None,
) -> Iterator[Part]:
    """`changed` is the resource that the change is for, where it isn't the notebook itself."""
    held = source.evidence("desiredState", "it runs until it is stopped")
    hold = Hold(
        cause=Cause.INTERACTIVE,
        urn=source.urn,
        units=1,
        evidence=(*found.evidence, held),
        fix=fix,
        change=changes_of(changed or source, change) if change else (),
    )
    pool = pool_of(
        estate,
        source,
        found,
        platform=platform,
        holds=() if rest is not None else (hold,),
        undecided=(rest,) if isinstance(rest, Undecided) else (),
        desired=1,
        ceiling=1,
        evidence=(rest,) if isinstance(rest, Evidence) else (),
        price_as="notebooks",
    )
    if pool is not None:
        yield pool


def _stopped(source: Declared, path: str = "desiredState") -> Rest:
    state = source.field(path)
    if state.is_hidden:
        return state.undecided("Whether it is stopped isn't known at preview")
    return state.evidence("stopped: only its disks bill") if state.value == "STOPPED" else None


def _timeout(field: Field, value: Any, unit: str = "") -> Rest:
    """Whether a time after which it is shut down ends it; "0" and "" never do."""
    if isinstance(value, Hidden):
        return field.undecided("After which idle time it is shut down isn't known at preview")
    if value in (None, "", "0", 0):
        return None
    time = seconds(f"{value}{unit}" if unit else value)
    if isinstance(time, Decimal):
        if not 0 < time <= _LONGEST:
            return None
        said = f"it is shut down after {time / 60:f} idle minutes"
        return Evidence(field.source.urn, field.path, value, said)
    why = time.why if isinstance(time, Impossible) else "it isn't known"
    return field.undecided(f"The idle timeout is invalid: {why}")


# Workbench and its predecessors


def _workbench(estate: Estate, source: Declared) -> Iterator[Part]:
    setup = source.field("gceSetup")
    if setup.is_hidden:
        found = Machines(undecided=(setup.undecided("The machine isn't known at preview"),))
    else:
        found = machines(
            estate,
            source,
            ["gceSetup.machineType"],
            ["gceSetup.acceleratorConfigs"],
            default="e2-standard-4",
        )
    rest = _stopped(source)
    if rest is None:
        rest = _metadata(source, "gceSetup.metadata", documented=True)
    path = "gceSetup.metadata"
    given = get(source.inputs, path)
    goal = {**given, _IDLE: "3600"} if isinstance(given, dict) else {_IDLE: "3600"}
    yield from _notebook(
        estate,
        source,
        found,
        rest,
        platform="Workbench instance",
        fix=f"Set {path}.{_IDLE} to 3600, or desiredState to STOPPED",
        change=(path, goal),
    )


def _metadata(source: Declared, path: str, *, documented: bool) -> Rest:
    """The idle shutdown in the metadata. The default of three hours is documented, and whether an
    instance that the API makes has it is not."""
    whole = source.field(path)
    if whole.is_hidden:
        return whole.undecided(f"{_IDLE} may be in it: it decides whether an idle GPU runs on")
    value = at(whole.value, _IDLE)
    if value is None and documented:
        why = f"No {_IDLE} is given, and whether the API applies the documented default isn't known"
        settle = f"Set {path}.{_IDLE} (3600: an hour; 0: never shut down)"
        return source.open(f"{path}.{_IDLE}", why, settle)
    return _timeout(Field(source=source, path=f"{path}.{_IDLE}", value=value), value)


def _legacy(estate: Estate, source: Declared) -> Iterator[Part]:
    found = machines(estate, source, ["machineType"], ["acceleratorConfig"])
    rest = _stopped(source)
    if rest is None:
        rest = _metadata(source, "metadata", documented=False)
    yield from _notebook(
        estate,
        source,
        found,
        rest,
        platform="Notebook instance",
        fix=f"Set metadata.{_IDLE} to 3600, or desiredState to STOPPED",
    )


def _managed(estate: Estate, source: Declared) -> Iterator[Part]:
    """A managed notebook: shut down after three idle hours unless that is turned off."""
    base = "virtualMachine.virtualMachineConfig"
    whole = source.field(base)
    if whole.is_hidden:
        found = Machines(undecided=(whole.undecided("The machine isn't known at preview"),))
    else:
        found = machines(estate, source, [f"{base}.machineType"], [f"{base}.acceleratorConfig"])
    config = source.field("softwareConfig")
    switched = source.field("softwareConfig.idleShutdown")
    timeout = source.field("softwareConfig.idleShutdownTimeout")
    rest: Rest
    if config.is_hidden or switched.is_hidden:
        rest = config.undecided("Whether it is shut down when idle isn't known at preview")
    elif switched.switch() is False:
        rest = None
    elif timeout.is_absent:
        rest = switched.evidence("it is shut down after 180 idle minutes by default")
    else:
        rest = _timeout(timeout, timeout.value, "m")
    yield from _notebook(
        estate,
        source,
        found,
        rest,
        platform="Managed notebook",
        fix="Set softwareConfig.idleShutdown to true",
        change=("softwareConfig.idleShutdown", True),
    )


# Colab Enterprise


def _colab(estate: Estate, source: Declared) -> Iterator[Part]:
    prop = "notebookRuntimeTemplateRef"
    value = get(source.inputs, f"{prop}.notebookRuntimeTemplate")
    found_link = link(estate, source, prop, *COLAB_TEMPLATES, value=value)
    templates = resources(estate, found_link)
    if len(templates) != 1 or found_link.open:
        why = "The runtime template isn't in the stack: it could have GPUs and never shut down"
        stopped = _stopped(source)
        if not isinstance(stopped, Evidence):
            yield source.open(prop, why, SETTLE_TEMPLATE)
        return
    template = templates[0]
    spec = template.field("machineSpec")
    if spec.is_hidden:
        found = Machines(undecided=(spec.undecided("The machine isn't known at preview"),))
    else:
        found = machines(
            estate,
            template,
            ["machineSpec.machineType"],
            ["machineSpec"],
            default="e2-standard-4",
        )
    rest = _stopped(source)
    if rest is None:
        rest = _colab_idle(template)
    yield from _notebook(
        estate,
        source,
        found,
        rest,
        platform="Colab Enterprise runtime",
        fix="Set idleShutdownConfig.idleTimeout of its template to 3600s",
        change=("idleShutdownConfig.idleTimeout", "3600s"),
        changed=template,
    )


def _colab_idle(template: Declared) -> Rest:
    config = template.field("idleShutdownConfig")
    field = template.field("idleShutdownConfig.idleTimeout")
    if config.is_hidden:
        return config.undecided("Whether it is shut down when idle isn't known at preview")
    if field.is_absent:
        why = "No idle timeout is given, and the API's default isn't documented"
        return field.undecided(why, "Set idleShutdownConfig.idleTimeout (3600s: an hour)")
    value = field.value
    if isinstance(value, str) and value.strip() == "0s":
        return None
    return _timeout(field, value)


# Workstations


def _workstations(estate: Estate, source: Declared) -> Iterator[Part]:
    """The pool of started VMs, and workstations that never stop."""
    base = "host.gceInstance"
    whole = source.field(base)
    if whole.is_hidden:
        yield whole.undecided("The machines of the workstations aren't known: perhaps GPUs")
        return
    endless = _never_ends(source)
    yield from _workstation_pool(estate, source, base, endless, part="")
    listed = source.field(f"{base}.boostConfigs").items()
    if isinstance(listed, Hidden):
        yield source.open(f"{base}.boostConfigs", "The boost machines aren't known: perhaps GPUs")
        return
    for index in range(len(listed)):
        part = f"{base}.boostConfigs[{index}]"
        yield from _workstation_pool(estate, source, part, endless, part=part)


def _workstation_pool(
    estate: Estate, source: Declared, base: str, endless: Rest | bool, *, part: str
) -> Iterator[Part]:
    found = machines(
        estate,
        source,
        [f"{base}.machineType"],
        [f"{base}.accelerators"],
        default="e2-standard-4",
    )
    number = size(source, [f"{base}.poolSize"], 0, "omitted: 0")
    undecided: list[Undecided] = []
    holds: list[Hold] = []
    if isinstance(number, Undecided):
        undecided.append(number)
    elif number.is_hidden:
        undecided.append(unknown_number(number))
    elif number.known:
        waiting = number.evidence(
            f"{counted(number.known, 'started machine')} kept ready for users"
        )
        holds.append(
            Hold(
                cause=Cause.WARM_POOL,
                urn=source.urn,
                units=number.known,
                evidence=(*found.evidence, waiting),
                fix=f"Set {number.path} to 0",
                change=changes_of(source, (number.path, 0)),
            )
        )
    if isinstance(endless, Undecided):
        undecided.append(endless)
    elif isinstance(endless, Evidence):
        holds.append(
            Hold(
                cause=Cause.INTERACTIVE,
                urn=source.urn,
                units=None,
                evidence=(*found.evidence, endless),
                fix="Set idleTimeout to 1200s",
                change=changes_of(source, ("idleTimeout", "1200s")),
            )
        )
    pool = pool_of(
        estate,
        source,
        found,
        platform="Workstation configuration",
        holds=holds,
        undecided=undecided,
        desired=0 if isinstance(number, Undecided) else number.known or 0,
        part=part,
    )
    if pool is not None:
        yield pool


def _never_ends(source: Declared) -> Rest:
    """Evidence where a workstation that was started once never stops by itself."""
    found: list[Field] = []
    for name in ("idleTimeout", "runningTimeout"):
        field = source.field(name)
        if field.is_hidden:
            return field.undecided("After which time workstations stop isn't known at preview")
        time = seconds(field.value)
        if not isinstance(time, Decimal) or 0 < time <= _LONGEST:
            return None  # By default 20 idle minutes, and 12 hours of running.
        found.append(field)
    return found[0].evidence("a workstation that was started once never stops")
