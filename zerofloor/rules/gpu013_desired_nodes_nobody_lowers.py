"""The initial node count is never scaled down."""

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
      taints: [{key: nvidia.com/gpu, value: present, effect: NO_SCHEDULE}]
      scalingConfig: {minSize: 0, desiredSize: 1, maxSize: 2}
"""

GOOD = """\
resources:
  - type: aws:eks/nodeGroup:NodeGroup
    name: gpu
    inputs:
      clusterName: main
      instanceTypes: [g5.xlarge]
      taints: [{key: nvidia.com/gpu, value: present, effect: NO_SCHEDULE}]
      scalingConfig: {minSize: 0, desiredSize: 0, maxSize: 2}
settings: {trust: {clusterAutoscaler: true}}
"""

RULE = Rule(
    id="GPU013",
    name=Cause.DESIRED_NOT_LOWERED.value,
    title="Initial node count is never scaled down",
    why=(
        "A minimum of 0 scales nothing in by itself: without a cluster autoscaler, a scaling policy or a schedule, the desired count keeps "
        "running."
    ),
    fix=(
        "Deploy a cluster autoscaler; if one already runs, set `trust: {clusterAutoscaler: true}`. "
        "Or set the desired count to 0: it then stays at 0 until you raise it."
    ),
    severity=Severity.ERROR,
    since="0.1.0",
    scope="stack",
    check=holds(Cause.DESIRED_NOT_LOWERED),
    bad=BAD,
    good=GOOD,
    leaves_off=True,
    ways=(31, 34, 38, 39, 40, 41, 51, 53),
)
