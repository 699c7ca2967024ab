"""Nodes are protected from removal."""

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
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: monitor}
spec:
  selector: {matchLabels: {app: monitor}}
  template:
    metadata: {labels: {app: monitor}, annotations: {karpenter.sh/do-not-disrupt: "true"}}
    spec:
      tolerations: [{key: nvidia.com/gpu, operator: Exists}]
      containers:
        - {name: monitor, image: dcgm-exporter}
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
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: monitor}
spec:
  selector: {matchLabels: {app: monitor}}
  template:
    metadata: {labels: {app: monitor}}
    spec:
      tolerations: [{key: nvidia.com/gpu, operator: Exists}]
      containers:
        - {name: monitor, image: dcgm-exporter}
"""

RULE = Rule(
    id="GPU018",
    name=Cause.PROTECTED.value,
    title="GPU nodes are protected from removal",
    why=(
        "`karpenter.sh/do-not-disrupt` on a node template or a pod, scale-in protection on a group, a suspended Terminate process: nodes are "
        "never terminated."
    ),
    fix="Remove the protection, or give it an end (a duration for do-not-disrupt).",
    severity=Severity.ERROR,
    since="0.1.0",
    scope="stack",
    check=holds(Cause.PROTECTED),
    bad=BAD,
    good=GOOD,
    ways=(2, 21, 22, 23, 28, 31),
)
