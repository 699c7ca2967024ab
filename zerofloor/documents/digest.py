"""`pulumi preview --json`: the engine's digest of a preview."""

from __future__ import annotations

import msgspec

from zerofloor.documents.refusal import refusal, undecodable
from zerofloor.documents.steps import Step, first_line, stack_after
from zerofloor.stack import Stack


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


_DECODER = msgspec.json.Decoder(Digest)


def read_digest(name: str, data: bytes, baseline: Stack | None = None) -> Stack:
    """The stack that the previewed update would leave. Raises InputError where the digest is
    broken, failed or partial."""
    try:
        digest = _DECODER.decode(data)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise undecodable(name, data, error) from None
    for diagnostic in digest.diagnostics or ():
        if diagnostic.severity == "error":
            raise refusal(
                name,
                f"the preview failed, so the digest is partial: {first_line(diagnostic.message)}",
            )
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
