"""`zerofloor adopt`: from its day on only new waste is blocked."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.command import TODAY, Done, refused, zerofloor
from tests.estates.backends import CIPHER, Backend, deployment, instance, resource
from tests.estates.test_links import cluster, group, kubeconfig
from zerofloor.settings import load


@pytest.fixture
def backend(tmp_path: Path) -> Backend:
    """Idle machines with and without an owner, a model whose cluster is in another stack, a GPU
    that can't be decided, and a stack with nothing."""
    found = Backend(tmp_path / "backend")
    found.add("shop", "dev", instance("a", {"owner": "ann"}), instance("b"))
    found.add("platform", "dev", cluster("ml"), group("ml", "platform"))
    found.add("models", "dev", deployment("llm", team="search"), kubeconfig=kubeconfig("ml"))
    hidden = {"instanceType": CIPHER, "ami": "ami-0123456789abcdef0"}
    found.add("lab", "dev", resource("aws:ec2/instance:Instance", "a", hidden))
    found.add("web", "dev", instance("small", size="t3.large"))
    return found


def adopted(backend: Backend, folder: Path, *options: str, code: int = 0) -> Done:
    done = zerofloor("adopt", backend.url, "-o", folder, *TODAY, *options, cwd=folder.parent)
    assert done.code == code, done.err
    return done


def gate(backend: Backend, name: str, folder: Path, today: str = TODAY[1]) -> Done:
    """The gate of one stack, as CI runs it."""
    known = folder / "policy" / "baseline.json"
    return zerofloor(
        "check",
        backend.path(name),
        "--policy",
        folder / "policy" / "zerofloor.yaml",
        *(("--baseline-findings", known) if known.exists() else ()),
        "--today",
        today,
        cwd=folder,
    )


STACKS = ("shop/dev", "platform/dev", "models/dev", "lab/dev", "web/dev")


def test_every_gate_passes_and_a_new_floor_of_one_fails(backend: Backend, tmp_path: Path) -> None:
    folder = tmp_path / "adoption"
    adopted(backend, folder)
    for name in STACKS:
        done = gate(backend, name, folder)
        assert done.code == 0, (name, done.out, done.err)
    backend.add("web", "dev", instance("small", size="t3.large"), instance("new"))
    assert gate(backend, "web/dev", folder).code == 1
    backend.add("shop", "dev", instance("a", {"owner": "ann"}, size="g5.12xlarge"), instance("b"))
    assert gate(backend, "shop/dev", folder).code == 1  # grown above its cap
    twice = deployment("llm", team="search")
    twice["inputs"]["spec"]["replicas"] = 2
    backend.add("models", "dev", twice, kubeconfig=kubeconfig("ml"))
    assert gate(backend, "models/dev", folder).code == 1


def test_the_settings_of_the_audit_go_along(backend: Backend, tmp_path: Path) -> None:
    """What the audit trusted, hinted and waived is in the policy: with it each gate judges the
    same, and a repository that says the same breaks no rule."""
    own = tmp_path / "zerofloor.yaml"
    own.write_text(
        "trust: {clusterAutoscaler: true}\n"
        "caps: {idleTailSeconds: 1800.5}\n"
        "region: {aws: us-west-2}\n"
        "rules: {GPU105: off}\n"
        "waivers:\n"
        "  - {rule: GPU014, urn: '*::shop::*::b', reason: a demo, owner: bob,\n"
        "     expires: 2026-12-31, maxMonthlyUsd: 900}\n"
    )
    folder = tmp_path / "adoption"
    adopted(backend, folder, code=0)
    found = load(folder / "policy" / "zerofloor.yaml")
    assert found.trust.cluster_autoscaler is True
    assert str(found.caps.idle_tail_seconds) == "1800.5"
    assert found.region == {"aws": "us-west-2"}
    assert found.rules == {"GPU105": "off"}
    assert found.waivers[0].owner == "bob"
    own.write_text("trust: {clusterAutoscaler: true}\n")
    for name in STACKS:
        assert gate(backend, name, folder).code == 0, name
        known = folder / "policy" / "baseline.json"
        done = zerofloor(
            "check",
            backend.path(name),
            "--settings",
            own,
            "--policy",
            folder / "policy" / "zerofloor.yaml",
            *(("--baseline-findings", known) if known.exists() else ()),
            *TODAY,
            cwd=folder,
        )
        assert done.code == 0, done.out


