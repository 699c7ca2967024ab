"""The program sets replicas that a scaler owns."""

from zerofloor.capacity import Cause
from zerofloor.report import Severity
from zerofloor.rules.held import notices
from zerofloor.rules.rule import Rule

BAD = """\
resources:
  - type: kubernetes:apps/v1:Deployment
    name: llm
    inputs:
      metadata: {name: llm}
      spec:
        replicas: 2
        selector: {matchLabels: {app: llm}}
        template:
          metadata: {labels: {app: llm}}
          spec: {containers: [{name: server, image: vllm/vllm-openai, resources: {limits: {nvidia.com/gpu: 1}}}]}
  - type: kubernetes:keda.sh/v1alpha1:ScaledObject
    name: llm
    inputs:
      metadata: {name: llm}
      spec:
        scaleTargetRef: {name: llm}
        minReplicaCount: 0
        triggers:
          - type: prometheus
            metadata: {serverAddress: "http://prometheus:9090", query: sum(gateway_requests_waiting), threshold: "1"}
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
    id="GPU106",
    name=Cause.REPLICAS_BESIDE_SCALER.value,
    title="Program sets replicas that a scaler owns",
    why=(
        "Every `pulumi up` resets the declared replicas, so each update starts GPUs "
        "until the scaler scales in again."
    ),
    fix="Remove spec.replicas, or add `spec.replicas` to ignoreChanges.",
    severity=Severity.WARNING,
    since="0.1.0",
    scope="stack",
    check=notices(Cause.REPLICAS_BESIDE_SCALER),
    bad=BAD,
    good=GOOD,
    ways=(14,),
)
