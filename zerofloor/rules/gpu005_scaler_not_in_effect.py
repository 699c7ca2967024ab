"""A scaler is there and does nothing."""

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
    - type: cpu
      metricType: Utilization
      metadata: {value: "60"}
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
    id="GPU005",
    name=Cause.SCALER_NOT_IN_EFFECT.value,
    title="Scaler has no effect",
    why=(
        "It targets no existing workload or the wrong kind, the API or KEDA's webhook rejects it (a minimum of 0 with only cpu or memory triggers, a "
        "minimum above the maximum), or it never becomes Ready. The workload then keeps its own replicas. An HPA with minReplicas 0 needs "
        "the HPAScaleToZero gate and an Object or External metric."
    ),
    fix=(
        "Make the scaler valid and let it name its workload: scaleTargetRef's kind and name, an external trigger beside cpu and memory, a "
        "minimum below the maximum."
    ),
    severity=Severity.ERROR,
    since="0.1.0",
    scope="stack",
    check=holds(Cause.SCALER_NOT_IN_EFFECT),
    bad=BAD,
    good=GOOD,
    ways=(3, 4, 8, 12),
)
