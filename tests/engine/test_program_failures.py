"""Programs that can't be previewed: each ends in one clear line, in time, and with nothing left
behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import grpc
import pytest
from pulumi.runtime.proto import resource_pb2, resource_pb2_grpc

from tests.engine.program_folder import VPC, program
from tests.engine.real_engine import ROOT
from tests.hiding import floor_of
from zerofloor.engine.monitor import Surroundings, serve
from zerofloor.engine.program import SHOWN, preview_in_process
from zerofloor.errors import InputError
from zerofloor.stack import STACK_TYPE

ENCRYPTED = "test:count: {secure: v1:abc}\ntest:word: two"


def failure(folder: Path, time_limit: float = 60) -> str:
    with pytest.raises(InputError) as raised:
        preview_in_process(folder, "dev", time_limit=time_limit)
    said = str(raised.value)
    assert "\n" not in said
    assert said.startswith(f"{folder}: ")
    return said.removeprefix(f"{folder}: ")


FAILING = {
    "raises": (
        "def f():\n    raise ValueError('boom\\nmore')\nf()",
        "the program raises ValueError: boom (__main__.py:2)",
    ),
    "raises in apply": (
        "import pulumi\npulumi.Output.from_input(1).apply(\n    lambda x: 1 / 0)",
        "the program raises ZeroDivisionError: division by zero (__main__.py:3)",
    ),
    "exits": ("import sys\nsys.exit(3)", "the program calls sys.exit(3) at __main__.py:2"),
    "exits as if well": (
        "import sys\nsys.exit()",
        "the program calls sys.exit(None) at __main__.py:2",
    ),
    "vanishes": (
        "import os\nos._exit(0)",
        "the program ended itself (exit code 0) before it was done",
    ),
    "dies": (
        "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)",
        "the program ended itself (signal 9) before it was done",
    ),
    "syntax": (
        "import pulumi\nx = (\n",
        "the program has a syntax error at __main__.py:2: '(' was never closed",
    ),
    "no configuration": (
        "import pulumi\npulumi.Config().require('key')",
        (
            "the program requires the configuration test:key at __main__.py:2: set it with "
            "`pulumi config set test:key VALUE`"
        ),
    ),
    "configuration of the wrong type": (
        "import pulumi\npulumi.Config().require_int('word')",
        "the configuration test:word is not a valid int at __main__.py:2",
    ),
    "encrypted number": (
        "import pulumi\npulumi.Config().require_int('count')",
        "the program needs the value of test:count at __main__.py:2, which is encrypted and can't be decrypted here: "
        "install the pulumi command and log in",
    ),
    "arithmetic with a secret": (
        "import pulumi\npulumi.Config().require_secret('count').apply(lambda text: int(text) + 1)",
        "the program needs the value of test:count at __main__.py:2, which is encrypted and can't be decrypted here: "
        "install the pulumi command and log in",
    ),
    "no module": (
        "import pulumi_nowhere",
        (
            "the program imports pulumi_nowhere at __main__.py:1, which is not installed in "
            f"{sys.executable}: install the program's requirements there, or name their "
            "environment in Pulumi.yaml (runtime.options.virtualenv)"
        ),
    ),
    "the same URN twice": (
        f"import pulumi\n{VPC}\n{VPC}",
        (
            "Duplicate resource URN 'urn:pulumi:dev::test::aws:ec2/vpc:Vpc::vpc'; try giving "
            "it a unique name"
        ),
    ),
    "no value": (
        "import pulumi\npulumi.CustomResource('a:b:C', 'c', {'x': object()})",
        (
            "the program raises ValueError: While processing resource: 'c', type: 'a:b:C': "
            "unexpected input of type object"
        ),
    ),
    "a circle": (
        "import pulumi\nd = {}\nd['d'] = d\npulumi.CustomResource('a:b:C', 'c', d)",
        "the program raises RecursionError: maximum recursion depth exceeded",
    ),
    "only the cloud knows": (
        "import pulumi\npulumi.runtime.invoke('aws:ec2/getAmi:getAmi', {})",
        "the program needs the result of aws:ec2/getAmi:getAmi at __main__.py:2, which only the cloud knows: "
        "give it under `answers` in zerofloor.yaml, or install the pulumi command and log in",
    ),
    "swallows that only the cloud knows": (
        (
            "import pulumi\ntry:\n    pulumi.runtime.invoke('aws:index/getRegion:getRegion', "
            "{})\nexcept Exception:\n    pass"
        ),
        "the program needs the result of aws:index/getRegion:getRegion at __main__.py:3, which only the cloud knows: "
        "set aws:region, give it under `answers` in zerofloor.yaml, or install the pulumi command and log in",
    ),
    "a transform raises": (
        (
            "import pulumi\ndef t(args):\n    raise "
            f"KeyError('nope')\npulumi.runtime.register_resource_transform(t)\n{VPC}"
        ),
        "the transform of vpc fails: 'nope'",
    ),
    "reads the terminal": (
        "input()",
        "the program raises EOFError: EOF when reading a line (__main__.py:1)",
    ),
}


@pytest.mark.parametrize(("source", "says"), FAILING.values(), ids=FAILING.keys())
def test_a_failing_program_says_what_and_where(tmp_path: Path, source: str, says: str) -> None:
    assert failure(program(tmp_path, source, config=ENCRYPTED)).startswith(says)


ENDLESS = {
    "loops": "while True:\n    pass",
    "waits for an output": (
        "import asyncio, pulumi\npulumi.CustomResource('a:b:C', 'c', {'x': "
        "asyncio.get_event_loop().create_future()})"
    ),
}


@pytest.mark.parametrize("source", ENDLESS.values(), ids=ENDLESS.keys())
def test_a_program_that_never_ends_is_ended(tmp_path: Path, source: str) -> None:
    begun = time.monotonic()
    assert failure(program(tmp_path, source), time_limit=1.5) == (
        "the program did not end within 1.5 s: raise --time-limit, or find out what it waits for"
    )
    assert time.monotonic() - begun < 20


def alive(pid: int) -> bool:
    """Whether a process runs; a zombie that nobody collects doesn't."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except OSError:
        return False


