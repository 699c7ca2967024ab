"""What a file is that is no document to judge, and what to do with it instead."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from typing import Final

from zerofloor.patterns import lazy

_PROGRAMS: Final = frozenset(
    {".cs", ".fs", ".go", ".java", ".js", ".kt", ".mjs", ".py", ".ts", ".vb"}
)
"""Suffixes of source code in Pulumi's languages."""

_DOCUMENTS: Final = frozenset({".json", ".jsonl", ".template", ".yaml", ".yml"})
"""Suffixes of documents: their readers say what is wrong with them."""

_PROJECT: Final = lazy(r"^(?:name|runtime):.*^(?:name|runtime):", 24)
"""A Pulumi project has both at its top (24: MULTILINE and DOTALL)."""

_KUBERNETES: Final = lazy(r"""^[\s\-{]*["']?(?:apiVersion|kind)["']?\s*:""", 8)
"""A line of a manifest (8: MULTILINE)."""

_OWN: Final = lazy(r'"zerofloor\.([a-z]{1,20})/\d+"')

_REPORTS: Final[Mapping[str, str]] = {
    "audit": "to compare with it use `zerofloor audit --since`",
    "baseline": "use it with `--baseline-findings`",
    "report": "to compare with it use `--against`",
    "undo": "`zerofloor reap --undo` takes it",
}


def misplaced_text(name: str, data: bytes) -> str:
    """What a text that isn't JSON is, as far as its name or its first keys tell that it is no
    document; empty where they don't."""
    path = PurePath(name)
    if path.name in ("Pulumi.yaml", "Pulumi.yml") or _is_project(data):
        return f"a Pulumi project: judge it with `zerofloor preview {path.parent}`"
    if path.name.startswith("Pulumi.") and path.suffix in (".yaml", ".yml"):
        stack = path.stem.removeprefix("Pulumi.")
        return (
            f"the configuration of a stack: judge it with `zerofloor preview {path.parent} "
            f"--stack {stack}`"
        )
    if path.name == "zerofloor.yaml":
        return "zerofloor's own settings: they count for the documents beside them (--settings)"
    if path.name == "Chart.yaml":
        return (
            f"a Helm chart: judge what it renders, `helm template {path.parent} | zerofloor "
            "check -`"
        )
    if path.suffix in _PROGRAMS:
        return f"the source of a program: judge it with `zerofloor preview {path.parent}`"
    if path.suffix == ".tf":
        return "Terraform's source: give what `terraform show -json PLAN` prints"
    return ""


def is_foreign(name: str, data: bytes) -> bool:
    """Whether neither the name nor the content of a text is like a document's."""
    suffix = PurePath(name).suffix
    foreign = suffix not in _DOCUMENTS if suffix else _is_prose(data)
    return foreign and not _KUBERNETES.search(_text(data))


def _is_prose(data: bytes) -> bool:
    """Whether most of the first lines are neither keys, items nor comments."""
    lines = [line.strip() for line in data[:4096].splitlines() if line.strip()][:20]
    like = [line for line in lines if line.startswith((b"#", b"-", b"{", b"}")) or b":" in line]
    return len(lines) >= 5 and len(like) * 2 < len(lines)


def misplaced_report(schema: bytes) -> str:
    """What a JSON object with this `schema` (still encoded) is if zerofloor wrote it; else
    empty."""
    kind = _OWN.fullmatch(_text(schema))
    if kind is None:
        return ""
    what_for = _REPORTS.get(kind[1], "judge the document that it was made from")
    return f"zerofloor's own output ({kind[1]}): {what_for}"


def _is_project(data: bytes) -> bool:
    return bool(_PROJECT.search(_text(data[:4096]))) and not _KUBERNETES.search(_text(data))


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")
