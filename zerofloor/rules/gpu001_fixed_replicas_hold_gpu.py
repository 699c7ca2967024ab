"""A workload with GPUs has a fixed number of replicas."""

from zerofloor.capacity import Cause
from zerofloor.report import Severity
from zerofloor.rules.held import holds
from zerofloor.rules.rule import Rule

BAD = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: llm}
spec:
  replicas: 1
  selector: {matchLabels: {app: llm}}
  template:
    metadata: {labels: {app: llm}}
    spec:
      containers:
        - name: server
          image: vllm/vllm-openai
          resources: {limits: {nvidia.com/gpu: 1}}
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
    id="GPU001",
    name=Cause.FIXED_REPLICAS.value,
    title="GPU workload has a fixed number of replicas",
    why=(
        "A Deployment or StatefulSet without a scaler keeps its replicas, and their nodes, with or without traffic."
        " `replicas` left out means 1."
    ),
    fix=(
        "Add a KEDA ScaledObject with minReplicaCount 0 and remove spec.replicas. If the server isn't "
        "needed, set spec.replicas to 0: it then stays off."
    ),
    severity=Severity.ERROR,
    since="0.1.0",
    scope="stack",
    check=holds(Cause.FIXED_REPLICAS),
    bad=BAD,
    good=GOOD,
    leaves_off=True,
    ways=(1, 16, 29, 40),
)
