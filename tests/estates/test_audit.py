"""`zerofloor audit` of a folder in Pulumi's layout: what it finds, adds up, and says where it can't
judge."""

from __future__ import annotations

import gzip
import json
import os
import re
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema
import pytest

try:
    from compression import zstd
except ModuleNotFoundError:  # before Python 3.14
    from backports import zstd

from tests.cli.command import TODAY, process, refused, zerofloor
from tests.estates.backends import CIPHER, Backend, deployment, instance, resource, state
from zerofloor.estates.executors import Processes, Task, close_worker
from zerofloor.estates.judging import How
from zerofloor.schema import schema_of

MONTH = Decimal(730)
G5 = Decimal("1.006")
"""Dollars an hour of a g5.xlarge in us-east-1, on demand."""


@pytest.fixture
def backend(tmp_path: Path) -> Backend:
    return Backend(tmp_path / "backend")


def audited(
    backend: Backend, *options: str | Path, code: int, cwd: Path | None = None
) -> dict[str, Any]:
    """The JSON of an audit, which fits its schema; the backend is as it was."""
    before = backend.contents()
    cwd = cwd or backend.folder.parent
    done = zerofloor("audit", backend.url, "--format", "json", *TODAY, *options, cwd=cwd)
    assert done.code == code, done.err
    found: dict[str, Any] = json.loads(done.out)
    jsonschema.validate(found, json.loads(schema_of("audit")))
    assert backend.contents() == before
    return found


def why(found: dict[str, Any]) -> dict[str, str]:
    return {one["stack"]: one["why"] for one in found["problems"]}


def test_what_idles_is_added_up_by_stack_owner_tag_and_cause(backend: Backend) -> None:
    backend.add("shop", "dev", instance("a", {"team": "search", "env": "dev"}), instance("b"))
    backend.add("shop", "prod", instance("c", {"Owner": "ann", "env": "prod"}))
    backend.add("web", "dev", instance("small", size="t3.large"))
    found = audited(backend, "--by", "tag:env", code=1)
    one = (G5 * MONTH).quantize(Decimal("0.01"))
    assert found["totals"] == {"monthly": str(3 * one), "waived": "0", "gpus": "3.000"}
    sums = {
        by: {row["key"]: Decimal(row["monthly"]) for row in rows}
        for by, rows in found["by"].items()
    }
    assert sums == {
        "stack": {"shop/dev": 2 * one, "shop/prod": one},
        "owner": {"search": one, "ann": one, "(none)": one},
        "cause": {"GPU014 always-on-instance-holds-gpu": 3 * one},
        "cloud": {"aws": 3 * one},
        "tag:env": {"dev": one, "prod": one, "(none)": one},
    }
    assert [one["name"] for one in found["stacks"]] == ["shop/dev", "shop/prod", "web/dev"]


def test_the_sum_is_that_of_single_checks(backend: Backend) -> None:
    paths = [
        backend.add("a", "dev", instance("one"), deployment("llm")),
        backend.add("b", "dev", instance("two", size="p4d.24xlarge")),
        backend.add("c", "dev", deployment("web", gpus=0)),
    ]
    single = Decimal(0)
    for path in paths:
        done = zerofloor("check", path, "--format", "json", *TODAY, cwd=backend.folder)
        report = json.loads(done.out)
        single += Decimal(report["estimate"]["floor"]["monthly"]["amount"])
    found = audited(backend, code=1)
    assert abs(Decimal(found["totals"]["monthly"]) - single) <= Decimal("0.02")


def test_nothing_idle_passes_and_a_waiver_counts(backend: Backend, tmp_path: Path) -> None:
    backend.add("web", "dev", instance("small", size="t3.large"))
    assert audited(backend, code=0)["lines"] == []
    backend.add("shop", "dev", instance("a"))
    assert audited(backend, "--advisory", code=0)["gate"] == "fail"
    waiver = {
        "rule": "GPU014",
        "urn": "urn:pulumi:dev::shop::*",
        "reason": "a demo",
        "owner": "ann",
        "expires": "2026-12-01",
        "maxMonthlyUsd": 1000,
    }
    settings = tmp_path / "settings.json"
    settings.write_text(json.dumps({"waivers": [waiver]}))
    found = audited(backend, "--settings", settings, code=0)
    assert found["totals"]["waived"] == found["totals"]["monthly"] != "0"
    assert "ann: a demo" in found["lines"][0]["waived_by"]


