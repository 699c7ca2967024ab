"""`zerofloor check` as a process: exits, streams, formats, several files."""

from __future__ import annotations

import json
import os
import pty
import subprocess
from pathlib import Path

import jsonschema
import pytest

from tests.cli.command import COMMAND, HELD, SCALER, TODAY, ZERO, process, refused, zerofloor
from zerofloor.schema import schema_of


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_held_gpu_fails_with_exit_1_and_says_what_to_change(tmp_path: Path) -> None:
    write(tmp_path, "held.yaml", HELD)
    done = process("check", "held.yaml", *TODAY, cwd=tmp_path)
    assert done.code == 1
    assert done.err == ""
    assert done.out.startswith("FAIL  1 idle GPU")
    assert "GPU001 fixed-replicas-hold-gpu" in done.out
    assert "spec.replicas is 1" in " ".join(done.out.split())
    assert "Change: " in done.out
    assert max(map(len, done.out.splitlines())) <= 80


def test_a_stack_at_zero_passes_with_exit_0(tmp_path: Path) -> None:
    write(tmp_path, "zero.yaml", ZERO)
    done = process("check", "zero.yaml", *TODAY, cwd=tmp_path)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("PASS  No GPU keeps billing while idle.")


def test_a_stack_without_a_gpu_is_quiet(tmp_path: Path) -> None:
    write(tmp_path, "web.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n")
    done = zerofloor("check", "web.yaml", *TODAY, cwd=tmp_path)
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines()[0] == "PASS  No GPUs found."
    assert len(done.out.splitlines()) == 2


def test_stdin(tmp_path: Path) -> None:
    done = process("check", "-", *TODAY, cwd=tmp_path, stdin=HELD)
    assert done.code == 1
    assert "stdin" in done.out


def test_json_fits_the_schema_and_is_the_same_each_time(tmp_path: Path) -> None:
    write(tmp_path, "held.yaml", HELD)
    one, two = (
        process(
            "check",
            "held.yaml",
            "--format",
            "json",
            *TODAY,
            cwd=tmp_path,
            environ={"PYTHONHASHSEED": seed},
        )
        for seed in "12"
    )
    assert one.out == two.out
    report = json.loads(one.out)
    jsonschema.validate(
        report, json.loads(schema_of("report")), cls=jsonschema.Draft202012Validator
    )
    assert (report["gate"], report["floor"]["verdict"], report["floor"]["gpus"]) == (
        "fail",
        "held",
        1,
    )


def test_several_files_are_judged_one_by_one_and_the_worst_decides(tmp_path: Path) -> None:
    write(tmp_path, "zero.yaml", ZERO)
    write(tmp_path, "held.yaml", HELD)
    done = zerofloor("check", "zero.yaml", "held.yaml", "--format", "json", *TODAY, cwd=tmp_path)
    assert done.code == 1
    assert [report["gate"] for report in json.loads(done.out)] == ["pass", "fail"]


def test_joined_files_are_one_estate(tmp_path: Path) -> None:
    """The Deployment alone holds a GPU; with the scaler from the other file it goes to zero."""
    write(tmp_path, "app.yaml", HELD)
    write(tmp_path, "scaler.yaml", SCALER)
    assert zerofloor("check", "app.yaml", "scaler.yaml", *TODAY, cwd=tmp_path).code == 1
    done = zerofloor(
        "check", "app.yaml", "scaler.yaml", "--join", "--format", "json", *TODAY, cwd=tmp_path
    )
    assert done.code == 0, done.out
    report = json.loads(done.out)
    assert [document["name"] for document in report["documents"]] == ["app.yaml", "scaler.yaml"]


def test_an_estate_with_a_file_that_can_not_be_read_is_never_a_pass(tmp_path: Path) -> None:
    write(tmp_path, "zero.yaml", ZERO)
    done = zerofloor("check", "zero.yaml", "missing.yaml", "--join", *TODAY, cwd=tmp_path)
    assert done.code == 2
    assert done.out.startswith("PASS")
    assert "missing.yaml" in done.err
    assert "without it" in done.err


def test_a_folder_of_manifests_is_one_estate(tmp_path: Path) -> None:
    (tmp_path / "manifests").mkdir()
    write(tmp_path / "manifests", "app.yaml", HELD)
    write(tmp_path / "manifests", "scaler.yml", SCALER)
    write(tmp_path / "manifests", "notes.txt", "not read")
    assert zerofloor("check", "manifests", *TODAY, cwd=tmp_path).code == 0
    (tmp_path / "manifests" / "scaler.yml").unlink()
    assert zerofloor("check", "manifests", *TODAY, cwd=tmp_path).code == 1


def test_an_unreadable_file_among_several_is_exit_2_and_the_rest_is_still_printed(
    tmp_path: Path,
) -> None:
    write(tmp_path, "held.yaml", HELD)
    done = zerofloor("check", "missing.json", "held.yaml", *TODAY, cwd=tmp_path)
    assert done.code == 2
    assert done.out.startswith("FAIL  1 idle GPU")
    assert done.err.startswith("zerofloor: missing.json: ")
    assert len(done.err.splitlines()) == 1


def test_output_is_a_whole_file(tmp_path: Path) -> None:
    write(tmp_path, "held.yaml", HELD)
    done = zerofloor(
        "check", "held.yaml", "--format", "json", "--output", "out.json", *TODAY, cwd=tmp_path
    )
    assert (done.code, done.out) == (1, "")
    assert json.loads((tmp_path / "out.json").read_text())["gate"] == "fail"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["held.yaml", "out.json"]
    refused(
        zerofloor("check", "held.yaml", "--output", "no/such/folder/out.json", *TODAY, cwd=tmp_path)
    )


