"""A GPU instance that nothing stops."""

from zerofloor.capacity import Cause
from zerofloor.report import Severity
from zerofloor.rules.held import holds
from zerofloor.rules.rule import Rule

BAD = """\
resources:
  - type: aws:ec2/instance:Instance
    name: inference
    inputs: {instanceType: g5.xlarge, ami: ami-0123456789abcdef0}
"""

GOOD = """\
resources:
  - type: aws:ec2/launchTemplate:LaunchTemplate
    name: inference
    inputs: {name: inference, instanceType: g5.xlarge, imageId: ami-0123456789abcdef0}
  - type: aws:autoscaling/group:Group
    name: inference
    inputs: {minSize: 0, desiredCapacity: 0, maxSize: 1, launchTemplate: {name: inference}}
"""

RULE = Rule(
    id="GPU014",
    name=Cause.INSTANCE.value,
    title="GPU instance is never stopped",
    why=(
        "A virtual machine, a spot request or a fleet bills from start to stop. Spot instances bill too, and no autoscaler manages a single "
        "instance."
    ),
    fix=(
        "Put it behind a group with a minimum of 0 (an Auto Scaling group, a managed instance group, a "
        "scale set), stop it (on AWS `aws.ec2transitgateway.InstanceState`), or remove it."
    ),
    severity=Severity.ERROR,
    since="0.1.0",
    scope="resource",
    check=holds(Cause.INSTANCE),
    bad=BAD,
    good=GOOD,
    ways=(30, 39, 51, 53),
)