def test_an_undecided_gpu_blocks_and_costs_what_is_not_known(backend: Backend) -> None:
    inputs = {"instanceType": CIPHER, "ami": "ami-0123456789abcdef0"}
    backend.add("shop", "dev", resource("aws:ec2/instance:Instance", "a", inputs))
    found = audited(backend, code=1)
    (line,) = found["lines"]
    assert (line["state"], line["monthly"], line["gpus"]) == ("undecided", "0.00", None)
    assert CIPHER["ciphertext"] not in json.dumps(found)


@pytest.mark.parametrize(
    ("suffix", "pack"), [(".json.gz", gzip.compress), (".json.zst", zstd.compress)]
)
def test_packed_states_and_the_newer_of_two(
    backend: Backend, suffix: str, pack: Callable[[bytes], bytes]
) -> None:
    idle = json.dumps(state("shop", "dev", [instance("a")])).encode()
    none = json.dumps(state("shop", "dev", [])).encode()
    backend.path("shop/dev").write_bytes(none)
    packed = backend.path("shop/dev", suffix)
    packed.write_bytes(pack(idle))
    os.utime(packed, (2e9, 2e9))
    found = audited(backend, code=1)
    assert found["totals"]["gpus"] == "1.000"
    assert f"dev{suffix} was judged, which is newer than" in found["notices"][0]["what"]
    os.utime(packed, (1e9, 1e9))
    assert audited(backend, code=0)["totals"]["gpus"] == "0"


def test_the_older_layout(backend: Backend) -> None:
    (backend.root / "meta.yaml").unlink()
    text = json.dumps(state("shop", "dev", [instance("a")]))
    backend.path("dev").write_text(text)
    found = audited(backend, code=1)
    assert [one["name"] for one in found["stacks"]] == ["dev"]


def test_what_is_no_state_is_not_read(backend: Backend) -> None:
    backend.add("shop", "dev")
    for name in ("history/shop/dev/dev-1.history.json", "backups/shop/dev/dev.1.json"):
        path = backend.root / name
        path.parent.mkdir(parents=True)
        path.write_text("{broken")
    backend.path("shop/dev", ".json.bak").write_text("{broken")
    backend.path("shop/dev", ".json.attrs").write_text("{broken")
    assert audited(backend, code=0)["problems"] == []


def test_a_stack_that_was_never_deployed_has_nothing(backend: Backend) -> None:
    backend.path("shop/dev").write_text('{"version": 3, "checkpoint": {"stack": "s"}}')
    backend.path("shop/new").write_text(
        '{"version": 3, "checkpoint": {"stack": "s", "latest": {"resources": null}}}'
    )
    assert audited(backend, code=0)["problems"] == []


