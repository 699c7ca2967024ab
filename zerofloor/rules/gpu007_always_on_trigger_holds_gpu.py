"""A trigger fires without any request."""

from zerofloor.capacity import Cause
from zerofloor.report import Severity
from zerofloor.rules.held import holds
from zerofloor.rules.rule import Rule

BAD = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: llm}
spec:
  selector: {matchLabels: {app: llm}}
  template:
    metadata: {labels: {app: llm}}
    spec:
      containers:
        - name: server
          image: vllm/vllm-openai
          resources: {limits: {nvidia.com/gpu: 1}}
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: llm}
spec:
  scaleTargetRef: {name: llm}
  minReplicaCount: 0
  maxReplicaCount: 4
  triggers:
    - type: prometheus
      metadata:
        serverAddress: http://prometheus:9090
        query: sum(gateway_requests_waiting)
        threshold: "1"
        activationThreshold: "-1"
"""

GOOD = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: llm}
spec:
  selector: {matchLabels: {app: llm}}
  template:
    metadata: {labels: {app: llm}}
    spec:
      containers:
        - name: server
          image: vllm/vllm-openai
          resources: {limits: {nvidia.com/gpu: 1}}
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: llm}
spec:
  scaleTargetRef: {name: llm}
  minReplicaCount: 0
  maxReplicaCount: 4
  triggers:
    - type: prometheus
      metadata: {serverAddress: "http://prometheus:9090", query: "sum(gateway_requests_waiting)", threshold: "1"}
"""

RULE = Rule(
    id="GPU007",
    name=Cause.ALWAYS_ON_TRIGGER.value,
    title="Trigger is active without traffic",
    why=(
        "A cron trigger that covers the whole week, or a metric that is never zero, keeps the "
        "workload running although its minimum is 0."
    ),
    fix="Replace it by a trigger that counts waiting requests, or shorten the cron window.",
    severity=Severity.ERROR,
    since="0.1.0",
    scope="stack",
    check=holds(Cause.ALWAYS_ON_TRIGGER),
    bad=BAD,
    good=GOOD,
    ways=(8, 13),
)
