"""`zerofloor fix`: what is written, what is suggested, what is left."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.cli.command import zerofloor
from tests.engine.real_engine import missing, new_engine

ROOT = Path(__file__).parents[2]
MANIFESTS = """\
# the team's model server
apiVersion: apps/v1
kind: Deployment
metadata: {name: llm, namespace: models}
spec:
  replicas: 1   # KEDA scales it
  selector: {matchLabels: {app: llm}}
  template:
    metadata: {labels: {app: llm}}
    spec:
      containers:
      - name: server
        image: "vllm/vllm-openai:v0.11.0"
        resources: {limits: {nvidia.com/gpu: 1}}
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: llm, namespace: models}
spec:
  scaleTargetRef: {name: llm}
  minReplicaCount: 1   # warm
  maxReplicaCount: 4
  triggers:
  - type: prometheus
    metadata: {serverAddress: "http://prometheus:9090", query: sum(gateway_requests_waiting), threshold: "5"}
"""
YAML_PROGRAM = """\
name: models
runtime: yaml
config:
  warm: {type: integer, default: 1}
resources:
  llm:
    type: gcp:cloudrunv2:Service
    properties:
      location: us-central1
      template:
        scaling:
          minInstanceCount: VALUE   # comment
        nodeSelector: {accelerator: nvidia-l4}
        containers:
          - image: vllm
            resources: {limits: {nvidia.com/gpu: "1"}}
"""


def test_manifests_are_changed_in_place(tmp_path: Path) -> None:
    file = tmp_path / "llm.yaml"
    file.write_text(MANIFESTS)
    done = zerofloor("fix", "llm.yaml", cwd=tmp_path)
    assert done.code == 0, done.out + done.err
    assert file.read_text() == MANIFESTS.replace("minReplicaCount: 1   #", "minReplicaCount: 0   #")
    assert "Ended GPU002 by llm.yaml: spec.minReplicaCount." in done.out
    again = zerofloor("fix", "llm.yaml", cwd=tmp_path)
    assert again.code == 0
    assert "Nothing to change." in again.out


def test_a_dry_run_writes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "llm.yaml"
    file.write_text(MANIFESTS)
    done = zerofloor("fix", "llm.yaml", "--dry-run", cwd=tmp_path)
    assert done.code == 0
    assert file.read_text() == MANIFESTS
    assert "-  minReplicaCount: 1   # warm" in done.out
    assert "+  minReplicaCount: 0   # warm" in done.out


def test_what_a_person_must_decide_is_left(tmp_path: Path) -> None:
    """A hidden hand: no scaler at all, so whether the model may sleep is nobody's but a person's."""
    text = MANIFESTS.partition("---")[0].replace("replicas: 1", "replicas: -1")
    tmp_path.joinpath("llm.yaml").write_text(text)
    done = zerofloor("fix", "llm.yaml", "--format", "json", cwd=tmp_path)
    document = json.loads(done.out)
    assert done.code == 1
    assert document["applied"] == []
    assert [one["rule"] for one in document["left"]] == ["GPU201"]
    assert tmp_path.joinpath("llm.yaml").read_text() == text


@pytest.mark.engine
@pytest.mark.parametrize(
    ("value", "config", "program", "configured"),
    [
        ("1", None, "minInstanceCount: 0   # comment", None),
        ("${warm}", "config:\n  models:warm: 2 # two\n", None, "config:\n  models:warm: 0 # two\n"),
        ("${warm}", "config: {}\n", None, "config: {'models:warm': 0}\n"),
    ],
)
def test_a_yaml_program(
    tmp_path: Path, value: str, config: str | None, program: str | None, configured: str | None
) -> None:
    reason = missing()
    if reason:
        pytest.skip(reason)
    engine = new_engine(tmp_path / "engine")
    folder = tmp_path / "program"
    folder.mkdir()
    text = YAML_PROGRAM.replace("VALUE", value)
    folder.joinpath("Pulumi.yaml").write_text(text)
    file = folder / "Pulumi.dev.yaml"
    file.write_text(config or "config: {}\n")
    done = zerofloor(
        "fix", ".", "--stack", "dev", "--engine", "pulumi", cwd=folder, environ=engine.environ
    )
    assert done.code == 0, done.out + done.err
    wanted = text if program is None else text.replace("minInstanceCount: 1   # comment", program)
    assert folder.joinpath("Pulumi.yaml").read_text() == wanted
    if configured is not None:
        assert file.read_text() == configured


def test_the_bundled_stack_is_mended_in_its_configuration(tmp_path: Path) -> None:
    for name in ("Pulumi.yaml", "Pulumi.idle.yaml", "__main__.py"):
        shutil.copy(ROOT / name, tmp_path / name)
    done = zerofloor("fix", ".", "--stack", "idle", "--engine", "in-process", cwd=tmp_path)
    assert done.code == 0, done.out + done.err
    assert "model-server:floor: 0" in tmp_path.joinpath("Pulumi.idle.yaml").read_text()
    assert tmp_path.joinpath("__main__.py").read_text() == (ROOT / "__main__.py").read_text()


def test_a_literal_in_the_source_is_a_suggestion(tmp_path: Path) -> None:
    shutil.copy(ROOT / "Pulumi.yaml", tmp_path / "Pulumi.yaml")
    shutil.copy(ROOT / "Pulumi.dev.yaml", tmp_path / "Pulumi.dev.yaml")
    source = (ROOT / "__main__.py").read_text().replace('config.require_int("floor")', "1")
    tmp_path.joinpath("__main__.py").write_text(source)
    command = ("fix", ".", "--stack", "dev", "--engine", "in-process")
    done = zerofloor(*command, "--patch", "fix.patch", cwd=tmp_path)
    assert done.code == 0, done.out + done.err
    assert tmp_path.joinpath("__main__.py").read_text() == source
    assert '+        "min_replicas": 0,' in tmp_path.joinpath("fix.patch").read_text()
    shown = zerofloor(*command, "--format", "github", cwd=tmp_path)
    assert '```suggestion\n        "min_replicas": 0,\n```' in shown.out


PYTHON_PROGRAM = """\
import pulumi


