"""A NodePool with a fixed number of nodes."""

from zerofloor.capacity import Cause
from zerofloor.report import Severity
from zerofloor.rules.held import holds
from zerofloor.rules.rule import Rule

BAD = """\
apiVersion: karpenter.sh/v1
kind: NodePool
metadata: {name: gpu}
spec:
  replicas: 1
  limits: {nvidia.com/gpu: "8"}
  disruption: {consolidationPolicy: WhenEmpty, consolidateAfter: 60s}
  template:
    spec:
      nodeClassRef: {group: karpenter.k8s.aws, kind: EC2NodeClass, name: default}
      taints: [{key: nvidia.com/gpu, effect: NoSchedule}]
      requirements:
        - {key: node.kubernetes.io/instance-type, operator: In, values: [g6e.xlarge]}
---
settings: {trust: {karpenterStaticCapacity: true}}
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
    id="GPU016",
    name=Cause.STATIC_POOL.value,
    title="NodePool has a fixed number of nodes",
    why=(
        "`spec.replicas` makes a Karpenter NodePool static: that many nodes run, with or without pods. It needs the StaticCapacity "
        "feature gate, which EKS Auto Mode has on."
    ),
    fix="Remove spec.replicas, so that Karpenter adds nodes for pods and removes empty ones.",
    severity=Severity.ERROR,
    since="0.1.0",
    scope="resource",
    check=holds(Cause.STATIC_POOL),
    bad=BAD,
    good=GOOD,
    ways=(18, 40),
)
