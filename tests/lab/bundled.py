"""The bundled stack in the lab: the real `pulumi` command and the real Kubernetes provider on the
lab's API server.

The program is as it stands but for two transforms, which stand in for what has nothing real: a
NodePool points at kwok's node class in place of its EC2NodeClass (which is created all the same, so
its CRD accepts it), and waiting times are seconds.
"""

from __future__ import annotations

import contextlib
import json
import runpy
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi

from tests.engine.real_engine import BIN, ROOT, Engine, new_engine
from tests.lab.harness.doorway import kubeconfig
from tests.lab.harness.lab import Lab
from zerofloor.engine.project import read_project
from zerofloor.engine.pulumi import _language_host

COOLDOWN, CONSOLIDATE = 8, "5s"
CONFIG = {"model": "Qwen/Qwen3-8B", "gpuType": "g6e.xlarge", "floor": "0", "ceiling": "4"}
PACK = ("--policy-pack", str(ROOT / "policies"))
_NO_PROGRAM = ("refresh", "destroy")


@dataclass(frozen=True)
class Bundled:
    """The stack `lab` of a project of its own, in an engine of its own."""

    engine: Engine
    folder: Path

    def configure(self, **config: str) -> None:
        """Sets values of the program's configuration."""
        for key, value in config.items():
            self._must("config", "set", key, value)

    def run(self, operation: str, *options: str) -> subprocess.CompletedProcess[str]:
        """`pulumi OPERATION`, as a person runs it: `up` previews first."""
        with contextlib.ExitStack() as stack:
            client: tuple[str, ...] = ()
            if operation not in _NO_PROGRAM:
                report = self.engine.folder / "report.json"
                project = read_project(self.folder)
                host = _language_host(project, BIN / "pulumi", self.engine.environ, report)
                client = stack.enter_context(host)
            yes = () if operation == "preview" else ("--yes",)
            return self.engine.pulumi(operation, *yes, *client, *options, cwd=self.folder)

    def up(self, *options: str) -> str:
        """An update with the pack attached; what it said. Fails where it does not pass."""
        return self._passed(self.run("up", *PACK, *options))

    def must(self, operation: str, *options: str) -> str:
        """Any operation that has to succeed; what it said."""
        return self._passed(self.run(operation, *options))

    def changes(self) -> dict[str, str]:
        """What an update would do to each kind of object that it changes."""
        steps = json.loads(self.must("preview", "--json"))["steps"]
        kinds = {step["urn"].split("::")[2].rpartition("$")[2]: step["op"] for step in steps}
        return {
            kind.removeprefix("kubernetes:"): op
            for kind, op in kinds.items()
            if kind.startswith("kubernetes:") and op != "same"
        }

    def _must(self, *command: str) -> None:
        self._passed(self.engine.pulumi(*command, cwd=self.folder))

    def _passed(self, done: subprocess.CompletedProcess[str]) -> str:
        assert done.returncode == 0, done.stdout[-5000:]
        return done.stdout


PROGRAM = "from tests.lab.bundled import program\n\nprogram()\n"


@contextlib.contextmanager
def bundled(lab: Lab, folder: Path, text: str = PROGRAM) -> Iterator[Bundled]:
    """The stack, or that of another program, with a kubeconfig that works while the block runs."""
    engine = new_engine(folder / "engine")
    engine = Engine(engine.folder, {**engine.environ, "PYTHONPATH": str(ROOT)})
    project = folder / "stack"
    project.mkdir()
    (project / "Pulumi.yaml").write_text("name: model-server\nruntime: python\n")
    (project / "__main__.py").write_text(text)
    stack = Bundled(engine, project)
    stack._must("stack", "init", "lab")
    with kubeconfig(lab) as access:
        stack._must("config", "set", "--secret", "kubernetes:kubeconfig", access)
        stack.configure(**CONFIG, **{"aws:region": "us-east-1"})
        yield stack


def program() -> None:
    """The bundled program with its transforms."""
    pulumi.runtime.register_resource_transform(_for_the_lab)
    runpy.run_path(str(ROOT / "__main__.py"))


def _for_the_lab(args: pulumi.ResourceTransformArgs) -> pulumi.ResourceTransformResult | None:
    kind = args.type_.rpartition(":")[2]
    if kind not in ("NodePool", "ScaledObject"):
        return None
    props: dict[str, Any] = dict(args.props)
    spec = dict(props["spec"])
    if kind == "NodePool":
        template = dict(spec["template"])
        kwok = {"group": "karpenter.kwok.sh", "kind": "KWOKNodeClass", "name": "default"}
        template["spec"] = {**template["spec"], "nodeClassRef": kwok}
        spec["template"] = template
        spec["disruption"] = {**spec["disruption"], "consolidateAfter": CONSOLIDATE}
    else:
        behavior = {"scaleDown": {"stabilizationWindowSeconds": COOLDOWN}}
        spec |= {
            "pollingInterval": 1,
            "cooldownPeriod": COOLDOWN,
            "initialCooldownPeriod": COOLDOWN,
            "advanced": {"horizontalPodAutoscalerConfig": {"behavior": behavior}},
        }
    return pulumi.ResourceTransformResult({**props, "spec": spec}, args.opts)
