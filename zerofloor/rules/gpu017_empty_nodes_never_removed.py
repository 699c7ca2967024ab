"""Nodes that came once are never removed."""

from zerofloor.capacity import Cause
from zerofloor.report import Severity
from zerofloor.rules.held import holds
from zerofloor.rules.rule import Rule

BAD = """\
apiVersion: karpenter.sh/v1
kind: NodePool
metadata: {name: gpu}
spec:
  limits: {nvidia.com/gpu: "8"}
  disruption: {consolidationPolicy: WhenEmpty, consolidateAfter: Never}
  template:
    spec:
      nodeClassRef: {group: karpenter.k8s.aws, kind: EC2NodeClass, name: default}
      taints: [{key: nvidia.com/gpu, effect: NoSchedule}]
      requirements:
        - {key: node.kubernetes.io/instance-type, operator: In, values: [g6e.xlarge]}
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

GOOD = """\
apiVersion: karpenter.sh/v1
kind: NodePool
metadata: {name: gpu}
spec:
  limits: {nvidia.com/gpu: "8"}
  disruption: {consolidationPolicy: WhenEmpty, consolidateAfter: 60s}
  template:
    spec:
      nodeClassRef: {group: karpenter.k8s.aws, kind: EC2NodeClass, name: default}
      taints: [{key: nvidia.com/gpu, effect: NoSchedule}]
      requirements:
        - {key: node.kubernetes.io/instance-type, operator: In, values: [g6e.xlarge]}
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
    id="GPU017",
    name=Cause.NEVER_EMPTIED.value,
    title="Empty nodes are never removed",
    why=(
        "`consolidateAfter: Never`, or a disruption budget of 0 that covers empty nodes, keeps every node that was ever provisioned: the nodes of the "
        "busiest hour bill from then on."
    ),
    fix="Set consolidateAfter to a duration, and a budget that allows empty nodes to be removed.",
    severity=Severity.ERROR,
    since="0.1.0",
    scope="stack",
    check=holds(Cause.NEVER_EMPTIED),
    bad=BAD,
    good=GOOD,
    ways=(19, 20),
)
