"""Where a report is written: whole or not at all, and nothing is destroyed on the way."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from tests.cli.command import HELD, TODAY, refused, zerofloor
from zerofloor.reports.formats import Format


@pytest.fixture
def held(tmp_path: Path) -> Path:
    (tmp_path / "held.yaml").write_text(HELD)
    return tmp_path


def test_a_link_is_followed_and_stays(held: Path) -> None:
    (held / "real.txt").write_text("before")
    (held / "link.txt").symlink_to("real.txt")
    assert zerofloor("check", "held.yaml", "-o", "link.txt", *TODAY, cwd=held).code == 1
    assert (held / "link.txt").is_symlink()
    assert (held / "real.txt").read_text().startswith("FAIL")


def test_a_pipe_is_written_to_and_stays_a_pipe(held: Path) -> None:
    os.mkfifo(held / "pipe")
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append((held / "pipe").read_text()))
    reader.start()
    zerofloor("check", "held.yaml", "-o", "pipe", *TODAY, cwd=held)
    reader.join(10)
    assert read[0].startswith("FAIL")
    assert (held / "pipe").is_fifo()


def test_a_device_stays_a_device(held: Path) -> None:
    assert zerofloor("check", "held.yaml", "-o", "/dev/null", *TODAY, cwd=held).code == 1
    assert Path("/dev/null").is_char_device()


def test_what_cant_be_written_leaves_the_old_report_and_no_rest(held: Path) -> None:
    assert "can't be written" in refused(
        zerofloor("check", "held.yaml", "-o", "nowhere/r.txt", *TODAY, cwd=held)
    )
    assert "empty file name" in refused(zerofloor("check", "held.yaml", "-o", "", cwd=held))
    assert sorted(path.name for path in held.iterdir()) == ["held.yaml"]


SECRET = "1b47061264138c4ac30d75fd1eb44270"
PLANTED = "PLANTED-IN-A-SECRET"


@pytest.mark.parametrize("form", Format)
def test_a_secret_reaches_no_report(form: Format, tmp_path: Path) -> None:
    secret = f'{{"4dabf18193072939515e22adb298388d": "{SECRET}", "plaintext": "\\"{PLANTED}\\""}}'
    urn = "urn:pulumi:dev::shop::aws:ec2/instance:Instance::gpu"
    (tmp_path / "digest.json").write_text(
        f'{{"config": {{"aws:region": "us-east-1"}}, "changeSummary": {{"create": 1}}, "steps": [{{"op": "create", '
        f'"urn": "{urn}", "newState": {{"urn": "{urn}", "type": "aws:ec2/instance:Instance", "custom": true, "inputs": '
        f'{{"instanceType": "g5.xlarge", "ami": {secret}, "userData": {secret}, "tags": {{"a": {secret}, '
        f'"zerofloor-waive": {secret}}}}}}}}}]}}'
    )
    done = zerofloor("check", "digest.json", "--format", form, *TODAY, cwd=tmp_path)
    assert done.code == 1, done.err
    assert PLANTED not in done.out + done.err