ZSTD = zstd.compress(b"{}" * 999)
BROKEN: dict[str, tuple[str, bytes, str]] = {
    "half-written": (".json", json.dumps(state("x", "y", [])).encode()[:300], "ends too early"),
    "empty": (".json", b"", "it is empty"),
    "no JSON": (".json", b"hello", "line 1"),
    "of a newer version": (
        ".json",
        json.dumps(state("x", "y", [], version=5)).encode(),
        "version 5",
    ),
    "gzip cut off": (".json.gz", gzip.compress(b"{}" * 999)[:-12], "ends too early"),
    "gzip damaged": (".json.gz", gzip.compress(b"{}" * 9)[:10] + b"\xff" * 40, "damaged"),
    "zstd cut off": (".json.zst", ZSTD[:-4], "its zstd ends too early"),
    "zstd damaged": (".json.zst", ZSTD[:12] + b"\xff" * 40, "its zstd is damaged"),
    "a zstd bomb": (".json.zst", zstd.compress(b" " * (2 * 2**20)), "more than the 1.0 MiB"),
    "a bomb": (".json.gz", gzip.compress(b" " * (2 * 2**20)), "more than the 1.0 MiB"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_stack_that_can_not_be_read_is_named_and_the_rest_is_judged(
    name: str, backend: Backend
) -> None:
    backend.add("shop", "dev", instance("a"))
    suffix, data, said = BROKEN[name]
    backend.path("x/y", suffix).write_bytes(data)
    found = audited(backend, "--max-size", "1", code=2)
    assert found["totals"]["gpus"] == "1.000"
    assert list(why(found)) == ["x/y"]
    assert said in why(found)["x/y"]
    assert [one["judged"] for one in found["stacks"]] == [True, False]
    done = zerofloor("audit", backend.url, "--max-size", "1", *TODAY, cwd=backend.folder)
    assert done.code == 2
    (line,) = done.err.splitlines()
    assert line.startswith("zerofloor: x/y: ")


def test_a_damaged_state_is_judged_by_its_backup_and_named(backend: Backend) -> None:
    path = backend.add("shop", "dev", instance("a"))
    backend.path("shop/dev", ".json.bak").write_bytes(path.read_bytes())
    path.write_bytes(path.read_bytes()[:500])
    found = audited(backend, code=2)
    assert found["totals"]["gpus"] == "1.000"
    assert "its backup .pulumi/stacks/shop/dev.json.bak was judged" in why(found)["shop/dev"]


def test_two_states_of_one_stack_count_once(backend: Backend) -> None:
    path = backend.add("shop", "dev", instance("a"))
    backend.path("shop/copy").write_bytes(path.read_bytes())
    backend.path("dev").write_bytes(path.read_bytes())
    backend.add("web", "dev", instance("a"))
    found = audited(backend, code=2)
    assert found["totals"]["gpus"] == "2.000"
    assert set(why(found)) == {"dev", "shop/copy"}
    assert "not counted" in why(found)["dev"]


def test_a_locked_stack_is_judged_by_its_last_state(backend: Backend) -> None:
    backend.add("shop", "dev", instance("a"))
    lock = backend.root / "locks" / "organization" / "shop" / "dev" / "1f.json"
    lock.parent.mkdir(parents=True)
    who = {"pid": 1, "username": "ann", "hostname": "ci", "timestamp": "2026-11-24T06:48:48.1Z"}
    lock.write_text(json.dumps(who))
    found = audited(backend, code=1)
    (notice,) = found["notices"]
    assert notice["stack"] == "shop/dev"
    assert "locked by ann@ci since 2026-11-24T06:48:48" in notice["what"]


def test_stack_tags_name_an_owner(backend: Backend) -> None:
    backend.add("shop", "dev", instance("a"))
    backend.path("shop/dev", ".pulumi-tags").write_text('{"version": 1, "tags": {"owner": "ann"}}')
    assert audited(backend, code=1)["lines"][0]["owner"] == "ann"


def test_a_folder_without_rights_is_named_and_the_rest_is_judged(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend.add("shop", "dev", instance("a"))
    secret = backend.add("secret", "dev", instance("a")).parent
    scandir = os.scandir

    def refusing(path: Any) -> Any:  # root may list everything
        if str(path) == str(secret):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    done = zerofloor("audit", backend.url, "-f", "json", *TODAY, cwd=backend.folder)
    assert done.code == 2
    found = json.loads(done.out)
    assert found["totals"]["gpus"] == "1.000"
    assert why(found) == {"": ".pulumi/stacks/secret: can't be listed: Permission denied"}


def test_the_layout_of_a_newer_engine_is_named(backend: Backend) -> None:
    backend.add("shop", "dev")
    (backend.root / "meta.yaml").write_text("version: 2\n")
    assert "version 2" in why(audited(backend, code=2))[""]


def test_what_is_no_backend(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "state.json").write_text("{}")
    Backend(tmp_path / "whole").add("shop", "dev")
    (tmp_path / "empty" / ".pulumi").mkdir(parents=True)
    (tmp_path / "empty" / ".pulumi" / "meta.yaml").write_text("version: 1\n")
    home = {"PULUMI_HOME": str(tmp_path / "home"), "PULUMI_BACKEND_URL": ""}
    cases = {
        "file:///no/such/folder": "no such folder",
        f"file://{tmp_path}/folder": "no Pulumi backend",
        f"file://{tmp_path}/empty": "has no stacks",
        "backend": "expected file://",
        "state.json": "`zerofloor check state.json`",
        f"file://{tmp_path}/whole/.pulumi": "name what holds the folder .pulumi",
        "ftp://host/x": "expected file://",
        "s3://": "no bucket",
    }
    for url, said in cases.items():
        line = refused(zerofloor("audit", url, *TODAY, cwd=tmp_path, environ=home))
        assert said in line, url
    line = refused(zerofloor("audit", *TODAY, cwd=tmp_path, environ=home))
    assert "`pulumi login` recorded none" in line
    line = refused(
        zerofloor(
            "audit",
            "https://user:hunter2@pulumi.example.com",
            *TODAY,
            cwd=tmp_path,
            environ={**home, "PULUMI_ACCESS_TOKEN": ""},
        )
    )
    assert "no access token" in line
    assert "hunter2" not in line


def test_without_an_argument_it_is_the_backend_of_the_login(
    backend: Backend, tmp_path: Path
) -> None:
    backend.add("shop", "dev", instance("a"))
    home = tmp_path / "home"
    home.mkdir()
    (home / "credentials.json").write_text(json.dumps({"current": backend.url}))
    environ = {"PULUMI_HOME": str(home), "PULUMI_BACKEND_URL": ""}
    assert zerofloor("audit", *TODAY, cwd=tmp_path, environ=environ).code == 1
    environ = {"PULUMI_HOME": str(tmp_path), "PULUMI_BACKEND_URL": backend.url}
    assert zerofloor("audit", *TODAY, cwd=tmp_path, environ=environ).code == 1


def test_only_some_stacks(backend: Backend) -> None:
    backend.add("shop", "dev", instance("a"))
    backend.add("web", "dev", instance("a"))
    found = audited(backend, "--stack", "web/*", code=1)
    assert [one["name"] for one in found["stacks"]] == ["web/dev"]
    done = zerofloor("audit", backend.url, "--stack", "nix", *TODAY, cwd=backend.folder)
    assert "no stack of the backend matches nix" in refused(done)


def test_what_is_new_since_the_last_audit(backend: Backend, tmp_path: Path) -> None:
    last = tmp_path / "last.json"
    backend.add("shop", "dev", instance("old"), instance("kept"))
    backend.add("web", "dev", instance("grows"))
    backend.add("ops", "dev", instance("unread"))
    zerofloor("audit", backend.url, "-f", "json", "-o", last, *TODAY, cwd=tmp_path)
    backend.add("shop", "dev", instance("kept"), instance("fresh"))
    backend.add("web", "dev", instance("grows", size="p4d.24xlarge"))
    backend.path("ops/dev").write_text("{")
    found = audited(backend, "--since", last, code=2)
    fresh = found["fresh"]
    assert [key.partition(" ")[2].partition(" ")[0] for key in fresh["new"]] == [
        "urn:pulumi:dev::shop::aws:ec2/instance:Instance::fresh"
    ]
    assert [key.partition(" ")[0] for key in fresh["worse"]] == ["web/dev"]
    assert [(one["stack"], "old" in one["message"]) for one in fresh["gone"]] == [
        ("shop/dev", True)
    ]
    table = zerofloor("audit", backend.url, "--since", last, *TODAY, cwd=tmp_path).out
    assert "1 new, 1 grown, 1 gone" in " ".join(table.split())
    other = Backend(tmp_path / "other")
    other.add("shop", "dev")
    done = zerofloor("audit", other.url, "--since", last, *TODAY, cwd=tmp_path)
    assert "an audit of file://" in refused(done)
    for text in ("", "{}", '{"schema": "zerofloor.audit/1"}'):
        last.write_text(text)
        done = zerofloor("audit", backend.url, "--since", last, *TODAY, cwd=tmp_path)
        assert "last.json" in refused(done)


@pytest.mark.parametrize("form", ["table", "json", "csv", "markdown", "html"])
def test_every_format_is_the_same_from_run_to_run_and_hostile_names_are_harmless(
    form: str, backend: Backend
) -> None:
    evil = "<script>alert(1)</script>\x1b[31m =HYPERLINK(1) | ` @org"
    backend.add("shop", "dev", instance("a", {"owner": evil}), deployment("llm"))
    backend.path("x/y").write_text("{")
    arguments = ("audit", backend.url, "--format", form, "--by", "owner", "--by", "stack", *TODAY)
    first = zerofloor(*arguments, cwd=backend.folder)
    assert first.code == 2
    assert first.out == zerofloor(*arguments, cwd=backend.folder).out
    assert "\x1b" not in first.out
    if form in ("html", "markdown"):
        assert "<script" not in first.out
    if form == "html":
        assert "treemap" in first.out
        assert not re.search(r"""(?:src|href)\s*=\s*["'](?!https://)""", first.out)
    if form in ("html", "markdown", "json", "table"):
        assert "x/y" in first.out


def test_in_processes_it_is_the_same_bytes(backend: Backend, tmp_path: Path) -> None:
    for number in range(30):
        backend.add("shop", f"dev{number}", instance("a"))
    alone = process("audit", backend.url, "--format", "json", "-j", "1", *TODAY, cwd=tmp_path)
    several = process("audit", backend.url, "--format", "json", "-j", "2", *TODAY, cwd=tmp_path)
    assert alone == several
    assert alone.code == 1


def test_progress_goes_to_a_terminal_only(backend: Backend) -> None:
    backend.add("shop", "dev", instance("a"))
    assert process("audit", backend.url, *TODAY, cwd=backend.folder).err == ""


@pytest.mark.parametrize(
    ("mistake", "said"),
    [
        (("--by", "tag"), "--by"),
        (("--by", "stacks"), "--by"),
        (("--executor", "localhost:1"), "expected dask://HOST:PORT"),
        (("--format", "xml"), "xml is none of table, json, "),
        (("--since", "nix.json"), "nix.json: can't be read"),
        (("--settings", "nix.yaml"), "nix.yaml: can't be read"),
        (("--jobs", "0"), "less than 1"),
        (("-f", "csv=x", "-f", "json=x"), "two reports for one place"),
    ],
)
def test_mistakes_are_one_clear_line(mistake: tuple[str, ...], said: str, backend: Backend) -> None:
    backend.add("shop", "dev", instance("a"))
    done = zerofloor("audit", backend.url, *mistake, *TODAY, cwd=backend.folder)
    assert done.code == 2
    assert said in done.err.splitlines()[-1]
    assert done.out == ""


class DyingPool:
    """A pool whose process dies at the stack `shop/dev1`, and takes what is still waiting along."""

    def __init__(self) -> None:
        self.broken = False

    def __enter__(self) -> DyingPool:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def shutdown(self, **_: object) -> None:
        pass

    def submit(self, function: Any, how: How, task: Task) -> Future[Any]:
        done: Future[Any] = Future()
        self.broken = self.broken or any(ref.name == "shop/dev1" for ref in task.refs)
        if self.broken:
            done.set_exception(BrokenProcessPool("killed"))
        else:
            done.set_result(function(how, task))
        return done


def test_a_stack_at_which_a_process_dies_is_named_and_the_others_are_judged(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(20):
        backend.add("shop", f"dev{number}", instance("a"))
    monkeypatch.setattr(Processes, "_pool", lambda self, jobs: DyingPool())
    found = audited(backend, "--jobs", "2", code=2)
    close_worker()
    assert list(why(found)) == ["shop/dev1"]
    assert "the process that judged it died" in why(found)["shop/dev1"]
    assert found["totals"]["gpus"] == "19.000"
