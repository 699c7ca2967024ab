"""A scaler never goes below one replica."""

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
  minReplicaCount: 1
  maxReplicaCount: 4
  triggers:
    - type: prometheus
      metadata: {serverAddress: "http://prometheus:9090", query: "sum(gateway_requests_waiting)", threshold: "1"}
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
    id="GPU002",
    name=Cause.SCALER_MINIMUM.value,
    title="Scaler minimum is above zero",
    why=(
        "An HPA without minReplicas keeps one, a ScaledObject keeps minReplicaCount, KServe keeps one if minReplicas is omitted; a "
        "Ray worker group keeps minReplicas. The minimum bills around the clock."
    ),
    fix=(
        "Set the minimum to 0 and wake it by a signal that exists while no replica runs "
        "(requests waiting at a gateway or a queue)."
    ),
    severity=Severity.ERROR,
    since="0.1.0",
    scope="stack",
    check=holds(Cause.SCALER_MINIMUM),
    bad=BAD,
    good=GOOD,
    ways=(3, 4, 5, 16, 36, 37, 40, 42, 51),
)
