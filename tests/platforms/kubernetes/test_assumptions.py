"""What a verdict assumes beyond the document is printed."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cases import stack_of
from tests.hiding import floor_of
from tests.platforms.stacks import UNKNOWN


@pytest.mark.parametrize(
    ("query", "is_assumed"), [("sum(rate(requests[1m]))", False), (UNKNOWN, True)]
)
def test_a_hidden_query_is_assumed_to_be_zero_while_idle(query: str, is_assumed: bool) -> None:
    metadata = {"serverAddress": "http://prometheus", "query": query, "threshold": "5"}
    trigger = {"type": "prometheus", "metadata": metadata}
    pod = {"containers": [{"name": "c", "resources": {"limits": {"nvidia.com/gpu": 1}}}]}
    case: dict[str, Any] = {
        "resources": [
            {
                "type": "kubernetes:apps/v1:Deployment",
                "name": "llm",
                "props": {"metadata": {"name": "llm"}, "spec": {"template": {"spec": pod}}},
            },
            {
                "type": "kubernetes:keda.sh/v1alpha1:ScaledObject",
                "name": "llm",
                "props": {
                    "metadata": {"name": "llm"},
                    "spec": {"scaleTargetRef": {"name": "llm"}, "triggers": [trigger]},
                },
            },
        ]
    }
    assumed = {assumption.what for assumption in floor_of(stack_of(case)).assumptions}
    assert ("KEDA's queries are zero while there are no requests" in assumed) is is_assumed