def test_what_a_program_has_started_ends_with_it(tmp_path: Path) -> None:
    source = """
        import os, subprocess, threading, time
        sleeper = subprocess.Popen(["sleep", "300"])
        open("pid", "w").write(str(sleeper.pid))
        threading.Thread(target=time.sleep, args=(300,)).start()
        if os.fork() == 0:
            time.sleep(300)
    """
    preview_in_process(program(tmp_path, source), "dev", time_limit=60)
    pid = int((tmp_path / "pid").read_text())
    until = time.monotonic() + 5
    while alive(pid) and time.monotonic() < until:
        time.sleep(0.05)
    assert not alive(pid)


def test_much_output_is_cut_and_goes_to_stderr(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = """
        import sys
        print("\\x1b]0;title\\x07begins")
        for _ in range(100):
            sys.stdout.write("x" * 50_000)
        sys.stderr.write("never seen")
    """
    preview_in_process(program(tmp_path, source), "dev", time_limit=60)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("]0;titlebegins\nxxx")
    assert len(err) < SHOWN + 200
    assert err.endswith("bytes more that the program printed\n")


def test_no_secret_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = """
        import pulumi
        config = pulumi.Config()
        print("token", config.require("token"), "default", config.require("planted"))
        pulumi.log.warn("own-secret-1")
        pulumi.CustomResource("a:b:C", "c", {"x": pulumi.Output.secret({"deep": ["own-secret-1"]})})
        pulumi.Output.secret("own-secret-2").apply(int)
    """
    project = "runtime: python\nconfig: {planted: {default: planted-default, secret: true}}"
    said = failure(
        program(tmp_path, source, config="test:token: {secure: v1:abc}", project=project)
    )
    shown = said + "".join(capsys.readouterr())
    assert "token [secret] default [secret]" in shown
    assert "warning: [secret]" in shown
    assert "invalid literal for int" in said
    for secret in ("undecrypted-", "planted-default", "own-secret"):
        assert secret not in shown


def test_the_program_gets_no_credentials(tmp_path: Path) -> None:
    names = """
        AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_PROFILE AWS_SHARED_CREDENTIALS_FILE AZURE_CLIENT_SECRET
        ARM_CLIENT_SECRET GOOGLE_APPLICATION_CREDENTIALS GOOGLE_CREDENTIALS KUBECONFIG CLOUDSDK_CONFIG PULUMI_ACCESS_TOKEN
        PULUMI_CONFIG_PASSPHRASE GITHUB_TOKEN OPENAI_API_KEY DB_PASSWORD https_proxy HTTPS_PROXY SSH_AUTH_SOCK
    """
    planted = dict.fromkeys(names.split(), "planted-credential")
    planted["DATABASE_URL"] = "postgres://me:planted-credential@db/x"
    kept = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(tmp_path),
        "LANG": "C.UTF-8",
        "AWS_REGION": "us-west-2",
        "TEAM": "serving",
    }
    source = "import json, os\njson.dump(dict(os.environ), open('environ.json', 'w'))"
    preview_in_process(program(tmp_path, source), "dev", time_limit=60, environ={**planted, **kept})
    seen = json.loads((tmp_path / "environ.json").read_text())
    assert "planted-credential" not in json.dumps(seen)
    assert {name: seen[name] for name in kept} == kept
    assert seen["AWS_SHARED_CREDENTIALS_FILE"] == "/dev/null"


def test_another_language_is_refused_by_name(tmp_path: Path) -> None:
    folder = program(tmp_path, "", project="runtime: {name: nodejs}")
    assert (
        failure(folder)
        == "the in-process preview runs Python only; install the pulumi command for runtime nodejs"
    )


def test_a_missing_program_is_refused(tmp_path: Path) -> None:
    folder = program(tmp_path, "", project="runtime: python\nmain: elsewhere.py")
    assert failure(folder) == "there is no program elsewhere.py where Pulumi.yaml says"


