"""The steps of a preview or an update -> the resources that exist after it. Digests and event logs
share this."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final

import msgspec

from zerofloor.documents.properties import SECRET_TEXT, inputs_of
from zerofloor.documents.refusal import refusal, shown
from zerofloor.stack import Kind, Resource, Stack
from zerofloor.words import counted, verb

LEAVING: Final = frozenset(
    {"delete", "delete-replaced", "discard", "discard-replaced", "remove-pending-replace"}
)
REPLACING: Final = frozenset(
    {"replace", "create-replacement", "read-replacement", "import-replacement"}
)
STAYING: Final = frozenset({"create", "update", "same", "read", "import"})
LOOKING: Final = frozenset({"refresh", "diff"})
"""Steps that look at a resource; another step of the same resource may follow, and then that one
counts."""
_KNOWN: Final = LEAVING | REPLACING | STAYING | LOOKING
# pulumi/pulumi, pkg/resource/deploy/step.go; `extend-parameterize` is about a provider, and
# internal

_UNCOUNTED: Final = (LEAVING - {"delete", "discard"}) | (REPLACING - {"replace"}) | LOOKING
"""Steps that a summary does not count: the parts of a replacement, and looks."""

SHOW_SAMES: Final = (
    "run it with --show-sames, or fill the gap with --baseline and a `pulumi stack export`"
)


class State(msgspec.Struct, rename="camel", gc=False):
    """A resource after a step."""

    urn: str
    type: str
    custom: bool = False
    inputs: dict[str, Any] | None = None
    parent: str | None = None
    provider: str | None = None
    property_dependencies: dict[str, list[str] | None] | None = None
    ignore_changes: list[str] | None = None
    aliases: list[str] | None = None
    source_position: str | None = None


class OldState(msgspec.Struct, rename="camel", gc=False):
    """A resource before a step: mostly the same as after it, so it stays undecoded until it is
    needed."""

    urn: str
    type: str
    custom: bool = False
    inputs: msgspec.Raw = msgspec.Raw(b"null")
    id: str = ""
    parent: str | None = None
    provider: str | None = None
    retain_on_delete: bool = False


class Step(msgspec.Struct, rename="camel", gc=False):
    """One step of the engine's plan."""

    op: str
    urn: str
    old_state: OldState | None = None
    new_state: State | None = None


def stack_after(
    kind: Kind,
    name: str,
    steps: list[Step],
    summary: Mapping[str, int],
    config: Mapping[str, str] | None,
    *,
    links: bool,
    baseline: Stack | None,
) -> Stack:
    """The stack as it is once the steps are done. `links`: whether the document has property
    dependencies.

    Raises InputError where steps are missing that `summary` counts, or contradict each other.
    """
    if not steps:
        raise refusal(name, "partial: it has no steps, and even an empty program has its stack")
    if any(count < 0 for count in summary.values()):
        raise refusal(name, "its summary counts fewer than no resources")
    by_urn = _by_urn(name, steps)
    resources, notes, leftovers = [], [], []
    for urn, same_urn in by_urn.items():
        resource = _outcome(name, urn, same_urn, links)
        if resource is not None:
            resources.append(resource)
        notes += _notes(urn, same_urn, resource)
        leftovers += _retained(name, urn, same_urn)
    filled = _filled(name, by_urn, summary, baseline)
    if baseline is not None and filled:
        notes.append(
            f"{counted(len(filled), 'resource')} that {name} does not mention "
            f"{verb(len(filled), 'was', 'were')} taken from {baseline.document} as unchanged"
        )
    resources += filled
    project, stack = names_in(by_urn)
    return Stack(
        kind=kind,
        resources=tuple(sorted(resources, key=lambda r: r.urn)),
        project=project,
        name=stack,
        config=None
        if config is None
        else {key: config[key] for key in sorted(config) if SECRET_TEXT not in config[key]},
        document=name,
        notes=tuple(sorted(notes)),
        leftovers=tuple(sorted(leftovers, key=lambda r: r.urn)),
    )


def _by_urn(name: str, steps: list[Step]) -> dict[str, list[Step]]:
    by_urn: dict[str, list[Step]] = {}
    for index, step in enumerate(steps):
        if step.op in _KNOWN:
            by_urn.setdefault(step.urn, []).append(step)
        elif step.op != "extend-parameterize":
            raise refusal(
                name,
                f"step {index} has the op {shown(step.op)!r}, which no engine up to 3.259 writes",
            )
    return by_urn


