"""A schedule keeps GPUs for a part of the week."""

from zerofloor.capacity import Cause
from zerofloor.report import Severity
from zerofloor.rules.held import holds
from zerofloor.rules.rule import Rule

BAD = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: llm}
spec:
  selector: {matchLabels: {app: llm}}
  template:
    metadata: {labels: {app: llm}}
    spec:
      containers:
        - name: server
          image: vllm/vllm-openai
          resources: {limits: {nvidia.com/gpu: 1}}
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: llm}
spec:
  scaleTargetRef: {name: llm}
  minReplicaCount: 0
  maxReplicaCount: 4
  triggers:
    - type: cron
      metadata: {timezone: UTC, start: "0 6 * * *", end: "0 22 * * *", desiredReplicas: "1"}
"""

GOOD = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: llm}
spec:
  selector: {matchLabels: {app: llm}}
  template:
    metadata: {labels: {app: llm}}
    spec:
      containers:
        - name: server
          image: vllm/vllm-openai
          resources: {limits: {nvidia.com/gpu: 1}}
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: llm}
spec:
  scaleTargetRef: {name: llm}
  minReplicaCount: 0
  maxReplicaCount: 4
  triggers:
    - type: prometheus
      metadata: {serverAddress: "http://prometheus:9090", query: "sum(gateway_requests_waiting)", threshold: "1"}
"""

RULE = Rule(
    id="GPU009",
    name=Cause.SCHEDULE.value,
    title="Schedule keeps GPUs running part of the week",
    why=(
        "A cron trigger or a scheduled action keeps GPUs running with or without traffic and bills for those hours. Up to "
        "caps.scheduleHoursPerWeek (60 by default) this is a warning, above it an error; a schedule that scales out but never in holds "
        "GPUs 24/7."
    ),
    fix="Shorten the window, add an action that scales in, or let requests wake it.",
    severity=Severity.ERROR,
    since="0.1.0",
    scope="stack",
    check=holds(Cause.SCHEDULE),
    bad=BAD,
    good=GOOD,
    ways=(9, 15, 33, 39, 51, 52),
)