def test_output_goes_through_links_and_pipes(tmp_path: Path) -> None:
    (tmp_path / "held.yaml").write_text(HELD)
    (tmp_path / "link.json").symlink_to("real.json")
    os.mkfifo(tmp_path / "pipe")
    with subprocess.Popen(["cat", "pipe"], cwd=tmp_path, stdout=subprocess.PIPE) as reader:
        for place in ("link.json", "pipe", "/dev/null"):
            arguments = ("check", "held.yaml", "--format", "json", "--output", place, *TODAY)
            assert zerofloor(*arguments, cwd=tmp_path).code == 1
        assert reader.stdout is not None
        assert json.loads(reader.stdout.read())["gate"] == "fail"
    assert json.loads((tmp_path / "real.json").read_text())["gate"] == "fail"
    assert (tmp_path / "link.json").is_symlink()
    assert (tmp_path / "pipe").is_fifo()
    assert Path("/dev/null").is_char_device()
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "held.yaml",
        "link.json",
        "pipe",
        "real.json",
    ]


@pytest.mark.parametrize(
    ("redirected", "code"),
    [(">&-", 1), ("2>&-", 1), ("2>/dev/full", 1), (">/dev/full", 2), (">&- 2>&-", 1)],
)
def test_closed_and_full_streams_change_no_verdict(
    tmp_path: Path, redirected: str, code: int
) -> None:
    (tmp_path / "held.yaml").write_text(HELD)
    done = subprocess.run(
        ["sh", "-c", f"exec {COMMAND} check held.yaml {redirected}"],
        cwd=tmp_path,
        env={name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code
    assert "Traceback" not in done.stderr
    assert "internal error" not in done.stderr


def test_settings_beside_the_file_are_found(tmp_path: Path) -> None:
    (tmp_path / "stack").mkdir()
    write(tmp_path / "stack", "held.yaml", HELD)
    write(tmp_path / "stack", "zerofloor.yaml", "rules: {GPU001: 'off', GPU202: 'off'}\n")
    assert zerofloor("check", "stack/held.yaml", *TODAY, cwd=tmp_path).code == 0
    write(tmp_path, "other.yaml", "{}\n")
    assert (
        zerofloor("check", "stack/held.yaml", "--settings", "other.yaml", *TODAY, cwd=tmp_path).code
        == 1
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("waivers: [{rule: GPU001}]", "waivers item 1: reason is missing"),
        ("no: [", "not YAML"),
        ("nonsense: 1", "nonsense"),
        ("rules: {GPU999: 'off'}", "GPU999"),
        ("caps: {idleTailSeconds: many}", "caps.idleTailSeconds"),
    ],
)
def test_wrong_settings_are_one_line(tmp_path: Path, text: str, told: str) -> None:
    write(tmp_path, "held.yaml", HELD)
    write(tmp_path, "zerofloor.yaml", text)
    assert told in refused(zerofloor("check", "held.yaml", *TODAY, cwd=tmp_path))


def test_a_waiver_lets_it_pass_until_its_day(tmp_path: Path) -> None:
    write(tmp_path, "held.yaml", HELD)
    waivers = [
        {
            "rule": rule,
            "urn": "*",
            "reason": "a demo",
            "owner": "ml",
            "expires": "2026-11-24",
            "maxMonthlyUsd": 5000,
        }
        for rule in ("fixed-replicas-hold-gpu", "unpriced-gpu")
    ]
    settings = {"waivers": waivers, "rules": {"fixed-replicas-hold-gpu": "error"}}
    digest = Path(__file__).parents[1] / "data" / "cases" / "pairs" / "P01_asg_lt_min2.json"
    assert digest.is_file()
    write(tmp_path, "zerofloor.yaml", json.dumps(settings))
    done = zerofloor("check", "held.yaml", "--format", "json", *TODAY, cwd=tmp_path)
    # Where the GPU type is not known the cost is not: a dollar cap can't be shown to hold.
    assert done.code == 1
    assert any(
        "cost is unknown" in finding["message"] for finding in json.loads(done.out)["findings"]
    )


def test_no_colour_unless_a_terminal(tmp_path: Path) -> None:
    write(tmp_path, "held.yaml", HELD)
    assert "\x1b" not in zerofloor("check", "held.yaml", *TODAY, cwd=tmp_path).out
    assert "\x1b[" in on_a_terminal(tmp_path, {})
    assert "\x1b[" not in on_a_terminal(tmp_path, {"NO_COLOR": "1"})
    assert "\x1b[" not in on_a_terminal(tmp_path, {"TERM": "dumb"})


def on_a_terminal(folder: Path, environ: dict[str, str]) -> str:
    """What `check held.yaml` writes to a terminal."""
    leader, follower = pty.openpty()
    command = [COMMAND, "check", "held.yaml", *TODAY]
    env = {
        **{key: value for key, value in os.environ.items() if key != "NO_COLOR"},
        "TERM": "xterm",
        **environ,
    }
    with subprocess.Popen(
        command, cwd=folder, stdout=follower, stderr=subprocess.DEVNULL, env=env
    ) as process:
        os.close(follower)
        written = b""
        while True:
            try:
                part = os.read(leader, 65536)
            except OSError:  # the other side is closed
                break
            if not part:
                break
            written += part
        process.wait(timeout=60)
    os.close(leader)
    return written.decode()


def test_a_reader_that_leaves_early_is_no_accident(tmp_path: Path) -> None:
    write(tmp_path, "held.yaml", HELD)
    command = [COMMAND, "check", "held.yaml", "--format", "json", *TODAY]
    with subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        err = process.stderr.read()
        code = process.wait(timeout=60)
    assert (code, err) == (1, b"")
