"""Nothing limits how many GPUs come."""

from zerofloor.capacity import Cause
from zerofloor.report import Severity
from zerofloor.rules.held import notices
from zerofloor.rules.rule import Rule

BAD = """\
apiVersion: karpenter.sh/v1
kind: NodePool
metadata: {name: gpu}
spec:
  disruption: {consolidationPolicy: WhenEmpty, consolidateAfter: 60s}
  template:
    spec:
      nodeClassRef: {group: karpenter.k8s.aws, kind: EC2NodeClass, name: default}
      taints: [{key: nvidia.com/gpu, effect: NoSchedule}]
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
    id="GPU105",
    name=Cause.NO_LIMIT.value,
    title="GPU count is unbounded",
    why=(
        "A NodePool without a limit on GPUs grows as long as pods are pending: a runaway scaler "
        "or a mistyped replica count has no maximum cost."
    ),
    fix="Set spec.limits with the GPU resource.",
    severity=Severity.WARNING,
    since="0.1.0",
    scope="stack",
    check=notices(Cause.NO_LIMIT),
    bad=BAD,
    good=GOOD,
    ways=(25,),
)
