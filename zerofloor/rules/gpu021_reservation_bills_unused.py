"""A capacity reservation bills whether used or not."""

from zerofloor.capacity import Cause
from zerofloor.report import Severity
from zerofloor.rules.held import holds
from zerofloor.rules.rule import Rule

BAD = """\
resources:
  - type: aws:ec2/capacityReservation:CapacityReservation
    name: h100
    inputs: {instanceType: p5.48xlarge, instanceCount: 1, availabilityZone: us-east-1a, endDateType: unlimited}
"""

GOOD = """\
resources:
  - type: aws:ec2/launchTemplate:LaunchTemplate
    name: h100
    inputs: {name: h100, instanceType: p5.48xlarge}
  - type: aws:autoscaling/group:Group
    name: h100
    inputs: {minSize: 0, desiredCapacity: 0, maxSize: 1, launchTemplate: {name: h100}}
"""

RULE = Rule(
    id="GPU021",
    name=Cause.RESERVATION.value,
    title="Capacity reservation bills while unused",
    why=(
        "A capacity reservation, a capacity block or a dedicated host is billed from its start "
        "to its end, even without an instance in it."
    ),
    fix=(
        "Remove the reservation when nothing uses it (a group with a minimum of 0 starts the same "
        "instances on demand), or waive it until its end date."
    ),
    severity=Severity.ERROR,
    since="0.1.0",
    scope="resource",
    check=holds(Cause.RESERVATION),
    bad=BAD,
    good=GOOD,
    ways=(30, 35, 39, 51),
)
