"""What kind of document this is, told from its content."""

from __future__ import annotations

from typing import Literal

import msgspec

from zerofloor.documents.cloudformation import is_template
from zerofloor.documents.misplaced import is_foreign, misplaced_report, misplaced_text
from zerofloor.documents.refusal import refusal, undecodable

DocumentKind = Literal["cloudformation", "digest", "events", "export", "manifests", "plan"]

EXPECTED = (
    "expected a `pulumi preview --json` digest, an event log, a `pulumi stack export`, Kubernetes "
    "manifests, a `terraform show -json` plan or a CloudFormation template"
)


_ABSENT = msgspec.Raw(b"")


class Top(
    msgspec.Struct,
    rename={
        "change_summary": "changeSummary",
        "api_version": "apiVersion",
        "template_version": "AWSTemplateFormatVersion",
        "template_resources": "Resources",
    },
):
    """The keys that tell the kinds apart; their values are skipped unread."""

    sequence: msgspec.Raw = _ABSENT
    steps: msgspec.Raw = _ABSENT
    change_summary: msgspec.Raw = _ABSENT
    diagnostics: msgspec.Raw = _ABSENT
    deployment: msgspec.Raw = _ABSENT
    checkpoint: msgspec.Raw = _ABSENT
    api_version: msgspec.Raw = _ABSENT
    kind: msgspec.Raw = _ABSENT
    format_version: msgspec.Raw = _ABSENT
    terraform_version: msgspec.Raw = _ABSENT
    lineage: msgspec.Raw = _ABSENT
    template_version: msgspec.Raw = _ABSENT
    template_resources: msgspec.Raw = _ABSENT
    schema: msgspec.Raw = _ABSENT


_DECODER = msgspec.json.Decoder(Top)


def text_of(name: str, data: bytes) -> bytes:
    """The document without its byte-order mark. Raises InputError where it is empty, or no UTF-8
    text."""
    data = data.removeprefix(b"\xef\xbb\xbf")
    if not data.strip():
        raise refusal(name, f"it is empty: {EXPECTED}")
    if (
        data[:2] in (b"\xff\xfe", b"\xfe\xff")
        or data[:2].find(b"\0") >= 0
        or data[1:4:2] == b"\0\0"
    ):
        raise refusal(name, "it is UTF-16 (PowerShell's `>` writes that): save it as UTF-8")
    if data[:4] == b"PK\x03\x04":
        raise refusal(
            name,
            "it is a ZIP archive; of a Terraform plan give what `terraform show -json` prints",
        )
    if b"\0" in data[:4096] or data[:2] == b"\x1f\x8b":
        raise refusal(name, f"it is binary or compressed: {EXPECTED}")
    return data


def detect(name: str, data: bytes) -> DocumentKind:
    """The kind of a document that `text_of` returned. Raises InputError where it is none of
    them."""
    start = data.lstrip()[:2]
    if start[:1] == b"[" and not is_foreign(name, data):
        raise refusal(name, f"it is a JSON array: {EXPECTED}")
    if start[:1] != b"{" or start == b"{{":
        if b"\n{" in data and (b'"changeSummary"' in data or b'"resourcePreEvent"' in data):
            raise refusal(
                name,
                "other text stands before the JSON: save the command's stdout only, without 2>&1",
            )
        told = misplaced_text(name, data)
        if told:
            raise refusal(name, told)
        return "cloudformation" if is_template(data) else "manifests"
    if (end := data.strip().find(b"\n")) > 0 and _is_event(data.lstrip()[:end]):
        return "events"
    try:
        top = _DECODER.decode(data)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        if b"\n---" in data:
            return "manifests"
        raise undecodable(name, data, error) from None
    return _kind(name, top)


def _kind(name: str, top: Top) -> DocumentKind:
    if _there(top.format_version):
        return "plan"
    if _there(top.terraform_version) and _there(top.lineage):
        raise refusal(
            name,
            "a Terraform state as a backend keeps it: give what `terraform show -json` prints",
        )
    if _there(top.steps):
        return "digest"
    if _there(top.deployment) or _there(top.checkpoint):
        return "export"
    if _there(top.api_version) and _there(top.kind):
        return "manifests"
    if _there(top.template_version) or b'"AWS::' in bytes(top.template_resources):
        return "cloudformation"
    if _there(top.sequence):
        return "events"
    if _there(top.change_summary) or _there(top.diagnostics):
        raise refusal(
            name, "a preview digest without `steps`: the preview failed, or its output was filtered"
        )
    raise refusal(
        name, misplaced_report(bytes(top.schema)) or f"a JSON object of another kind: {EXPECTED}"
    )


def _there(value: msgspec.Raw) -> bool:
    return bytes(value) not in (b"", b"null") if len(value) < 5 else True


def _is_event(line: bytes) -> bool:
    try:
        return _there(_DECODER.decode(line).sequence)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return False
