"""What can't be judged: exit 2, nothing on stdout, one line on stderr that says what and where; no
traceback, no pass."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cases import case, digest_of
from tests.cli.command import HELD, TODAY, ZERO, process, refused, zerofloor

NODE_GROUP = "aws:eks/nodeGroup:NodeGroup"


def digest(**scaling: Any) -> bytes:
    props = {
        "clusterName": "main",
        "instanceTypes": ["g5.xlarge"],
        "scalingConfig": {"minSize": 0, "desiredSize": 0, "maxSize": 2, **scaling},
    }
    return digest_of({"resources": [{"type": NODE_GROUP, "name": "gpu", "props": props}]})


WHOLE = digest()
STEPS = json.loads(WHOLE)["steps"]

DOCUMENTS: dict[str, bytes] = {
    "empty": b"",
    "blank": b" \n\n",
    "truncated": WHOLE[: len(WHOLE) // 2],
    "array": b"[1, 2]",
    "number": b"12",
    "string": b'"text"',
    "null": b"null",
    "no steps": b'{"config": {}}',
    "steps of the wrong type": b'{"steps": 3, "changeSummary": {}}',
    "fewer steps than counted": json.dumps(
        {"steps": STEPS[:1], "changeSummary": {"create": 2}}
    ).encode(),
    "a step of the wrong type": json.dumps({"steps": [1], "changeSummary": {"create": 1}}).encode(),
    "binary": bytes(range(256)),
    "utf-16": WHOLE.decode().encode("utf-16"),
    "deep": b"[" * 100_000,
    "not yaml": b"a: [b\nc: d: e",
    "not manifests": b"a: b\n",
    "with stderr in it": b"warning: a new version is available\n" + WHOLE,
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_that_can_not_be_read(name: str, tmp_path: Path) -> None:
    (tmp_path / "input.json").write_bytes(DOCUMENTS[name])
    assert "input.json" in refused(zerofloor("check", "input.json", *TODAY, cwd=tmp_path))
    assert "stdin" in refused(zerofloor("check", "-", *TODAY, cwd=tmp_path, stdin=DOCUMENTS[name]))


@pytest.mark.parametrize("name", ["truncated", "binary", "deep"])
def test_as_a_process(name: str, tmp_path: Path) -> None:
    (tmp_path / "input.json").write_bytes(DOCUMENTS[name])
    assert "input.json" in refused(process("check", "input.json", *TODAY, cwd=tmp_path))
    assert "stdin" in refused(process("check", "-", *TODAY, cwd=tmp_path, stdin=DOCUMENTS[name]))


def test_files_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    for name in ("missing.json", "folder", "fol\x1bder", ".", ""):  # the last: "$UNSET"
        line = refused(zerofloor("check", name, *TODAY, cwd=tmp_path))
        assert "\x1b" not in line


def test_a_program_is_sent_to_preview(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")
    assert "zerofloor preview" in refused(zerofloor("check", ".", *TODAY, cwd=tmp_path))


@pytest.mark.parametrize(
    ("file", "hint"), [("Chart.yaml", "helm template"), ("kustomization.yaml", "kustomize build")]
)
def test_what_must_be_rendered_first_says_so(file: str, hint: str, tmp_path: Path) -> None:
    (tmp_path / file).write_text("name: a\n")
    assert hint in refused(zerofloor("check", str(tmp_path), *TODAY, cwd=tmp_path))


def test_a_folder_is_read_whole_or_not_at_all(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(ZERO)
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / "ci.yaml").write_text("on: push\n")
    assert zerofloor("check", ".", *TODAY, cwd=tmp_path).code == 0
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "b.yaml").write_text(HELD)
    assert zerofloor("check", ".", *TODAY, cwd=tmp_path).code == 1
    (tmp_path / "c.yaml").symlink_to("nowhere.yaml")
    assert "c.yaml" in refused(zerofloor("check", ".", *TODAY, cwd=tmp_path))
    (tmp_path / "c.yaml").unlink()
    (tmp_path / "below" / "kustomization.yaml").write_text("resources: [b.yaml]\n")
    assert "kustomize build below" in refused(zerofloor("check", ".", *TODAY, cwd=tmp_path))


def test_a_name_that_the_system_refuses(tmp_path: Path) -> None:
    """As a folder that this user may not enter; but that also holds for root."""
    long = "x" * 300
    for arguments in (
        ("check", long),
        ("show", long),
        ("estimate", long),
        ("explain", "a", "--from", long),
        ("preview", long),
    ):
        assert "too long" in refused(zerofloor(*arguments, cwd=tmp_path))


def test_a_huge_document_needs_a_flag(tmp_path: Path) -> None:
    with (tmp_path / "huge.json").open("wb") as file:
        file.truncate(65 * 2**20)
    assert "64" in refused(zerofloor("check", "huge.json", *TODAY, cwd=tmp_path))
    (tmp_path / "padded.json").write_bytes(WHOLE + b" " * 2**21)
    assert "2.0 MiB" in refused(
        zerofloor("check", "padded.json", "--max-size", "1", *TODAY, cwd=tmp_path)
    )
    assert zerofloor("check", "padded.json", "--max-size", "3", *TODAY, cwd=tmp_path).code == 0


@pytest.mark.parametrize("value", ["two", -1, 1_000_000_000, 0.5, [1], {"a": 1}, "NaN"], ids=str)
def test_an_impossible_value_of_one_resource_is_undecided_and_blocks(
    value: Any, tmp_path: Path
) -> None:
    (tmp_path / "digest.json").write_bytes(digest(minSize=value))
    done = zerofloor("check", "digest.json", "--format", "json", *TODAY, cwd=tmp_path)
    assert (done.code, done.err) == (1, "")
    report = json.loads(done.out)
    assert report["floor"]["verdict"] == "undecided"
    (finding,) = [one for one in report["findings"] if one["name"] == "undecided-gpu"]
    assert "minSize" in finding["message"]
    assert finding["urn"].endswith("NodeGroup::gpu")


@pytest.mark.parametrize(
    "sizes", [None, "two", 5, [], [{"minSize": 0}], {}, {"maxSize": 2}], ids=str
)
def test_sizes_that_are_not_there_or_no_object_are_undecided(sizes: Any, tmp_path: Path) -> None:
    props = {"clusterName": "main", "instanceTypes": ["g5.xlarge"], "scalingConfig": sizes}
    (tmp_path / "digest.json").write_bytes(
        digest_of({"resources": [{"type": NODE_GROUP, "name": "gpu", "props": props}]})
    )
    done = zerofloor("check", "digest.json", "--format", "json", *TODAY, cwd=tmp_path)
    assert (done.code, done.err) == (1, "")
    (finding,) = json.loads(done.out)["findings"]
    assert finding["name"] == "undecided-gpu"
    assert "scalingConfig" in finding["message"]


def test_an_impossible_value_hides_nothing_else(tmp_path: Path) -> None:
    props = {"clusterName": "main", "instanceTypes": ["g5.xlarge"]}
    bad = {"type": NODE_GROUP, "name": "a", "props": {**props, "scalingConfig": {"minSize": -1}}}
    held = {
        "type": NODE_GROUP,
        "name": "b",
        "props": {**props, "scalingConfig": {"minSize": 1, "desiredSize": 1, "maxSize": 1}},
    }
    (tmp_path / "digest.json").write_bytes(digest_of({"resources": [bad, held]}))
    done = zerofloor("check", "digest.json", "--format", "json", *TODAY, cwd=tmp_path)
    report = json.loads(done.out)
    assert done.code == 1
    assert (report["floor"]["verdict"], report["floor"]["gpus"]) == ("held", 1)
    assert {"undecided-gpu", "pool-minimum-holds-gpu"} <= {
        one["name"] for one in report["findings"]
    }


def test_hostile_names_stay_text(tmp_path: Path) -> None:
    name = "a\x1b[2J\u202e[bold]x[/bold]\r\nPASS"
    resource = {
        "type": NODE_GROUP,
        "name": name,
        "props": {
            "instanceTypes": ["g5.xlarge"],
            "scalingConfig": {"minSize": 1, "desiredSize": 1},
        },
    }
    (tmp_path / "digest.json").write_bytes(digest_of({"resources": [resource]}))
    for form in ("table", "json", "markdown"):
        done = zerofloor("check", "digest.json", "--format", form, *TODAY, cwd=tmp_path)
        assert done.code == 1, done
        assert not {"\x1b", "\u202e", "\r"} & set(done.out)
        assert not any(line.startswith("PASS") for line in done.out.splitlines())


@pytest.mark.parametrize(
    "arguments",
    [
        ("check",),
        ("check", "--format", "pdf", "a"),
        ("check", "--today", "yesterday", "a"),
        ("check", "--max-size", "0", "a"),
        ("check", "--input-format", "tfplan", "a"),
        ("chekc", "a"),
        ("--nonsense",),
        ("schema", "nonsense"),
        (),
    ],
)
def test_bad_usage_is_exit_2(arguments: tuple[str, ...], tmp_path: Path) -> None:
    done = zerofloor(*arguments, cwd=tmp_path)
    assert done.code == 2
    assert "Traceback" not in done.err
    assert "Usage:" in done.out + done.err


@pytest.mark.parametrize("name", ["missing-name", "GPU999"])
def test_nothing_of_that_name(name: str, tmp_path: Path) -> None:
    (tmp_path / "digest.json").write_bytes(WHOLE)
    assert name in refused(zerofloor("explain", name, cwd=tmp_path))
    assert name in refused(zerofloor("explain", name, "--from", "digest.json", cwd=tmp_path))


def test_a_rule_is_no_resource(tmp_path: Path) -> None:
    (tmp_path / "digest.json").write_bytes(WHOLE)
    assert "leave out --from" in refused(
        zerofloor("explain", "GPU002", "--from", "digest.json", cwd=tmp_path)
    )


def test_a_failure_of_ours_is_one_line_and_no_pass(tmp_path: Path) -> None:
    """A reader that breaks in a way that nobody foresaw, with a value in its message that is
    nobody's business."""
    (tmp_path / "digest.json").write_bytes(digest_of(case("P01_asg_lt_min0")))
    broken = tmp_path / "sitecustomize.py"
    broken.write_text(
        "import zerofloor.documents as d\ndef read_file(*a, **k): raise KeyError('a "
        "secret')\nd.read_file = read_file\n"
    )
    done = process("check", "digest.json", cwd=tmp_path, environ={"PYTHONPATH": str(tmp_path)})
    line = refused(done)
    assert "internal error: KeyError in sitecustomize.py:2" in line
    assert "a secret" not in line
