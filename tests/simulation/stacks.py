"""The stack that simulations are tried on: one Deployment, its ScaledObject, one NodePool."""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np
import yaml

from tests.cases import stack_of
from zerofloor.prices.book import open_book
from zerofloor.settings import Settings
from zerofloor.simulation.queue import Floats
from zerofloor.simulation.simulate import Asked, Simulation, simulate
from zerofloor.simulation.trace import Trace
from zerofloor.stack import Stack

TODAY = datetime.date(2026, 11, 27)

MANIFESTS = """
apiVersion: karpenter.sh/v1
kind: NodePool
metadata: {name: gpu}
spec:
  template:
    spec:
      nodeClassRef: {group: karpenter.k8s.aws, kind: EC2NodeClass, name: default}
      requirements:
      - {key: node.kubernetes.io/instance-type, operator: In, values: [g6e.xlarge]}
      - {key: karpenter.sh/capacity-type, operator: In, values: [on-demand]}
      taints: [{key: nvidia.com/gpu, effect: NoSchedule}]
  disruption: {consolidationPolicy: WhenEmpty, consolidateAfter: 0s}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: llm}
spec:
  selector: {matchLabels: {app: llm}}
  template:
    metadata: {labels: {app: llm}}
    spec:
      tolerations: [{key: nvidia.com/gpu, operator: Exists}]
      containers:
      - name: c
        image: vllm
        resources: {limits: {nvidia.com/gpu: '1'}}
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: llm}
spec:
  scaleTargetRef: {name: llm}
  minReplicaCount: 0
  maxReplicaCount: 1
  cooldownPeriod: 300
  triggers:
  - {type: aws-sqs-queue, metadata: {queueURL: 'https://q', awsRegion: us-east-1, queueLength: '8'}}
"""


def manifests() -> dict[str, Any]:
    """The objects by kind, to change one."""
    return {one["kind"]: one for one in yaml.safe_load_all(MANIFESTS)}


def stack(objects: dict[str, Any] | None = None) -> Stack:
    """The objects as a stack in us-east-1."""
    listed = manifests() if objects is None else objects
    return stack_of(
        {
            "resources": [
                {
                    "type": f"kubernetes:{one['apiVersion']}:{one['kind']}",
                    "name": one["metadata"]["name"],
                    "props": one,
                }
                for one in listed.values()
            ],
            "config": {"aws:region": "us-east-1"},
        }
    )


def trace(*arrivals: float, tokens: float = 124.0, span: float | None = None) -> Trace:
    """Requests at these seconds; with 62 tokens a second each takes two."""
    at: Floats = np.array(sorted(arrivals), dtype=np.float64)
    return Trace(
        arrivals=at,
        context=np.full(len(at), 0.0),
        generated=np.full(len(at), tokens),
        span=span,
    )


def run(
    objects: dict[str, Any] | None = None,
    requests: Trace | None = None,
    asked: Asked | None = None,
    settings: Settings | None = None,
) -> Simulation:
    """A simulation of it."""
    return simulate(
        (stack(objects),),
        settings or Settings(),
        open_book(),
        TODAY,
        trace(10.0, 20.0, 2000.0) if requests is None else requests,
        asked or Asked(),
    )
