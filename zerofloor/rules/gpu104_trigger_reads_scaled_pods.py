"""A trigger reads the metrics of the pods that it scales."""

from zerofloor.capacity import Cause
from zerofloor.report import Severity
from zerofloor.rules.held import notices
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
      metadata: {serverAddress: "http://prometheus:9090", query: "sum(vllm:num_requests_waiting)", threshold: "1"}
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
    id="GPU104",
    name=Cause.SELF_METRIC.value,
    title="Trigger reads metrics of the pods it scales",
    why=(
        "At zero replicas the metric doesn't exist: the workload never scales out, or, with "
        "keep-alive traffic in the metric, never scales in."
    ),
    fix=(
        "Scale by what exists without a replica: requests waiting at a gateway, the KEDA HTTP "
        "add-on, a queue's length."
    ),
    severity=Severity.WARNING,
    since="0.1.0",
    scope="stack",
    check=notices(Cause.SELF_METRIC),
    bad=BAD,
    good=GOOD,
    ways=(13,),
)
