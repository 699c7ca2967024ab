"""A rule's example as a report."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import yaml

from tests.cases import digest_of
from zerofloor.documents import read
from zerofloor.gate.organisation import Written, combined
from zerofloor.judge import judge
from zerofloor.prices.book import open_book
from zerofloor.report import Report
from zerofloor.rules import known_rules
from zerofloor.settings.nodes import node_of

TODAY = datetime.date(2026, 11, 24)


def report_on(example: str) -> Report:
    """What comes out of an example: `resources` as a preview digest, else manifests; `settings`
    beside either."""
    documents = [document for document in yaml.safe_load_all(example) if document]
    settings: Any = {}
    policy: Any = None
    manifests = []
    resources = None
    for document in documents:
        settings = document.get("settings", settings)
        policy = document.get("policy", policy)
        if "resources" in document:
            resources = document["resources"]
        elif "kind" in document:
            manifests.append(document)
    if resources is not None:
        case = {
            "resources": [
                {"type": r["type"], "name": r["name"], "props": r["inputs"]} for r in resources
            ]
        }
        stack = read("example.json", digest_of(case))
    else:
        stack = read(
            "example.yaml",
            "\n---\n".join(map(json.dumps, manifests)).encode(),
            input_format="manifests",
        )
    organisation = [] if policy is None else [Written(node_of(policy, "policy"), Path())]
    repository = Written(node_of(settings, "example"), Path())
    chosen = combined(organisation, repository, known_rules(), TODAY)
    return judge((stack,), open_book(), chosen, TODAY)
