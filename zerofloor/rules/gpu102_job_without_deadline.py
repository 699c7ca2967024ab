"""A Job with GPUs may never end."""

from zerofloor.capacity import Cause
from zerofloor.report import Severity
from zerofloor.rules.held import notices
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
          command: ["python", "train.py"]
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
    id="GPU102",
    name=Cause.NO_DEADLINE.value,
    title="GPU job has no deadline",
    why=("A Job bills for as long as its pods run. A hung run bills indefinitely."),
    fix="Set activeDeadlineSeconds.",
    severity=Severity.WARNING,
    since="0.1.0",
    scope="stack",
    check=notices(Cause.NO_DEADLINE),
    bad=BAD,
    good=GOOD,
    ways=(15,),
)
