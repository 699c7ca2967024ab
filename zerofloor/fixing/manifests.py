"""A finding's change in Kubernetes manifests."""

from __future__ import annotations

from collections.abc import Iterator

from zerofloor.documents.manifests import file_in_urn
from zerofloor.fixing.apply import Edit, Judged, Texts
from zerofloor.fixing.paths import steps_of
from zerofloor.fixing.yaml_text import find_object, set_value
from zerofloor.report import Finding


def edit_manifests(finding: Finding, texts: Texts, _judged: Judged) -> Iterator[Edit]:
    """All changes of the finding, each in the file and object that it names.

    Raises NotEditable where an object isn't in its file, or a value can't be changed alone.
    """
    by_urn_name = {file_in_urn(name): name for name in texts}
    edited: dict[str, str] = {}
    told = []
    for change in finding.change:
        parts = change.urn.removeprefix("urn:pulumi:").split("::")
        name = by_urn_name[parts[1]]
        text = edited.get(name, texts[name])
        document, steps = find_object(text, parts[2], "::".join(parts[3:]))
        edited[name] = set_value(text, document, (*steps, *steps_of(change.path)), change.to)
        told.append(f"{name}: {change.path}")
    yield Edit(edited, ", ".join(told))
