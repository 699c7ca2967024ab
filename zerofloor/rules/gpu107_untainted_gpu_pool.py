"""GPU nodes take pods that need no GPU."""

from zerofloor.capacity import Cause
from zerofloor.report import Severity
from zerofloor.rules.held import notices
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
      requirements:
        - {key: node.kubernetes.io/instance-type, operator: In, values: [g6e.xlarge]}
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
    id="GPU107",
    name=Cause.UNTAINTED_POOL.value,
    title="GPU nodes accept pods that need no GPU",
    why=(
        "Without a NoSchedule taint any pod may be scheduled on a GPU node and keep it. None in "
        "this stack is now; the next Deployment might be."
    ),
    fix="Taint the pool, and tolerate the taint in the GPU workloads.",
    severity=Severity.WARNING,
    since="0.1.0",
    scope="stack",
    check=notices(Cause.UNTAINTED_POOL),
    bad=BAD,
    good=GOOD,
    ways=(24,),
)
