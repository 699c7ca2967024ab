"""A Pod with GPUs is always restarted."""

from zerofloor.capacity import Cause
from zerofloor.report import Severity
from zerofloor.rules.held import holds
from zerofloor.rules.rule import Rule

BAD = """\
apiVersion: v1
kind: Pod
metadata: {name: eval}
spec:
  containers:
    - name: eval
      image: pytorch/pytorch
      command: ["python", "eval.py"]
      resources: {limits: {nvidia.com/gpu: 1}}
"""

GOOD = """\
apiVersion: v1
kind: Pod
metadata: {name: eval}
spec:
  restartPolicy: Never
  activeDeadlineSeconds: 3600
  containers:
    - name: eval
      image: pytorch/pytorch
      command: ["python", "eval.py"]
      resources: {limits: {nvidia.com/gpu: 1}}
"""

RULE = Rule(
    id="GPU003",
    name=Cause.BARE_POD.value,
    title="GPU pod restarts indefinitely",
    why=(
        "A bare Pod whose restartPolicy is Always, the default, is restarted each time it exits, and no scaler can own it. With Never "
        "or OnFailure it runs once and bills once."
    ),
    fix=(
        "Set restartPolicy to Never or OnFailure, and activeDeadlineSeconds, for work that ends; for a "
        "server, use a Deployment with a scaler that goes to zero."
    ),
    severity=Severity.ERROR,
    since="0.1.0",
    scope="resource",
    check=holds(Cause.BARE_POD),
    bad=BAD,
    good=GOOD,
    ways=(2,),
)
