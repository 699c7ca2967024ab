"""A Job with GPUs runs a command that never ends."""

from zerofloor.capacity import Cause
from zerofloor.report import Severity
from zerofloor.rules.held import holds
from zerofloor.rules.rule import Rule

BAD = """\
apiVersion: batch/v1
kind: Job
metadata: {name: train}
spec:
  template:
    spec:
      restartPolicy: Never
      containers:
        - name: train
          image: pytorch/pytorch
          command: ["sleep", "infinity"]
          resources: {limits: {nvidia.com/gpu: 1}}
"""

GOOD = """\
apiVersion: batch/v1
kind: Job
metadata: {name: train}
spec:
  activeDeadlineSeconds: 7200
  template:
    spec:
      restartPolicy: Never
      containers:
        - name: train
          image: pytorch/pytorch
          command: ["python", "train.py"]
          resources: {limits: {nvidia.com/gpu: 1}}
"""

RULE = Rule(
    id="GPU004",
    name=Cause.ENDLESS_JOB.value,
    title="GPU job runs a command that never exits",
    why=(
        "A Job bills until its command exits. This one's doesn't: it sleeps indefinitely, "
        "follows a file, or is a server."
    ),
    fix="Use a command that exits, or set activeDeadlineSeconds.",
    severity=Severity.ERROR,
    since="0.1.0",
    scope="resource",
    check=holds(Cause.ENDLESS_JOB),
    bad=BAD,
    good=GOOD,
    ways=(2, 15),
)