@pytest.mark.parametrize("content", ["", "[]", '{"a": 1}', "{"])
def test_broken_exports_are_refused(tmp_path: Path, content: str) -> None:
    exports = tmp_path / "exports.json"
    exports.write_text(content)
    with pytest.raises(InputError, match=r"exports\.json: "):
        preview_in_process(program(tmp_path / "p", ""), "dev", exports=exports)


def test_environments_that_are_not_opened_are_told(tmp_path: Path) -> None:
    folder = program(tmp_path, "import pulumi\npulumi.Config().require('key')")
    (folder / "Pulumi.dev.yaml").write_text("environment: [acme/dev]\n")
    assert failure(folder).endswith("(the environments acme/dev are not opened here)")
    (folder / "__main__.py").write_text("")
    assert preview_in_process(folder, "dev", time_limit=60).notes == (
        "the environment acme/dev is not opened here: what it configures is missing",
    )


def test_a_stranger_on_the_port_is_refused(tmp_path: Path) -> None:
    surroundings = Surroundings("p", "dev", tmp_path, {}, lambda text: False)
    with serve(surroundings, "token") as (address, registered):
        stub = resource_pb2_grpc.ResourceMonitorStub(grpc.insecure_channel(address))
        request = resource_pb2.RegisterResourceRequest(type="a:b:C", name="c", custom=True)
        with pytest.raises(grpc.RpcError, match="one program only"):
            stub.RegisterResource(request, timeout=5)
        stub.RegisterResource(request, metadata=(("authorization", "token"),), timeout=5)
        assert [r.name for r in registered.resources.values()] == ["c"]


def test_an_end_that_the_monitor_did_not_hear_is_none(tmp_path: Path) -> None:
    forged = """
        import json, os, sys
        frame = sys._getframe()
        while "order" not in frame.f_locals:
            frame = frame.f_back
        with open(frame.f_locals["order"]["report"], "w") as report:
            json.dump({"ended": "well"}, report)
        os._exit(0)
    """
    with pytest.raises(InputError, match="ended itself before it was done"):
        preview_in_process(program(tmp_path, forged), "dev")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_cancelled_preview_leaves_nothing(tmp_path: Path, number: signal.Signals) -> None:
    source = """
        import os, pathlib, time
        pathlib.Path("pid").write_text(str(os.getpid()))
        time.sleep(60)
    """
    folder, scratch = program(tmp_path / "p", source), tmp_path / "scratch"
    scratch.mkdir()
    start = "import sys; from zerofloor.cli.main import main; sys.exit(main())"
    options = ("preview", "--engine", "in-process", "-s", "dev")
    command = [sys.executable, "-c", start, *options]
    environ = {**os.environ, "TMPDIR": str(scratch), "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, cwd=folder, env=environ, stderr=subprocess.DEVNULL) as process:
        started = folder / "pid"
        for _ in range(600):
            if started.exists() and started.read_text():
                break
            time.sleep(0.05)
        process.send_signal(number)
        assert process.wait(timeout=20) == 128 + number
    with pytest.raises(ProcessLookupError):
        os.kill(int(started.read_text()), 0)
    assert not list(scratch.glob("zerofloor-*"))


def test_what_leaves_the_session_is_ended_too(tmp_path: Path) -> None:
    source = """
        import os, pathlib, time
        if os.fork() == 0:
            os.setsid()
            pathlib.Path("pid").write_text(str(os.getpid()))
            time.sleep(60)
        while not pathlib.Path("pid").exists() or not pathlib.Path("pid").read_text():
            time.sleep(0.01)
    """
    folder = program(tmp_path, source)
    preview_in_process(folder, "dev")
    with pytest.raises(ProcessLookupError):
        os.kill(int((folder / "pid").read_text()), 0)


def test_what_an_apply_of_an_unknown_makes_is_outside_what_was_seen(tmp_path: Path) -> None:
    source = """
        import pulumi
        def pod(_):
            pulumi.CustomResource("kubernetes:core/v1:Pod", "gpu", {})
        def topic(_):
            pulumi.CustomResource("aws:sns/topic:Topic", "t", {})
        box = pulumi.CustomResource("aws:ec2/vpc:Vpc", "vpc", {"cidrBlock": "10.0.0.0/16"})
        box.id.apply(pod)
        box.id.apply(topic)
        box.id.apply(lambda id: f"https://{id}")
        pulumi.Output.from_input("known").apply(lambda _: None)
    """
    stack = preview_in_process(program(tmp_path, source), "dev")
    kinds = [r.type for r in stack.resources if r.type != STACK_TYPE]
    assert kinds == ["aws:ec2/vpc:Vpc", "kubernetes:core/v1:Pod"]
    assert [note.partition(": what it")[0] for note in stack.notes] == [
        "the apply at __main__.py:3 didn't run, since its value isn't known before deployment",
        "the apply at __main__.py:5 didn't run, since its value isn't known before deployment",
    ]
    assert floor_of(stack).verdict == "undecided"
