"""An Automation API program in a process of its own: `python -m tests.engine.automation OPERATION
PROGRAM PACK CONFIG`.

OPERATION is `up` or `preview`; PROGRAM the folder of a Pulumi program or a name below; CONFIG a
JSON object. Prints, as JSON, why it was
stopped (null if it was not) and the levels of the policy events. The SDK leaves event loops
unclosed, so no test wants it in its process.
"""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.engine.real_engine import BIN, ROOT, Engine


def run(
    engine: Engine,
    operation: str,
    program: str | Path,
    pack: Path,
    config: Mapping[str, str] | None = None,
) -> tuple[str | None, list[str]]:
    """Why the operation was stopped, None if it was not; and the levels of the policy events."""
    command = [
        sys.executable,
        "-m",
        "tests.engine.automation",
        operation,
        str(program),
        str(pack),
        json.dumps(config or {}),
    ]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=dict(engine.environ),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    stopped, levels = json.loads(done.stdout.splitlines()[-1])
    return stopped, levels


def one_instance() -> None:
    import pulumi
    import pulumi_aws as aws

    vpc = aws.ec2.Vpc("vpc", cidr_block="10.0.0.0/16")
    aws.ec2.Instance(
        "trainer",
        ami="ami-12345678",
        instance_type="g5.xlarge",
        opts=pulumi.ResourceOptions(depends_on=[vpc]),
    )


def template_and_group() -> None:
    """The group's type stands in a launch template whose ID nobody knows on a first preview."""
    import pulumi_aws as aws

    template = aws.ec2.LaunchTemplate(
        "template", image_id="ami-12345678", instance_type="g5.12xlarge"
    )
    launch = aws.autoscaling.GroupLaunchTemplateArgs(id=template.id, version="$Latest")
    aws.autoscaling.Group(
        "group",
        min_size=1,
        max_size=2,
        desired_capacity=1,
        vpc_zone_identifiers=["subnet-2"],
        launch_template=launch,
    )


PROGRAMS: dict[str, Callable[[], Any]] = {
    "one_instance": one_instance,
    "template_and_group": template_and_group,
}


def main(operation: str, program: str, pack: str, config: str) -> None:
    from pulumi import automation as auto

    workspace = auto.LocalWorkspace(
        program=PROGRAMS.get(
            program, lambda: runpy.run_path(f"{program}/__main__.py", run_name="__main__")
        ),
        pulumi_command=auto.PulumiCommand(root=str(BIN.parent)),
        project_settings=auto.ProjectSettings(
            name=Path(program).name,
            runtime="python",
            backend=auto.ProjectBackend(url=os.environ["PULUMI_BACKEND_URL"]),
        ),
    )
    stack = auto.Stack.create_or_select("dev", workspace)
    for key, value in json.loads(config).items():
        stack.set_config(key, auto.ConfigValue(value))
    events: list[Any] = []
    stopped = None
    try:
        (stack.up if operation == "up" else stack.preview)(
            policy_packs=[pack], on_event=events.append, color="never"
        )
    except auto.CommandError as error:
        stopped = str(error)
    levels = [
        event.policy_event.enforcement_level for event in events if event.policy_event is not None
    ]
    sys.stdout.write(json.dumps([stopped, levels]) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