def test_the_audit_passes_with_the_policy(backend: Backend, tmp_path: Path) -> None:
    folder = tmp_path / "adoption"
    adopted(backend, folder)
    policy = folder / "policy" / "zerofloor.yaml"
    done = zerofloor("audit", backend.url, "--policy", policy, *TODAY, cwd=tmp_path)
    assert done.code == 0, done.out


def test_the_waivers_end(backend: Backend, tmp_path: Path) -> None:
    folder = tmp_path / "adoption"
    adopted(backend, folder, "--days", "7")
    assert gate(backend, "shop/dev", folder, "2026-12-01").code == 0
    assert gate(backend, "shop/dev", folder, "2026-12-02").code == 1


def test_waivers_have_owners_dates_and_caps(backend: Backend, tmp_path: Path) -> None:
    folder = tmp_path / "adoption"
    done = adopted(backend, folder, "--owner", "platform-team", "--days", "30")
    waivers = load(folder / "policy" / "waivers.yaml").waivers
    assert all("*" not in (one.urn or "*") for one in waivers)
    assert {one.expires.isoformat() for one in waivers} == {"2026-12-24"}
    by_urn = {str(one.urn).rpartition("::")[2] + one.rule: one for one in waivers}
    assert by_urn["bGPU014"].owner == "platform-team"
    assert by_urn["bGPU014"].max_gpus == 1
    assert by_urn["bGPU014"].max_monthly_usd == 808  # 1.006 × 730 × 1.1, rounded up
    assert {one.owner for one in waivers} == {"ann", "search", "platform-team"}
    assert "ann, platform-team, search" in done.out


def test_each_file_has_its_reason_and_is_valid(backend: Backend, tmp_path: Path) -> None:
    folder = tmp_path / "adoption"
    done = adopted(backend, folder)
    files = sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())
    readme = (folder / "README.md").read_text()
    for file in files:
        assert file in done.out
        assert file == "README.md" or f"`{file}`" in readme
        if file.endswith((".yaml", ".yml")):
            assert yaml.safe_load((folder / file).read_text()) is not None
    workflow = (folder / ".github" / "workflows" / "zerofloor-audit.yml").read_text()
    assert backend.url in workflow
    assert "BACKEND-ADDRESS" not in workflow
    gitlab = tmp_path / "gitlab"
    adopted(backend, gitlab, "--ci", "gitlab")
    assert (gitlab / "repository" / ".gitlab-ci.yml").is_file()
    assert not (gitlab / ".github").exists()


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_second_run_changes_nothing(backend: Backend, tmp_path: Path) -> None:
    folder = tmp_path / "adoption"
    adopted(backend, folder)
    before = contents(folder)
    done = adopted(backend, folder)
    assert done.out.count(": unchanged") == len(before)
    assert contents(folder) == before
    done = adopted(backend, folder, "--days", "300")  # what is there is a person's
    assert contents(folder) == before
    assert "kept as it is" in done.out
    adopted(backend, folder, "--days", "300", "--overwrite")
    assert contents(folder) != before


def test_what_is_new_since_then_is_told_and_not_waived(backend: Backend, tmp_path: Path) -> None:
    folder = tmp_path / "adoption"
    adopted(backend, folder)
    before = contents(folder)
    backend.add("web", "dev", instance("new"))
    done = adopted(backend, folder, code=1)
    assert "not covered: web/dev GPU014" in done.err
    assert contents(folder) == before


