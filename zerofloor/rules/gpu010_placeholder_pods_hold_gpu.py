"""Pause pods keep GPU nodes warm."""

from zerofloor.capacity import Cause
from zerofloor.report import Severity
from zerofloor.rules.held import holds
from zerofloor.rules.rule import Rule

BAD = """\
apiVersion: scheduling.k8s.io/v1
kind: PriorityClass
metadata: {name: placeholder}
value: -10
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: overprovisioner}
spec:
  replicas: 1
  selector: {matchLabels: {app: overprovisioner}}
  template:
    metadata: {labels: {app: overprovisioner}}
    spec:
      priorityClassName: placeholder
      containers:
        - name: pause
          image: registry.k8s.io/pause:3.9
          resources: {limits: {nvidia.com/gpu: 1}}
"""

GOOD = """\
apiVersion: scheduling.k8s.io/v1
kind: PriorityClass
metadata: {name: placeholder}
value: -10
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: overprovisioner}
spec:
  replicas: 0
  selector: {matchLabels: {app: overprovisioner}}
  template:
    metadata: {labels: {app: overprovisioner}}
    spec:
      priorityClassName: placeholder
      containers:
        - name: pause
          image: registry.k8s.io/pause:3.9
          resources: {limits: {nvidia.com/gpu: 1}}
"""

RULE = Rule(
    id="GPU010",
    name=Cause.PAUSE_PODS.value,
    title="Placeholder pods keep GPU nodes warm",
    why=(
        "Overprovisioning: low-priority pods request GPUs and do nothing so that a node is ready when work arrives. The node "
        "bills all the time."
    ),
    fix="Remove the placeholder, or scale it to zero outside the hours that need it.",
    severity=Severity.ERROR,
    since="0.1.0",
    scope="stack",
    check=holds(Cause.PAUSE_PODS),
    bad=BAD,
    good=GOOD,
    ways=(17,),
)
