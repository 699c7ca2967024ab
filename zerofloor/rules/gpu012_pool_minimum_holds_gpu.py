"""A GPU pool has a minimum above zero."""

from zerofloor.capacity import Cause
from zerofloor.report import Severity
from zerofloor.rules.held import holds
from zerofloor.rules.rule import Rule

BAD = """\
resources:
  - type: aws:eks/nodeGroup:NodeGroup
    name: gpu
    inputs:
      clusterName: main
      instanceTypes: [g5.xlarge]
      scalingConfig: {minSize: 1, desiredSize: 1, maxSize: 2}
"""

GOOD = """\
resources:
  - type: aws:eks/nodeGroup:NodeGroup
    name: gpu
    inputs:
      clusterName: main
      instanceTypes: [g5.xlarge]
      scalingConfig: {minSize: 0, desiredSize: 0, maxSize: 2}
"""

RULE = Rule(
    id="GPU012",
    name=Cause.POOL_MINIMUM.value,
    title="GPU pool minimum is above zero",
    why=(
        "The minimum of a node group, an Auto Scaling group or a fleet runs and bills even without pods. pulumi-eks defaults to a minimum "
        "of 1 and a desired size of 2."
    ),
    fix="Set the minimum and the desired count to 0, and let an autoscaler add nodes.",
    severity=Severity.ERROR,
    since="0.1.0",
    scope="resource",
    check=holds(Cause.POOL_MINIMUM),
    bad=BAD,
    good=GOOD,
    ways=(31, 34, 37, 38, 39, 41, 42, 52, 53),
)
