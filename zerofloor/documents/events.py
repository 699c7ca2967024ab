"""The engine's events, one JSON object a line: a streaming `preview --json`, or what `--event-log`
writes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from zerofloor.documents.refusal import refusal, undecodable
from zerofloor.documents.steps import OldState, State, Step, first_line, stack_after
from zerofloor.stack import Stack


class Metadata(msgspec.Struct, gc=False):
    op: str
    urn: str
    old: OldState | None = None
    new: State | None = None


class StepEvent(msgspec.Struct, gc=False):
    metadata: Metadata


class Prelude(msgspec.Struct, gc=False):
    config: dict[str, str] | None = None


class Diagnostic(msgspec.Struct, gc=False):
    message: str = ""
    severity: str = ""


class Summary(msgspec.Struct, rename="camel", gc=False):
    resource_changes: dict[str, int] | None = None
    maybe_corrupt: bool = False
    result: str = "succeeded"


class Event(msgspec.Struct, rename="camel", gc=False):
    """The needed fields of pulumi/pulumi, sdk/go/common/apitype/events.go."""

    sequence: int
    resource_pre_event: StepEvent | None = None
    res_outputs_event: StepEvent | None = None
    res_op_failed_event: StepEvent | None = None
    diagnostic_event: Diagnostic | None = None
    prelude_event: Prelude | None = None
    summary_event: Summary | None = None


_DECODER = msgspec.json.Decoder(Event)


def read_events(name: str, data: bytes, baseline: Stack | None = None) -> Stack:
    """The stack that the last operation in the log leaves. Raises InputError where the log is
    broken, failed or partial."""
    steps: list[Step] = []
    config: dict[str, str] = {}
    summary: Summary | None = None
    failure: str | None = None
    for event in _events(name, data):
        if event.prelude_event is not None:
            # `pulumi up` logs its preview and its update into one file: what the later one says
            # counts.
            steps, summary, config = [], None, event.prelude_event.config or {}
        elif event.resource_pre_event is not None:
            _add(steps, event.resource_pre_event.metadata)
        elif event.res_outputs_event is not None:
            _settle_refresh(steps, event.res_outputs_event.metadata)
        elif event.res_op_failed_event is not None:
            failure = failure or (
                f"{event.res_op_failed_event.metadata.op} of "
                f"{event.res_op_failed_event.metadata.urn} failed"
            )
        elif event.diagnostic_event is not None and event.diagnostic_event.severity == "error":
            failure = failure or first_line(event.diagnostic_event.message)
        elif event.summary_event is not None:
            summary = event.summary_event
    if failure is not None:
        raise refusal(name, f"the run failed, so the event log is partial: {failure}")
    counts = _counts_of_a_whole_run(name, summary)
    return stack_after("events", name, steps, counts, config, links=False, baseline=baseline)


def _counts_of_a_whole_run(name: str, summary: Summary | None) -> Mapping[str, int]:
    if summary is None or summary.resource_changes is None:
        raise refusal(
            name, "partial: the event log has no summaryEvent with its counts: did the run end?"
        )
    if summary.result != "succeeded":
        raise refusal(name, f"partial: the run ended as {first_line(summary.result)}")
    if summary.maybe_corrupt:
        raise refusal(
            name, "the engine marks this run as possibly corrupt (maybeCorrupt): run it again"
        )
    return summary.resource_changes


def _events(name: str, data: bytes) -> Iterator[Event]:
    view = memoryview(data)  # the lines are decoded where they are: no second copy of the log
    start = 0
    while start < len(data):
        end = data.find(b"\n", start)
        end = len(data) if end < 0 else end
        line = view[start:end]
        if bytes(line[:1]).strip() or bytes(line).strip():
            try:
                yield _DECODER.decode(line)
            except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
                number = data.count(b"\n", 0, start) + 1
                raise refusal(
                    name,
                    f"event in line {number}: {undecodable('', bytes(line), error)}".replace(
                        " : ", " ", 1
                    ),
                ) from None
        start = end + 1


def _add(steps: list[Step], metadata: Metadata) -> None:
    """A step, once: the engine has been seen to log one twice in a row, and to count it once."""
    step = Step(op=metadata.op, urn=metadata.urn, old_state=metadata.old, new_state=metadata.new)
    if not steps or (steps[-1].urn, steps[-1].op, steps[-1].new_state) != (
        step.urn,
        step.op,
        step.new_state,
    ):
        steps.append(step)


def _settle_refresh(steps: list[Step], outcome: Metadata) -> None:
    """A refresh tells only afterwards what it found."""
    if outcome.op not in ("update", "delete"):
        return
    for index, step in enumerate(steps):
        if step.urn == outcome.urn and step.op == "refresh":
            steps[index] = Step(
                op=outcome.op, urn=outcome.urn, old_state=outcome.old, new_state=outcome.new
            )
