"""What a user's hint says of a resource that supplies GPUs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from zerofloor.capacity import Cause, Evidence, Hold, Part, Pool
from zerofloor.estate import Estate, workload_hint


def hinted(estate: Estate, part: Part) -> Part:
    """The pool with what a hint says of its resource; the hint stands in its assumptions."""
    if not isinstance(part, Pool) or not estate.settings.hints.workloads:
        return part
    hint = workload_hint(estate.settings, part.urn)
    if hint is None:
        return part
    runs, assumption = hint
    if runs != "always" and not (part.undecided or part.holds or part.extra):
        return part  # Nothing rests on the hint.
    known = replace(part, undecided=(), assumptions=(*part.assumptions, assumption))
    if runs != "always":
        return replace(known, holds=(), extra=())
    if part.holds or part.extra:
        return known
    because = Evidence(part.urn, "", None, "a hint says that it always runs")
    return replace(
        known,
        holds=(
            Hold(
                cause=Cause.INSTANCE,
                urn=part.urn,
                units=None,
                evidence=(because,),
                fix="Let it stop when idle",
            ),
        ),
    )


def with_hints(read: Callable[[Estate], Iterable[Part]]) -> Callable[[Estate], Iterator[Part]]:
    """The reader, whose pools then say what hints say of their resources."""

    def read_hinted(estate: Estate) -> Iterator[Part]:
        for part in read(estate):
            yield hinted(estate, part)

    return read_hinted
