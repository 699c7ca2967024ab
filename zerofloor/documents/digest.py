"""`pulumi preview --json`: the engine's digest of a preview."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import msgspec

from zerofloor.documents.refusal import refusal, undecodable
from zerofloor.documents.steps import Step, first_line, stack_after
from zerofloor.patterns import lazy
from zerofloor.stack import STACK_TYPE, Stack


class Diagnostic(msgspec.Struct, gc=False):
    message: str = ""
    severity: str = ""


class Digest(msgspec.Struct, rename="camel"):
    """The needed fields of pulumi/pulumi, pkg/display/json.go. Outputs and stack traces, most of a
    digest, are skipped."""

    steps: list[Step]
    config: dict[str, str] | None = None
    diagnostics: list[Diagnostic] | None = None
    change_summary: dict[str, int] | None = None
    maybe_corrupt: bool = False


_ANSI: Final = lazy(r"\x1b\[[0-9;]*m")
_TROUBLE: Final = lazy(
    r"(?i)\b(?:errors?|exception|traceback|panic|fatal|failed|undefined|cannot|unable to)\b"
)


def failure_in(diagnostics: Sequence[Diagnostic], *, nothing_made: bool) -> str | None:
    """What a failed run says, its first line; None where it ended well.

    The engine marks a failure as `error`. The YAML language host prints what is wrong with a
    program to stderr instead (`info#err`), where the output of healthy programs is, too. Its sign,
    seen on the engine 3.259: "Error: …", coloured whatever --color says, with "  on FILE line N"
    after it. `nothing_made` tells that there is no resource beside the stack: then whatever speaks
    of trouble counts.
    """
    for diagnostic in diagnostics:
        if diagnostic.severity == "error":
            return first_line(diagnostic.message)
    printed = [d.message for d in diagnostics if d.severity == "info#err"]
    placed = any(re.match(r"  on .+ line \d+", _ANSI.sub("", text)) for text in printed)
    for text in printed:
        plain = _ANSI.sub("", text)
        coloured = text.startswith("\x1b[31mError\x1b[0m: ")
        if coloured or (plain.startswith("Error: ") and (placed or nothing_made)):
            return first_line(plain.removeprefix("Error: "))
    if nothing_made:
        trouble = next((text for text in printed if _TROUBLE.search(text)), None)
        if trouble is not None:
            return first_line(_ANSI.sub("", trouble))
    return None


_DECODER = msgspec.json.Decoder(Digest)


def read_digest(name: str, data: bytes, baseline: Stack | None = None) -> Stack:
    """The stack that the previewed update would leave. Raises InputError where the digest is
    broken, failed or partial."""
    try:
        digest = _DECODER.decode(data)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise undecodable(name, data, error) from None
    return stack_of(name, digest, baseline)


def decoded(data: bytes) -> Digest | None:
    """The digest, where the document begins as the engine's do and is one: the kind of a large one
    is not asked for first, which would take as long as reading it."""
    if not data[:64].lstrip()[1:].lstrip().startswith((b'"config"', b'"steps"')):
        return None
    try:
        return _DECODER.decode(data)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return None  # Whoever asks for its kind tells what is wrong.


def stack_of(name: str, digest: Digest, baseline: Stack | None) -> Stack:
    """As `read_digest`."""
    made = any(f"::{STACK_TYPE}::" not in step.urn for step in digest.steps)
    failure = failure_in(digest.diagnostics or (), nothing_made=not made)
    if failure is not None:
        raise refusal(name, f"the preview failed, so the digest is partial: {failure}")
    if digest.maybe_corrupt:
        raise refusal(
            name, "the engine marks this preview as possibly corrupt (maybeCorrupt): preview again"
        )
    if digest.change_summary is None:
        raise refusal(
            name, "partial: a digest without changeSummary is of a preview that did not finish"
        )
    return stack_after(
        "digest",
        name,
        digest.steps,
        digest.change_summary,
        digest.config or {},
        links=True,
        baseline=baseline,
    )