class Group(pulumi.CustomResource):
    # As deep in calls as the providers' classes: the SDK counts frames to find the line.
    def __init__(self, name: str, properties: dict[str, object]) -> None:
        self._internal_init(name, properties)

    def _internal_init(self, name: str, properties: dict[str, object]) -> None:
        super().__init__("aws:autoscaling/group:Group", name, properties)


config = pulumi.Config()
for number in range(config.get_int("groups") or 1):
    Group(
        f"workers-{number}",
        {
            "minSize": MINIMUM,
            "desiredCapacity": 1,
            "maxSize": 4,
            "mixedInstancesPolicy": {
                "launchTemplate": {"overrides": [{"instanceType": "g5.xlarge"}]}
            },
        },
    )
pulumi.CustomResource("random:index/randomInteger:RandomInteger", "other", {"min": MINIMUM})
"""


@pytest.mark.parametrize(
    ("minimum", "project", "before", "after"),
    [
        # Half in the configuration, half in the source.
        (
            'config.require_int("least")',
            "",
            "config:\n  jobs:groups: 1\n  jobs:least: 1 # warm\n",
            "config:\n  jobs:groups: 1\n  jobs:least: 0 # warm\n",
        ),
        # In an object.
        (
            'config.require_object("pool")["least"]',
            "",
            "config:\n  jobs:pool:\n    least: 1\n    most: 4\n",
            "config:\n  jobs:pool:\n    least: 0\n    most: 4\n",
        ),
        # A default of the project is overridden for this stack.
        (
            'config.require_int("least")',
            "config:\n  least: {type: integer, default: 1}\n",
            "config:\n  aws:region: us-east-1\n",
            "config:\n  jobs:least: 0\n  aws:region: us-east-1\n",
        ),
    ],
)
def test_each_value_of_a_change_is_found_where_it_is_written(
    tmp_path: Path, minimum: str, project: str, before: str, after: str
) -> None:
    source = PYTHON_PROGRAM.replace("MINIMUM", minimum)
    tmp_path.joinpath("Pulumi.yaml").write_text(f"name: jobs\nruntime: python\n{project}")
    tmp_path.joinpath("Pulumi.dev.yaml").write_text(before)
    tmp_path.joinpath("__main__.py").write_text(source)
    command = ("fix", ".", "--stack", "dev", "--engine", "in-process", "--patch", "fix.patch")
    done = zerofloor(*command, cwd=tmp_path)
    assert done.code == 0, done.out + done.err
    assert tmp_path.joinpath("Pulumi.dev.yaml").read_text() == after
    assert tmp_path.joinpath("__main__.py").read_text() == source
    assert '+            "desiredCapacity": 0,' in tmp_path.joinpath("fix.patch").read_text()
    assert "It also changes other." in done.out


def test_a_value_that_is_equal_by_chance_is_not_touched(tmp_path: Path) -> None:
    """With `groups` at 0 there would be no group, and no finding either."""
    config = "config:\n  jobs:groups: 1\n"
    tmp_path.joinpath("Pulumi.yaml").write_text("name: jobs\nruntime: python\n")
    tmp_path.joinpath("Pulumi.dev.yaml").write_text(config)
    source = PYTHON_PROGRAM.replace("MINIMUM", "2 - 1").replace(" or 1", "")
    tmp_path.joinpath("__main__.py").write_text(source)
    done = zerofloor("fix", ".", "--stack", "dev", "--engine", "in-process", cwd=tmp_path)
    assert done.code == 1
    assert "Left GPU012 on workers-0: the change doesn't end it, or" in done.out
    assert tmp_path.joinpath("Pulumi.dev.yaml").read_text() == config


def test_what_nothing_starts_again_is_said(tmp_path: Path) -> None:
    file = tmp_path / "llm.yaml"
    file.write_text(MANIFESTS.partition("---")[0])
    done = zerofloor("fix", "llm.yaml", cwd=tmp_path)
    assert done.code == 0
    assert "Warning: nothing here starts models/llm again. It stays off until you" in done.out
    file.write_text(MANIFESTS)
    scaled = zerofloor("fix", "llm.yaml", cwd=tmp_path)
    assert "Ended GPU002" in scaled.out
    assert "Warning" not in scaled.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("-",), "stdin can't be changed"),
        (("absent.yaml",), "can't be read"),
        (("export.json",), "a stack export, which"),
        ((".", "llm.yaml"), "one folder with a program at a time"),
    ],
)
def test_three_mistakes(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    tmp_path.joinpath("export.json").write_text('{"version": 3, "deployment": {"resources": []}}')
    tmp_path.joinpath("llm.yaml").write_text(MANIFESTS)
    if "." in arguments:
        tmp_path.joinpath("Pulumi.yaml").write_text(YAML_PROGRAM)
    done = zerofloor("fix", *arguments, cwd=tmp_path)
    assert done.code == 2
    assert said in done.err
