"""A rule's example as a report."""

from __future__ import annotations

import datetime
import json
from typing import Any

import yaml

from tests.cases import digest_of
from zerofloor.documents import read
from zerofloor.judge import judge
from zerofloor.prices.book import open_book
from zerofloor.report import Report
from zerofloor.settings import parse

TODAY = datetime.date(2026, 11, 24)


def report_on(example: str) -> Report:
    """What comes out of an example: `resources` as a preview digest, else manifests; `settings`
    beside either."""
    documents = [document for document in yaml.safe_load_all(example) if document]
    settings: Any = {}
    manifests = []
    resources = None
    for document in documents:
        settings = document.get("settings", settings)
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
    return judge((stack,), open_book(), parse(settings, "example"), TODAY)
