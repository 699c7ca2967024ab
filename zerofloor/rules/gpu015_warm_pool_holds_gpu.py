"""A warm pool keeps running GPU instances."""

from zerofloor.capacity import Cause
from zerofloor.report import Severity
from zerofloor.rules.held import holds
from zerofloor.rules.rule import Rule

BAD = """\
resources:
  - type: aws:ec2/launchTemplate:LaunchTemplate
    name: gpu
    inputs: {name: gpu, instanceType: g5.xlarge}
  - type: aws:autoscaling/group:Group
    name: gpu
    inputs:
      name: gpu
      minSize: 0
      desiredCapacity: 0
      maxSize: 2
      launchTemplate: {name: gpu}
      warmPool: {poolState: Running, minSize: 1, maxGroupPreparedCapacity: 1}
"""

GOOD = """\
resources:
  - type: aws:ec2/launchTemplate:LaunchTemplate
    name: gpu
    inputs: {name: gpu, instanceType: g5.xlarge}
  - type: aws:autoscaling/group:Group
    name: gpu
    inputs:
      name: gpu
      minSize: 0
      desiredCapacity: 0
      maxSize: 2
      launchTemplate: {name: gpu}
      warmPool: {poolState: Stopped, minSize: 1, maxGroupPreparedCapacity: 1}
"""

RULE = Rule(
    id="GPU015",
    name=Cause.WARM_POOL.value,
    title="Warm pool keeps GPU instances running",
    why=(
        "A warm pool in the state Running bills its instances like any other; Stopped and Hibernated ones bill their disks. Without "
        "maxGroupPreparedCapacity it fills up to the group's maximum."
    ),
    fix="Set poolState to Stopped or remove the warm pool.",
    severity=Severity.ERROR,
    since="0.1.0",
    scope="stack",
    check=holds(Cause.WARM_POOL),
    bad=BAD,
    good=GOOD,
    ways=(32, 34, 40, 51),
)