def test_from_an_audit_as_from_its_backend(backend: Backend, tmp_path: Path) -> None:
    audit = tmp_path / "audit.json"
    zerofloor("audit", backend.url, "-f", "json", "-o", audit, *TODAY, cwd=tmp_path)
    adopted(backend, tmp_path / "one")
    done = zerofloor("adopt", audit, "-o", tmp_path / "two", *TODAY, cwd=tmp_path)
    assert done.code == 0, done.err
    one, two = (
        {path.replace(name, ""): data for path, data in contents(tmp_path / name).items()}
        for name in ("one", "two")
    )
    assert one == two


def test_a_stack_that_can_not_be_judged_is_named(backend: Backend, tmp_path: Path) -> None:
    backend.path("x/y").write_text("{")
    done = adopted(backend, tmp_path / "adoption", code=2)
    assert "zerofloor: x/y: " in done.err
    assert (tmp_path / "adoption" / "README.md").is_file()


def test_hostile_names_stay_text(backend: Backend, tmp_path: Path) -> None:
    evil = 'x"\n  - rule: "*"\n    urn: "*" # | <b>'
    backend.add("shop", "dev", instance("a", {"owner": evil}))
    folder = tmp_path / "adoption"
    adopted(backend, folder)
    assert all(one.rule != "*" for one in load(folder / "policy" / "waivers.yaml").waivers)
    assert evil in {one.owner for one in load(folder / "policy" / "waivers.yaml").waivers}
    assert "<b>" not in (folder / "README.md").read_text()


def euros(audit: dict[str, Any]) -> None:
    audit["currency"] = "EUR"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nix.json",), "nix.json: can't be read"),
        (("report.json",), "no audit"),
        (("euros.json",), "the audit is in EUR"),
        (("BACKEND", "--owner", " "), "--owner is empty"),
        (("BACKEND", "-o", "report.json"), "not a folder"),
        (("BACKEND", "-o", "report.json/x"), "can't be written"),
        (("BACKEND", "-o", "broken"), "waivers.yaml"),
    ],
)
def test_mistakes_are_one_clear_line(
    arguments: tuple[str, ...], said: str, backend: Backend, tmp_path: Path
) -> None:
    done = zerofloor("audit", backend.url, "-f", "json", *TODAY, cwd=tmp_path)
    audit = json.loads(done.out)
    euros(audit)
    (tmp_path / "euros.json").write_text(json.dumps(audit))
    (tmp_path / "report.json").write_text("{}")
    broken = tmp_path / "broken" / "policy"
    broken.mkdir(parents=True)
    (broken / "waivers.yaml").write_text("waivers: [{rulle: x}]\n")
    given = [backend.url if one == "BACKEND" else one for one in arguments]
    done = zerofloor("adopt", *given, *TODAY, cwd=tmp_path)
    assert done.code == 2
    (line,) = [one for one in done.err.splitlines() if one.startswith("zerofloor: ")]
    assert said in line
    assert refused(done)
    assert not (tmp_path / "broken" / "README.md").exists()


def test_nothing_of_a_secret_is_written(backend: Backend, tmp_path: Path) -> None:
    adopted(backend, tmp_path / "adoption")
    for data in contents(tmp_path / "adoption").values():
        assert not re.search(CIPHER["ciphertext"].encode(), data)


def test_a_finding_on_a_whole_stack_is_in_the_baseline(backend: Backend, tmp_path: Path) -> None:
    """No waiver can name a stack as a whole: that it costs more than a limit is known by then."""
    (tmp_path / "zerofloor.yaml").write_text("limits: {maxFloorHourly: 1}\n")
    folder = tmp_path / "adoption"
    adopted(backend, folder)
    assert "GPU203" in (folder / "policy" / "baseline.json").read_text()
    for name in STACKS:
        assert gate(backend, name, folder).code == 0, name
