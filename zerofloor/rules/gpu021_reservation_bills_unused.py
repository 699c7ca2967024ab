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
  - type: aws:ec2/capacityReservation:CapacityReservation
    name: web
    inputs: {instanceType: m6i.large, instanceCount: 1, availabilityZone: us-east-1a, endDateType: unlimited}
"""

RULE = Rule(
    id="GPU021",
    name=Cause.RESERVATION.value,
    title="Capacity reservation bills while unused",
    why=(
        "A capacity reservation, a capacity block or a dedicated host is billed from its start "
        "to its end, even without an instance in it."
    ),
    fix="Give the reservation an end date, or remove it when the work is done.",
    severity=Severity.ERROR,
    since="0.1.0",
    scope="resource",
    check=holds(Cause.RESERVATION),
    bad=BAD,
    good=GOOD,
    ways=(30, 35, 39, 51),
)
