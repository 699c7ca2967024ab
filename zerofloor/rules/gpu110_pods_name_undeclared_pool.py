"""Pods select a pool that is not declared."""

from zerofloor.capacity import Cause
from zerofloor.report import Severity
from zerofloor.rules.held import notices
from zerofloor.rules.rule import Rule

BAD = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: llm}
spec:
  replicas: 0
  selector: {matchLabels: {app: llm}}
  template:
    metadata: {labels: {app: llm}}
    spec:
      nodeSelector: {karpenter.sh/nodepool: gpuu}
      tolerations: [{key: nvidia.com/gpu, operator: Exists}]
      containers:
        - name: server
          image: vllm/vllm-openai:v0.11.0
          resources: {limits: {nvidia.com/gpu: "1", memory: 24Gi}}
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: llm}
spec:
  scaleTargetRef: {name: llm}
  minReplicaCount: 0
  maxReplicaCount: 2
  triggers:
    - type: redis
      metadata: {address: "redis:6379", listName: requests, listLength: "5"}
---
apiVersion: karpenter.sh/v1
kind: NodePool
metadata: {name: gpu}
spec:
  limits: {nvidia.com/gpu: "2"}
  disruption: {consolidationPolicy: WhenEmpty, consolidateAfter: 60s}
  template:
    spec:
      nodeClassRef: {group: karpenter.k8s.aws, kind: EC2NodeClass, name: default}
      taints: [{key: nvidia.com/gpu, effect: NoSchedule}]
      requirements:
        - {key: node.kubernetes.io/instance-type, operator: In, values: [g6.2xlarge]}
"""

GOOD = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: llm}
spec:
  replicas: 0
  selector: {matchLabels: {app: llm}}
  template:
    metadata: {labels: {app: llm}}
    spec:
      nodeSelector: {karpenter.sh/nodepool: gpu}
      tolerations: [{key: nvidia.com/gpu, operator: Exists}]
      containers:
        - name: server
          image: vllm/vllm-openai:v0.11.0
          resources: {limits: {nvidia.com/gpu: "1", memory: 24Gi}}
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: llm}
spec:
  scaleTargetRef: {name: llm}
  minReplicaCount: 0
  maxReplicaCount: 2
  triggers:
    - type: redis
      metadata: {address: "redis:6379", listName: requests, listLength: "5"}
---
apiVersion: karpenter.sh/v1
kind: NodePool
metadata: {name: gpu}
spec:
  limits: {nvidia.com/gpu: "2"}
  disruption: {consolidationPolicy: WhenEmpty, consolidateAfter: 60s}
  template:
    spec:
      nodeClassRef: {group: karpenter.k8s.aws, kind: EC2NodeClass, name: default}
      taints: [{key: nvidia.com/gpu, effect: NoSchedule}]
      requirements:
        - {key: node.kubernetes.io/instance-type, operator: In, values: [g6.2xlarge]}
"""

RULE = Rule(
    id="GPU110",
    name=Cause.UNKNOWN_POOL.value,
    title="Pods name a pool that is not declared",
    why=(
        "Other pools are declared beside the workload, and none has the name that its pods select: "
        "unless it exists elsewhere, the pods never start, and a caller waits in vain."
    ),
    fix="Correct the name in the node selector, or declare the pool.",
    severity=Severity.WARNING,
    since="0.1.0",
    scope="stack",
    check=notices(Cause.UNKNOWN_POOL),
    bad=BAD,
    good=GOOD,
)
