"""The smaller commands as processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import jsonschema
import pytest

from tests.cases import digest_of
from tests.cli.command import COMMAND, HELD, SCALER, TODAY, refused, zerofloor
from zerofloor import __version__
from zerofloor.cli.main import COMMANDS


def test_help_lists_every_command_and_imports_none(tmp_path: Path) -> None:
    done = zerofloor("--help", cwd=tmp_path)
    assert done.code == 0
    for name in COMMANDS:
        assert f"\n  {name} " in done.out
    script = (
        "import sys; sys.argv[1:] = ['--help']\nfrom zerofloor.cli.main import "
        "run\nrun(['--help'])\nprint(sorted(sys.modules))"
    )
    modules = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    ).stdout
    for heavy in (
        "pydantic",
        "rich",
        "yaml",
        "msgspec",
        "zerofloor.judge",
        "zerofloor.cli.check",
        "pulumi",
        "boto3",
    ):
        assert f"'{heavy}'" not in modules.splitlines()[-1]


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_has_help_that_begins_as_the_list_says(name: str, tmp_path: Path) -> None:
    done = zerofloor(name, "--help", cwd=tmp_path, environ={"COLUMNS": "200"})
    assert done.code == 0
    assert done.err == ""
    assert COMMANDS[name] in " ".join(done.out.split())


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("report", ("check", "held.yaml", "--format", "json")),
        ("estimate", ("estimate", "held.yaml", "--format", "json")),
        ("baseline", ("baseline", "held.yaml")),
        ("stack", ("show", "held.yaml")),
    ],
)
def test_what_is_written_fits_its_schema(
    name: str, arguments: tuple[str, ...], tmp_path: Path
) -> None:
    (tmp_path / "held.yaml").write_text(HELD)
    schema = json.loads(zerofloor("schema", name, cwd=tmp_path).out)
    written = json.loads(zerofloor(*arguments, cwd=tmp_path).out)
    jsonschema.validate(written, schema, cls=jsonschema.Draft202012Validator)


def test_version(tmp_path: Path) -> None:
    assert zerofloor("--version", cwd=tmp_path).out == f"{__version__}\n"


def test_check_of_a_digest_imports_neither_pulumi_nor_boto3(tmp_path: Path) -> None:
    (tmp_path / "held.yaml").write_text(HELD)
    arguments = ["check", "held.yaml", "--format", "json", *TODAY]
    script = (
        "import sys\nfrom zerofloor.cli.main import "
        f"run\nrun({arguments})\nprint(sorted(sys.modules))"
    )
    modules = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=tmp_path
    ).stdout.splitlines()[-1]
    for heavy in ("pulumi", "boto3", "botocore", "grpc", "rich", "zerofloor.engine.program"):
        assert f"'{heavy}'" not in modules


def test_rules(tmp_path: Path) -> None:
    done = zerofloor("rules", cwd=tmp_path)
    assert done.code == 0
    assert "GPU001  error    fixed-replicas-hold-gpu" in done.out
    listed = json.loads(zerofloor("rules", "--format", "json", cwd=tmp_path).out)
    assert [rule["id"] for rule in listed] == [line.split()[0] for line in done.out.splitlines()]


def test_explain_a_rule_by_id_or_name(tmp_path: Path) -> None:
    one, other = (
        zerofloor("explain", name, cwd=tmp_path) for name in ("gpu001", "fixed-replicas-hold-gpu")
    )
    assert one == other
    assert one.code == 0
    assert one.out.startswith("GPU001 fixed-replicas-hold-gpu (error")


def test_explain_a_resource_link_by_link(tmp_path: Path) -> None:
    (tmp_path / "held.yaml").write_text(HELD)
    done = zerofloor("explain", "llm", "--from", "held.yaml", *TODAY, cwd=tmp_path)
    assert done.code == 0, done.err
    assert done.out.startswith("Deployment llm: held, 1 GPU")
    assert "spec.replicas is 1" in done.out
    assert "Change: Add a KEDA ScaledObject with minReplicaCount 0" in done.out
    assert len(done.out.splitlines()) <= 16
    urn = json.loads(zerofloor("show", "held.yaml", cwd=tmp_path).out)["resources"][0]["urn"]
    assert zerofloor("explain", urn, "--from", "held.yaml", *TODAY, cwd=tmp_path).out == done.out


def test_explain_needs_one_resource(tmp_path: Path) -> None:
    (tmp_path / "two.yaml").write_text(
        HELD + "---\n" + HELD.replace("name: llm}", "name: llm, namespace: b}")
    )
    assert "2 resources" in refused(
        zerofloor("explain", "llm", "--from", "two.yaml", *TODAY, cwd=tmp_path)
    )


def test_explain_of_a_scaled_workload_says_what_nobody_can_change(tmp_path: Path) -> None:
    (tmp_path / "app.yaml").write_text(
        HELD + "---\n" + SCALER.replace("minReplicaCount: 0", "minReplicaCount: 1")
    )
    done = zerofloor(
        "explain", "apps/v1:Deployment::default/llm", "--from", "app.yaml", *TODAY, cwd=tmp_path
    )
    assert done.code == 0, done.err
    assert "minReplicaCount is 1" in done.out


def test_show_prints_the_stack_and_fits_its_schema(tmp_path: Path) -> None:
    (tmp_path / "held.yaml").write_text(HELD)
    done = zerofloor("show", "held.yaml", cwd=tmp_path)
    shown = json.loads(done.out)
    schema = json.loads(zerofloor("schema", "stack", cwd=tmp_path).out)
    jsonschema.validate(shown, schema, cls=jsonschema.Draft202012Validator)
    (resource,) = shown["resources"]
    assert resource["type"] == "kubernetes:apps/v1:Deployment"
    assert resource["inputs"]["spec"]["replicas"] == 1


@pytest.mark.parametrize("name", ["report", "stack", "settings"])
def test_schemas_are_schemas(name: str, tmp_path: Path) -> None:
    schema = json.loads(zerofloor("schema", name, cwd=tmp_path).out)
    jsonschema.Draft202012Validator.check_schema(schema)


def test_estimate_is_the_money_and_no_gate(tmp_path: Path) -> None:
    (tmp_path / "held.yaml").write_text(HELD)
    done = zerofloor("estimate", "held.yaml", *TODAY, cwd=tmp_path)
    assert done.code == 0
    assert "floor" in done.out
    assert "GPU001" not in done.out
    assert set(
        json.loads(zerofloor("estimate", "held.yaml", "--format", "json", *TODAY, cwd=tmp_path).out)
    ) == {
        "schema",
        "documents",
        "floor",
        "estimate",
        "assumptions",
        "settings",
        "prices",
    }


def test_preview_of_a_folder_without_a_program(tmp_path: Path) -> None:
    assert "Pulumi.yaml" in refused(zerofloor("preview", cwd=tmp_path))
    assert "no/such/folder" in refused(zerofloor("preview", "no/such/folder", cwd=tmp_path))


PROGRAM = """\
import pulumi_kubernetes as k8s
k8s.apps.v1.Deployment("llm", spec={
    "replicas": 1,
    "selector": {"matchLabels": {"app": "llm"}},
    "template": {"metadata": {"labels": {"app": "llm"}}, "spec": {"containers": [
        {"name": "server", "image": "vllm/vllm-openai", "resources": {"limits": {"nvidia.com/gpu": "1"}}}]}},
})
"""


def project(folder: Path, program: str) -> None:
    (folder / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")
    (folder / "Pulumi.dev.yaml").write_text("config: {}\n")
    (folder / "__main__.py").write_text(program)


def test_preview_in_process_judges_a_program_and_says_who_previewed(tmp_path: Path) -> None:
    project(tmp_path, PROGRAM)
    done = zerofloor("preview", "--engine", "in-process", *TODAY, cwd=tmp_path)
    assert done.code == 1, done.err
    assert done.out.startswith("FAIL  1 idle GPU")
    assert "previewed without the Pulumi engine" in done.out
    assert "Stack shop/dev in ." in done.out


def test_a_program_that_raises_or_never_ends_is_refused(tmp_path: Path) -> None:
    project(tmp_path, "raise RuntimeError('no')")
    assert "RuntimeError" in refused(zerofloor("preview", "--engine", "in-process", cwd=tmp_path))
    project(tmp_path, "while True: pass")
    assert "2 s" in refused(
        zerofloor("preview", "--engine", "in-process", "--time-limit", "2", cwd=tmp_path)
    )


def test_ctrl_c_is_quiet_and_130(tmp_path: Path) -> None:
    project(tmp_path, "import time\ntime.sleep(60)")
    command = [COMMAND, "preview", "--engine", "in-process"]
    process = subprocess.Popen(
        command,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # A parent in the background ignores SIGINT, and a child inherits that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    time.sleep(3)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (130, "")
    assert "Traceback" not in err


def test_pack_path_is_an_executable(tmp_path: Path) -> None:
    done = zerofloor("pack-path", cwd=tmp_path)
    assert done.code == 0, done.err
    assert os.access(done.out.strip(), os.X_OK)
    folder = Path(
        zerofloor(
            "pack-path", "--folder", cwd=tmp_path, environ={"XDG_CACHE_HOME": str(tmp_path)}
        ).out.strip()
    )
    assert (folder / "PulumiPolicy.yaml").is_file()


def test_explain_says_why_what_names_a_gpu_does_not_count(tmp_path: Path) -> None:
    token = "kubernetes:helm.sh/v3:Release"
    (tmp_path / "stack.json").write_bytes(
        digest_of(
            {
                "cloud": "kubernetes",
                "resources": [{"type": token, "name": "op", "props": {"chart": "gpu-operator"}}],
            }
        )
    )
    done = zerofloor("explain", "op", "--from", "stack.json", cwd=tmp_path)
    assert done.code == 0
    assert " ".join(done.out.split()) == (
        f"{token}::op names a GPU that does not count: gpu-operator serves the GPUs that other "
        "resources hold."
    )
