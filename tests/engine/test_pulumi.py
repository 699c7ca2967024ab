"""`preview_with_engine` on real programs: what it reads, what it leaves alone, and what it says
when it can't."""

from __future__ import annotations

import hashlib
import json
import sys
from functools import partial
from pathlib import Path

import pytest

from tests.engine.real_engine import BIN, HERE, Engine, logged_out
from zerofloor.engine.program import preview_in_process
from zerofloor.engine.pulumi import EngineUnavailable, find_pulumi, preview_with_engine
from zerofloor.errors import InputError
from zerofloor.stack import UNKNOWN, Stack


def project(folder: Path, program: str, config: str = "config:\n  p:size: '1'\n") -> Path:
    folder.mkdir()
    (folder / "Pulumi.yaml").write_text("name: p\nruntime: python\n")
    (folder / "Pulumi.dev.yaml").write_text(config)
    (folder / "__main__.py").write_text(program)
    return folder


def preview(engine: Engine, folder: Path, stack: str = "dev", seconds: float = 60) -> Stack:
    return preview_with_engine(folder, stack, time_limit=seconds, environ=logged_out(engine))


def in_process(folder: Path) -> Stack:
    return preview_in_process(folder, "dev", time_limit=60)


def contents(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.engine
def test_a_program_is_previewed_without_a_backend_and_without_touching_its_folder(
    engine: Engine, tmp_path: Path
) -> None:
    folder = project(
        tmp_path / "p",
        "import helper, pulumi, pulumi_aws as aws\n"
        "print('x' * 200_000)\n"  # More than a pipe holds.
        "vpc = aws.ec2.Vpc('vpc', cidr_block=pulumi.Config().require('size'))\n"
        "aws.ec2.Instance('one', ami=vpc.arn, instance_type='g5.xlarge')\n",
    )
    (folder / "helper.py").write_text("")
    before = contents(folder)
    stack = preview(engine, folder)
    assert contents(folder) == before
    assert (stack.kind, stack.previewed_by, stack.project, stack.name, stack.config) == (
        "program",
        "engine",
        "p",
        "dev",
        {"p:size": "1"},
    )
    one = next(resource for resource in stack.resources if resource.name == "one")
    assert one.inputs == {"ami": UNKNOWN, "instanceType": "g5.xlarge"}
    assert one.property_dependencies == {
        "ami": ("urn:pulumi:dev::p::aws:ec2/vpc:Vpc::vpc",),
        "instanceType": (),
    }
    assert one.source_position is not None
    assert one.source_position.endswith("__main__.py:4")


@pytest.mark.engine
def test_the_users_own_stack_is_asked_where_it_exists(engine: Engine) -> None:
    folder = engine.yaml_project("instance")
    assert engine.pulumi("up", "--yes", "--skip-preview", cwd=folder).returncode == 0
    stack = preview_with_engine(folder, "dev", time_limit=60, environ=engine.environ)
    # Only a backend that knows of the creation calls it unchanged.
    assert {resource.op for resource in stack.resources} == {"same"}


@pytest.mark.engine
def test_a_stack_with_encrypted_configuration_opens_with_its_passphrase_only(
    engine: Engine,
) -> None:
    folder = engine.yaml_project(
        "secret", secrets={"gpuType": "p5.48xlarge", "token": "hf_planted_secret"}
    )
    with pytest.raises(EngineUnavailable, match=r"Pulumi\.dev\.yaml has encrypted values"):
        preview(engine, folder)
    stack = preview_with_engine(
        folder, "dev", time_limit=60, environ={**logged_out(engine), "PULUMI_CONFIG_PASSPHRASE": ""}
    )
    assert "planted" not in repr(stack)
    assert "p5.48xlarge" not in repr(stack)
    assert len(stack.resources) == 4


@pytest.mark.engine
@pytest.mark.parametrize(
    ("program", "said"),
    [
        (
            "raise ValueError('first line\\nsecond line')",
            "the program raises ValueError: first line (__main__.py:1)",
        ),
        ("import sys\nsys.exit(3)", "the program calls sys.exit(3) (__main__.py:2)"),
        ("import sys\nsys.exit(0)", "the program calls sys.exit(0) (__main__.py:2)"),
        ("x =", "the program raises SyntaxError: invalid syntax (__main__.py, line 1)"),
        (
            "import pulumi\npulumi.Config().require('nope')",
            "ConfigMissingError: Missing required configuration variable 'p:nope'",
        ),
        (
            "import no_such_module",
            (
                "the program raises ModuleNotFoundError: No module named 'no_such_module' "
                "(__main__.py:1)"
            ),
        ),
    ],
)
def test_a_wrong_program_is_an_input_error_in_one_line(
    engine: Engine, tmp_path: Path, program: str, said: str
) -> None:
    folder = project(tmp_path / "p", program)
    with pytest.raises(InputError) as caught:
        preview(engine, folder)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


WRONG = """
from zerofloor.components import GpuDeployment
GpuDeployment("llm", {"image": "i", "gpus": "1", "maxReplicas": 3})
"""


@pytest.mark.engine
@pytest.mark.parametrize("door", ["engine", "in process"])
def test_what_a_component_refuses_is_told_line_by_line(
    engine: Engine, tmp_path: Path, door: str
) -> None:
    folder = project(tmp_path / "p", WRONG)
    see = partial(preview, engine) if door == "engine" else in_process
    with pytest.raises(InputError) as caught:
        see(folder)
    assert str(caught.value).splitlines() == [
        f"{folder}: the program raises SpecError (__main__.py:3):",
        'GpuDeployment "llm": gpus: must be a number',
        'GpuDeployment "llm": maxReplicas: is not an argument of this component; did you mean '
        "max_replicas?",
    ]


@pytest.mark.engine
def test_a_program_that_never_ends_is_ended(engine: Engine, tmp_path: Path) -> None:
    folder = project(tmp_path / "p", "import time\ntime.sleep(1000)")
    with pytest.raises(InputError, match="did not end within 2 s"):
        preview(engine, folder, seconds=2)


@pytest.mark.engine
@pytest.mark.parametrize(
    ("program", "said"),
    [
        (
            "import pulumi\npulumi.CustomResource('nopkg:index:Thing', 'x', {})",
            "no resource plugin 'pulumi-resource-nopkg'",
        ),
        (
            "import pulumi_aws as aws\naws.ec2.get_ami(owners=['x'])",
            "the program asks a cloud and gets no answer",
        ),
    ],
)
def test_what_the_engine_can_not_run_here_is_no_fault_of_the_program(
    engine: Engine, tmp_path: Path, program: str, said: str
) -> None:
    folder = project(tmp_path / "p", program)
    with pytest.raises(EngineUnavailable, match=said) as caught:
        preview(engine, folder)
    assert "\n" not in caught.value.reason


@pytest.mark.engine
def test_a_stack_that_is_nowhere_is_an_input_error(engine: Engine, tmp_path: Path) -> None:
    folder = project(tmp_path / "p", "")
    with pytest.raises(InputError, match=r"Pulumi\.prod\.yaml"):
        preview(engine, folder, "prod")


@pytest.mark.engine
def test_the_digest_on_stdout_of_the_command_is_what_check_reads(engine: Engine) -> None:
    from zerofloor.documents import read

    folder = engine.yaml_project("unknown_first")
    digest = engine.pulumi("preview", "--json", "--show-sames", cwd=folder).stdout
    events = engine.pulumi(
        "preview", "--json", cwd=folder, environ={"PULUMI_ENABLE_STREAMING_JSON_PREVIEW": "true"}
    ).stdout
    assert engine.pulumi("up", "--yes", "--skip-preview", cwd=folder).returncode == 0
    export = engine.pulumi("stack", "export", cwd=folder).stdout
    of_digest, of_events, of_export = (
        read(kind, text.encode()) for kind, text in (("d", digest), ("e", events), ("x", export))
    )
    assert [stack.kind for stack in (of_digest, of_events, of_export)] == [
        "digest",
        "events",
        "export",
    ]
    for stack in (of_digest, of_events, of_export):
        held = next(resource for resource in stack.resources if resource.name == "b-held")
        assert held.inputs["scalingConfig"] == {"minSize": 1, "maxSize": 2, "desiredSize": 1}
    unknown = next(resource for resource in of_digest.resources if resource.name == "a-unknown")
    assert unknown.inputs["instanceTypes"] == [UNKNOWN]
    assert json.loads(digest)["changeSummary"] == {"create": 4}


def test_without_a_command_the_engine_is_unavailable(tmp_path: Path) -> None:
    environ = {"PATH": str(tmp_path)}
    assert find_pulumi(environ) is None
    with pytest.raises(EngineUnavailable, match="no `pulumi` command on PATH"):
        preview_with_engine(HERE / "programs" / "demo", "dev", time_limit=5, environ=environ)


@pytest.mark.engine
def test_the_programs_interpreter_without_an_sdk_is_named(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import zerofloor.engine.project

    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" -S "$@"\n')
    python.chmod(0o755)
    monkeypatch.setattr(zerofloor.engine.project, "_python_in", lambda root, options: python)
    with pytest.raises(
        EngineUnavailable,
        match="can't serve the program: ModuleNotFoundError: No module named 'grpc'",
    ):
        preview(engine, project(tmp_path / "p", ""))


@pytest.mark.engine
def test_the_command_is_found_on_the_path_of_the_environment(engine: Engine) -> None:
    assert find_pulumi(engine.environ) == BIN / "pulumi"
