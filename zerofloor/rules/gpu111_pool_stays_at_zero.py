"""A node group at zero that nothing scales out."""

from zerofloor.capacity import Cause
from zerofloor.report import Severity
from zerofloor.rules.held import notices
from zerofloor.rules.rule import Rule

BAD = """\
resources:
  - type: aws:eks/nodeGroup:NodeGroup
    name: gpu
    inputs:
      clusterName: main
      instanceTypes: [g5.xlarge]
      scalingConfig: {minSize: 0, desiredSize: 0, maxSize: 2}
      taints: [{key: nvidia.com/gpu, value: present, effect: NO_SCHEDULE}]
settings:
  trust: {clusterAutoscaler: false}
"""

GOOD = """\
resources:
  - type: aws:eks/nodeGroup:NodeGroup
    name: gpu
    inputs:
      clusterName: main
      instanceTypes: [g5.xlarge]
      scalingConfig: {minSize: 0, desiredSize: 0, maxSize: 2}
      taints: [{key: nvidia.com/gpu, value: present, effect: NO_SCHEDULE}]
settings:
  trust: {clusterAutoscaler: true}
"""

RULE = Rule(
    id="GPU111",
    name=Cause.NEVER_GROWS.value,
    title="Node group can't leave zero",
    why=(
        "EKS node groups and self-managed groups grow only by a cluster autoscaler. The settings say that none runs, or the one in the stack "
        "doesn't find the group: its pods never start. If nothing is known about an autoscaler, one is assumed, and the report says so."
    ),
    fix="Deploy a cluster autoscaler that finds the group, or use a Karpenter NodePool.",
    severity=Severity.WARNING,
    since="0.1.0",
    scope="stack",
    check=notices(Cause.NEVER_GROWS),
    bad=BAD,
    good=GOOD,
)
