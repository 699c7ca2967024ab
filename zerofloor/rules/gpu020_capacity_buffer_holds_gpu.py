"""A capacity buffer keeps empty GPU nodes."""

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
apiVersion: v1
kind: PodTemplate
metadata: {name: gpu}
template:
  spec:
    tolerations: [{key: nvidia.com/gpu, operator: Exists}]
    containers:
      - {name: pause, image: "registry.k8s.io/pause:3.9", resources: {limits: {nvidia.com/gpu: 1}}}
---
apiVersion: autoscaling.x-k8s.io/v1beta1
kind: CapacityBuffer
metadata: {name: gpu}
spec:
  replicas: 1
  podTemplateRef: {name: gpu}
---
settings: {trust: {karpenterCapacityBuffer: true}}
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
"""

RULE = Rule(
    id="GPU020",
    name=Cause.CAPACITY_BUFFER.value,
    title="Capacity buffer keeps empty GPU nodes",
    why=(
        "A CapacityBuffer with a GPU template reserves room for future pods: empty "
        "GPU nodes that bill."
    ),
    fix="Remove the buffer or set its replicas to 0.",
    severity=Severity.ERROR,
    since="0.1.0",
    scope="stack",
    check=holds(Cause.CAPACITY_BUFFER),
    bad=BAD,
    good=GOOD,
    ways=(27,),
)
