"""A notebook or a development session keeps its GPU."""

from zerofloor.capacity import Cause
from zerofloor.report import Severity
from zerofloor.rules.held import holds
from zerofloor.rules.rule import Rule

BAD = """\
resources:
  - type: aws:sagemaker/notebookInstance:NotebookInstance
    name: research
    inputs: {instanceType: ml.g5.xlarge, roleArn: "arn:aws:iam::123456789012:role/notebook"}
"""

GOOD = """\
resources:
  - type: aws:sagemaker/notebookInstance:NotebookInstance
    name: research
    inputs: {instanceType: ml.g5.xlarge, roleArn: "arn:aws:iam::123456789012:role/notebook", lifecycleConfigName: autostop}
  - type: aws:sagemaker/notebookInstanceLifecycleConfiguration:NotebookInstanceLifecycleConfiguration
    name: autostop
    inputs:
      name: autostop  # (crontab -l; echo "*/5 * * * * python autostop.py --time 3600") | crontab -
      onStart: KGNyb250YWIgLWw7IGVjaG8gIiovNSAqICogKiAqIHB5dGhvbiBhdXRvc3RvcC5weSAtLXRpbWUgMzYwMCIpIHwgY3JvbnRhYiAt
"""

RULE = Rule(
    id="GPU011",
    name=Cause.INTERACTIVE.value,
    title="Notebook or development session keeps its GPU",
    why=(
        "A notebook, a workspace or an app bills from start to stop; most have no idle shutdown, or have it disabled."
    ),
    fix="Stop it when it isn't used, or switch its idle shutdown on.",
    severity=Severity.ERROR,
    since="0.1.0",
    scope="resource",
    check=holds(Cause.INTERACTIVE),
    bad=BAD,
    good=GOOD,
    ways=(36, 40, 52),
)