def _filled(
    name: str,
    by_urn: dict[str, list[Step]],
    summary: Mapping[str, int],
    baseline: Stack | None,
) -> list[Resource]:
    """What the baseline has beside the steps. Raises InputError where a gap in them remains."""
    missing = _missing(by_urn, summary)
    if baseline is None:
        if missing.total():
            raise refusal(name, f"partial: {_gap(missing)}: {SHOW_SAMES}")
        return []
    filled = _unmentioned(name, by_urn, baseline)
    if sum(missing.values()) != missing["same"] or missing["same"] > len(filled):
        raise refusal(
            name,
            f"{_gap(missing)}, and {shown(baseline.document)} does not fill the gap: "
            "run it with --show-sames",
        )
    return filled


def _retained(name: str, urn: str, steps: list[Step]) -> list[Resource]:
    """What a deletion of this resource leaves in the cloud."""
    if len(steps) == 1 and steps[0].op in STAYING:
        return []
    kept = [
        step.old_state
        for step in steps
        if step.op in ("delete", "delete-replaced")
        and step.old_state is not None
        and step.old_state.retain_on_delete
    ]
    return [resource_of(name, urn, _as_it_was(name, old), "delete", links=False) for old in kept]


def resource_of(
    name: str,
    urn: str,
    state: State,
    op: str,
    links: bool,
    *,
    created_first: bool = False,
    before: Mapping[str, Any] | None = None,
) -> Resource:
    """A state as a resource. Raises InputError where its URN or its inputs can't be the
    engine's."""
    parts = urn.split("::", 3)
    if len(parts) != 4 or not urn.startswith("urn:pulumi:"):
        raise refusal(name, f"{shown(urn)!r} is not a URN (urn:pulumi:STACK::PROJECT::TYPE::NAME)")
    if state.urn != urn:
        raise refusal(name, f"the step of {shown(urn)} holds the state of {shown(state.urn)}")
    try:
        inputs = inputs_of(state.type, state.inputs)
    except RecursionError:
        raise refusal(name, f"the inputs of {shown(urn)} are nested too deeply") from None
    dependencies = None
    if links:
        links_of = state.property_dependencies or {}
        dependencies = {key: _sorted(links_of[key]) for key in sorted(links_of)}
    return Resource(
        urn=urn,
        type=state.type,
        name=parts[3],
        inputs=inputs,
        parent=state.parent or None,
        op=op,
        provider=state.provider or None,
        property_dependencies=dependencies,
        ignore_changes=tuple(state.ignore_changes or ()),
        aliases=tuple(state.aliases or ()),
        source_position=_position(state.source_position),
        custom=state.custom,
        replaced_before_delete=created_first,
        before=before,
    )


def _sorted(urns: list[str] | None) -> tuple[str, ...]:
    return tuple(sorted(urns)) if urns else ()


def names_in(urns: Iterable[str]) -> tuple[str, str]:
    """Project and stack, which every URN tells."""
    stack, _, rest = next(iter(urns), "").removeprefix("urn:pulumi:").partition("::")
    return rest.partition("::")[0], stack


def first_line(message: str) -> str:
    """The line of a diagnostic that says what happened; what follows is often a trace."""
    return shown(next((line for line in message.splitlines() if line.strip()), "no message"))


def _outcome(name: str, urn: str, steps: list[Step], links: bool) -> Resource | None:
    """What is left of one resource after all its steps: itself once, or nothing."""
    chosen = steps[0]
    if len(steps) > 1:
        chosen = _deciding(name, urn, steps)
    if chosen.op in LEAVING:
        return None
    state = chosen.new_state
    if state is None and chosen.old_state is not None and chosen.op in LOOKING:
        state = _as_it_was(name, chosen.old_state)
    if state is None:
        raise refusal(name, f"the {chosen.op} step of {shown(urn)} has no new state")
    if (
        chosen.op == "same"
        and chosen.old_state is not None
        and chosen.old_state.custom
        and not chosen.old_state.id
    ):
        # The engine shows a creation that a target leaves out as `same`; what exists has an ID.
        raise refusal(
            name,
            f"partial: {shown(urn)} is left out by --target or --exclude: preview the whole stack",
        )
    replaced = chosen.op in REPLACING
    return resource_of(
        name,
        urn,
        state,
        "replace" if replaced else chosen.op,
        links,
        created_first=replaced and _created_first(steps),
        before=_before(name, chosen),
    )


def _before(name: str, step: Step) -> Mapping[str, Any] | None:
    """The inputs that an update in place changes."""
    old = step.old_state
    if step.op != "update" or old is None:
        return None
    return inputs_of(old.type, _as_it_was(name, old).inputs)


def _deciding(name: str, urn: str, steps: list[Step]) -> Step:
    """The step that tells what is left where there are several: parts of one replacement, a look
    before the act, a leftover's end."""
    staying = [step for step in steps if step.op in STAYING]
    replacing = [step for step in steps if step.op in REPLACING]
    ops = Counter(step.op for step in steps if step.op not in LEAVING)
    if len(staying) + bool(replacing) > 1 or any(n > 1 for n in ops.values()):
        raise refusal(
            name,
            (
                f"several steps for {shown(urn)} ({', '.join(step.op for step in steps)}) that "
                "are not one replacement"
            ),
        )
    for step in (*reversed(replacing), *staying):
        if step.new_state is not None:
            return step
    looks = [step for step in steps if step.op in LOOKING]
    return next(iter([*replacing, *staying] or [s for s in steps if s.op in LEAVING] or looks))


