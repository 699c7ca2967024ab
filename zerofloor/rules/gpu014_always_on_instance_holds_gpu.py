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
  - type: aws:ec2/instance:Instance
    name: inference
    inputs: {instanceType: t4g.large, ami: ami-0123456789abcdef0}
"""

RULE = Rule(
    id="GPU014",
    name=Cause.INSTANCE.value,
    title="GPU instance is never stopped",
    why=(
        "A virtual machine, a spot request or a fleet bills from start to stop. Spot instances bill too, and no autoscaler manages a single "
        "instance."
    ),
    fix="Put it behind an Auto Scaling group with a minimum of 0, or stop it when it is not used.",
    severity=Severity.ERROR,
    since="0.1.0",
    scope="resource",
    check=holds(Cause.INSTANCE),
    bad=BAD,
    good=GOOD,
    ways=(30, 39, 51, 53),
)
