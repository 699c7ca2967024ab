"""A paused scaler keeps its replicas."""

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
metadata: {name: llm, annotations: {autoscaling.keda.sh/paused-replicas: "1"}}
spec:
  scaleTargetRef: {name: llm}
  minReplicaCount: 0
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
metadata: {name: llm, annotations: {autoscaling.keda.sh/paused-replicas: "0"}}
spec:
  scaleTargetRef: {name: llm}
  minReplicaCount: 0
  maxReplicaCount: 4
  triggers:
    - type: prometheus
      metadata: {serverAddress: "http://prometheus:9090", query: "sum(gateway_requests_waiting)", threshold: "1"}
"""

RULE = Rule(
    id="GPU006",
    name=Cause.PAUSED_SCALER.value,
    title="Paused scaler keeps its replicas",
    why=(
        "`autoscaling.keda.sh/paused` (any value that is not a false Go bool) freezes the replicas, `paused-replicas` sets them and overrides "
        "everything else, `paused-scale-in` keeps the peak, `force-activation` keeps it awake."
    ),
    fix='Remove the annotation, or pause at zero: autoscaling.keda.sh/paused-replicas: "0".',
    severity=Severity.ERROR,
    since="0.1.0",
    scope="stack",
    check=holds(Cause.PAUSED_SCALER),
    bad=BAD,
    good=GOOD,
    ways=(10, 11, 39),
)