def _as_it_was(name: str, old: OldState) -> State:
    try:
        inputs = msgspec.json.decode(old.inputs, type=dict[str, Any] | None)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        raise refusal(name, f"the old inputs of {shown(old.urn)} are not an object") from None
    return State(
        urn=old.urn,
        type=old.type,
        custom=old.custom,
        inputs=inputs,
        parent=old.parent,
        provider=old.provider,
    )


def _created_first(steps: list[Step]) -> bool:
    """Whether the replacement exists before its predecessor goes: the engine's default, and assumed
    where the steps don't show it."""
    ops = [step.op for step in steps]
    if "remove-pending-replace" in ops:
        return False
    gone = next(
        (index for index, op in enumerate(ops) if op in ("delete-replaced", "discard-replaced")),
        None,
    )
    made = next((index for index, op in enumerate(ops) if op.endswith("-replacement")), None)
    return gone is None or made is None or made < gone


def _notes(urn: str, steps: list[Step], resource: Resource | None) -> list[str]:
    notes: list[str] = []
    if len(steps) == 1 and steps[0].op in STAYING:
        return notes
    if resource is None or len(steps) > 1:
        if any(
            step.op in ("delete", "delete-replaced")
            and step.old_state is not None
            and step.old_state.retain_on_delete
            for step in steps
        ):
            notes.append(
                f"{shown(urn)} leaves the stack but is retained in the cloud "
                "(retainOnDelete): what it bills is not counted"
            )
    elif resource.op == "replace":
        notes.append(
            f"{shown(urn)} is assumed to be created before its predecessor is deleted: a "
            f"{steps[0].op} step alone does not tell"
        )
    return notes


def _missing(by_urn: Mapping[str, list[Step]], summary: Mapping[str, int]) -> Counter[str]:
    """How many steps of each op the summary counts and the document does not show."""
    ops = [[step.op for step in steps] for steps in by_urn.values()]
    counted = Counter(itertools.chain.from_iterable(ops))
    shown_ops = Counter({op: n for op, n in counted.items() if op not in _UNCOUNTED})
    looks = sum(map(LOOKING.issuperset, ops)) if LOOKING & counted.keys() else 0
    # A refresh that found no change is counted as `same`.
    shown_ops["same"] += min(looks, max(0, summary.get("same", 0) - shown_ops["same"]))
    return Counter(
        {
            op: n - shown_ops[op]
            for op, n in summary.items()
            if n > shown_ops[op] and op not in LOOKING
        }
    )


def _gap(missing: Counter[str]) -> str:
    return (
        f"it counts {missing.total()} more resources than it shows "
        f"({', '.join(f'{op}: {n}' for op, n in sorted(missing.items()))})"
    )


def _unmentioned(name: str, by_urn: Mapping[str, list[Step]], baseline: Stack) -> list[Resource]:
    """What the baseline has and no step mentions. Default providers are in no step ever."""
    project, stack = names_in(by_urn)
    if (baseline.project, baseline.name) != (project, stack):
        there = f"{baseline.project}/{baseline.name}"
        raise refusal(
            name,
            (
                f"--baseline {shown(baseline.document)} is of another stack ({shown(there)}, "
                f"not {shown(f'{project}/{stack}')})"
            ),
        )
    # A renamed resource has its former URN in its old state.
    mentioned = {
        *by_urn,
        *(
            step.old_state.urn
            for steps in by_urn.values()
            for step in steps
            if step.old_state is not None
        ),
    }
    return [
        replace(r, op="same")
        for r in baseline.resources
        if r.urn not in mentioned
        and not (r.type.startswith("pulumi:providers:") and r.name.startswith("default"))
    ]


_LIBRARIES: Final = ("site-packages/", "dist-packages/", "node_modules/")
"""Folders of other people's code, which often lie inside the project's own."""


def position(path: str, line: object) -> str | None:
    """`FILE:LINE` in the program.

    None outside it: a provider names lines of its own source, an SDK those of its components.
    """
    return None if _is_outside(path) else f"{path}:{line}"


@lru_cache(maxsize=1024)
def _is_outside(path: str) -> bool:
    return path.startswith(("../", "/", "file:")) or any(folder in path for folder in _LIBRARIES)


def _position(source: str | None) -> str | None:
    """`project:///__main__.py#22,5` as `__main__.py:22`."""
    if not source:
        return None
    path, mark, line = source.removeprefix("project:///").rpartition("#")
    return position(path, line.partition(",")[0]) if mark else line
