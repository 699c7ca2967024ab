"""The policy pack under the real engine: what stops a preview or an update, what passes, and what
is never shown."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.engine import automation
from tests.engine.real_engine import BIN, HERE, ROOT, Engine, logged_out
from zerofloor.engine.pulumi import preview_with_engine
from zerofloor.reports.show import shown

PACK = Path(sys.executable).parent / "zerofloor-pack"

pytestmark = pytest.mark.engine


def preview(
    engine: Engine, project: Path, *more: str, pack: Path = PACK
) -> subprocess.CompletedProcess[str]:
    return engine.pulumi("preview", "--policy-pack", str(pack), *more, cwd=project)


def violations(output: str) -> list[tuple[str, str, str]]:
    """Level, rule and resource of each violation, as the engine lists them."""
    return sorted(re.findall(r"- \[(mandatory|advisory)\]\s+(\S+)\s+\(\S+: (\S+)\)", output))


def by_resource(output: str) -> dict[str, list[str]]:
    """Names of the resources that a mandatory violation names, each with its rules."""
    found: dict[str, list[str]] = {}
    for level, rule, name in violations(output):
        if level == "mandatory":
            found.setdefault(name, []).append(rule)
    return found


@pytest.mark.parametrize("pack", [PACK, ROOT / "policies"], ids=["executable", "folder"])
def test_an_unknown_first_does_not_hide_the_bad_one_second(engine: Engine, pack: Path) -> None:
    done = preview(engine, engine.yaml_project("unknown_first"), pack=pack)
    assert done.returncode != 0
    assert by_resource(done.stdout) == {"a-unknown": ["GPU201"], "b-held": ["GPU012"]}, done.stdout
    assert "Fix:" in done.stdout


def test_each_finding_is_reported_once_with_what_it_costs(engine: Engine) -> None:
    done = preview(engine, engine.yaml_project("instance"))
    assert done.returncode != 0
    # GPU014 is decided by the resource alone, so the pass over the whole stack leaves it out.
    assert [rule for _, rule, _ in violations(done.stdout)].count("GPU014") == 1, done.stdout
    # g5.xlarge on demand in us-east-1 is $1.006 an hour (AWS list); a month has 730 hours.
    assert "Costs $734.38 a month." in done.stdout


def test_a_stack_without_a_gpu_gets_no_word(engine: Engine) -> None:
    done = preview(engine, engine.yaml_project("no_gpu"))
    assert done.returncode == 0, done.stdout
    assert violations(done.stdout) == []


def test_a_model_that_scales_to_zero_passes(engine: Engine) -> None:
    done = preview(engine, engine.yaml_project("scale_to_zero"))
    assert done.returncode == 0, done.stdout
    assert not by_resource(done.stdout)


def test_an_update_without_preview_stops_before_the_gpu_is_created(engine: Engine) -> None:
    project = engine.yaml_project("instance")
    done = engine.pulumi("up", "--yes", "--skip-preview", "--policy-pack", str(PACK), cwd=project)
    assert done.returncode != 0
    assert "GPU014" in by_resource(done.stdout)["trainer"]
    assert engine.created() == ["vpc"]


def test_the_automation_api_without_preview_stops_before_the_gpu_is_created(engine: Engine) -> None:
    stopped, levels = automation.run(engine, "up", "one_instance", PACK)
    assert stopped is not None
    assert "GPU014" in by_resource(stopped)["trainer"]
    assert "mandatory" in levels
    assert engine.created() == ["vpc"]


def test_a_python_program_is_judged_by_its_links(engine: Engine) -> None:
    """Only the property dependency ties a group to the launch template that says its type."""
    stopped, _ = automation.run(
        engine, "preview", "template_and_group", PACK, {"aws:region": "us-east-1"}
    )
    assert stopped is not None
    assert by_resource(stopped) == {"group": ["GPU012"]}


def test_the_pack_judges_the_stack_that_check_reads(engine: Engine) -> None:
    """Inputs, links, parents and providers, with unknown and secret parts: two calls of the
    protocol together tell what a digest does."""
    folder = HERE / "programs" / "demo"
    stopped, _ = automation.run(
        engine, "preview", folder, engine.recording_pack, {"floor": "0", "extra": "true"}
    )
    assert stopped is not None
    assert engine.record.exists(), stopped
    read = shown(preview_with_engine(folder, "dev", time_limit=60, environ=logged_out(engine)))
    judged = engine.judged()
    assert judged["config"] == read["config"]
    assert len(read["resources"]) == 14
    for resource in (*judged["resources"], *read["resources"]):
        del (
            resource["sourcePosition"],
            resource["op"],
        )  # The protocol tells neither, and leaves out links to nothing.
        resource["propertyDependencies"] = {
            name: urns for name, urns in resource["propertyDependencies"].items() if urns
        }
    for one, other in zip(judged["resources"], read["resources"], strict=True):
        assert one == other


def test_secrets_are_never_shown(engine: Engine) -> None:
    project = engine.yaml_project(
        "secret", secrets={"gpuType": "p5.48xlarge-planted", "token": "hf_planted_secret"}
    )
    done = preview(engine, project, "--logtostderr", "-v=1")
    assert done.returncode != 0
    assert set(by_resource(done.stdout)) == {"group", "trainer"}, (
        done.stdout
    )  # A secret type is undecided, not passed over.
    assert "planted" not in done.stdout


@pytest.mark.parametrize(
    ("level", "code", "expected"),
    [
        ("mandatory", 255, {"mandatory"}),
        ("advisory", 0, {"advisory"}),
        ("disabled", 0, set()),
    ],
)
def test_a_rules_level_is_configurable(
    engine: Engine, level: str, code: int, expected: set[str]
) -> None:
    project = engine.yaml_project("instance")
    config = project.parent / "config.json"
    config.write_text(json.dumps({"GPU014": level}))
    done = preview(engine, project, "--policy-pack-config", str(config))
    assert (done.returncode != 0) == (code != 0), done.stdout
    assert {level for level, rule, _ in violations(done.stdout) if rule == "GPU014"} == expected


def test_undecided_and_limits_are_configurable(engine: Engine) -> None:
    project = engine.yaml_project("unknown_first")
    config = project.parent / "config.json"
    config.write_text(
        json.dumps(
            {"zerofloor": {"undecided": "advisory", "maxFloorHourly": 0.5}, "GPU012": "advisory"}
        )
    )
    done = preview(engine, project, "--policy-pack-config", str(config))
    assert ("advisory", "GPU201", "a-unknown") in violations(done.stdout), done.stdout
    assert done.returncode != 0
    assert any(rule == "GPU203" for _, rule, _ in violations(done.stdout)), done.stdout
    config.write_text(json.dumps({"zerofloor": {"maxFloorHourly": -1}}))
    done = preview(engine, project, "--policy-pack-config", str(config))
    assert done.returncode != 0
    assert "maxFloorHourly: Must be greater than or equal to 0" in done.stdout


def test_settings_beside_the_program_hold_in_the_pack(engine: Engine) -> None:
    project = engine.yaml_project("instance")
    waiver = {
        "rule": "GPU014",
        "urn": "*::trainer",
        "reason": "training until Friday",
        "owner": "ml",
        "expires": "2999-01-01",
        "maxMonthlyUsd": 9999,
    }
    (project / "zerofloor.yaml").write_text(json.dumps({"waivers": [waiver]}))
    done = preview(engine, project)
    assert done.returncode == 0, done.stdout
    assert "Waived by ml: training until Friday" in done.stdout


def configured(engine: Engine, project: Path, config: object) -> subprocess.CompletedProcess[str]:
    """A preview with an organisation's configuration of the pack."""
    (project / "pack.json").write_text(json.dumps(config))
    return preview(engine, project, "--policy-pack-config", "pack.json")


WAIVED_TO_2099 = (
    '{waivers: [{rule: "*", urn: "*", reason: because, owner: me, expires: 2099-12-31, '
    "maxMonthlyUsd: 1000000}]}"
)
NEVER_RUNS = '{hints: {workloads: [{urn: "*", runs: never, reason: abc}]}}'


@pytest.mark.parametrize(
    "config",
    [{"GPU014": "mandatory"}, {"all": "mandatory"}, {"zerofloor": {"undecided": "mandatory"}}],
    ids=["one-rule", "all", "property"],
)
@pytest.mark.parametrize(
    "settings",
    ["rules: {GPU014: off}", "rules: {GPU014: warning}", WAIVED_TO_2099, NEVER_RUNS],
    ids=["off", "warning", "waiver", "hint"],
)
def test_the_repository_cant_talk_the_organisations_pack_away(
    engine: Engine, config: object, settings: str
) -> None:
    project = engine.yaml_project("instance")
    (project / "zerofloor.yaml").write_text(settings)
    done = configured(engine, project, config)
    assert done.returncode != 0, done.stdout
    assert "GPU014" in by_resource(done.stdout)["trainer"]
    assert "zerofloor.yaml:1 is ignored" in done.stdout


def test_a_waiver_within_what_the_organisation_allows_permits(engine: Engine) -> None:
    project = engine.yaml_project("instance")
    waiver = (
        'waivers: [{rule: GPU014, urn: "*::trainer", reason: a demo, owner: ml-search, '
        "expires: 2999-01-01, maxMonthlyUsd: 900}]"
    )
    (project / "zerofloor.yaml").write_text(waiver)
    allowed = {"maxMonthlyUsd": 1000, "owners": ["ml-*"]}
    for bounds, passes in ((allowed, True), (allowed | {"maxDays": 30}, False)):
        config = {"zerofloor": {"settings": {"allow": {"waivers": bounds}}}}
        done = configured(engine, project, config)
        assert (done.returncode == 0) is passes, done.stdout
    assert "30 are allowed" in done.stdout


def test_an_organisations_file_holds_in_the_pack_too(engine: Engine) -> None:
    project = engine.yaml_project("instance")
    (project / "zerofloor.yaml").write_text("rules: {GPU014: off}")
    (project / "policy.yml").write_text("limits: {maxFloorHourly: 0}")
    done = engine.pulumi(
        "preview",
        "--policy-pack",
        str(PACK),
        cwd=project,
        environ={"ZEROFLOOR_POLICY": str(project / "policy.yml")},
    )
    assert done.returncode != 0
    assert "GPU014" in by_resource(done.stdout)["trainer"]
    assert {"GPU203", "GPU207"} <= {rule for _, rule, _ in violations(done.stdout)}


def test_a_folder_pack_finds_the_programs_settings(engine: Engine) -> None:
    project = engine.yaml_project("instance")
    (project / "zerofloor.yaml").write_text("rules: {GPU014: off}")
    assert preview(engine, project, pack=ROOT / "policies").returncode == 0


def test_a_preview_that_passes_tells_the_money_in_one_line(engine: Engine) -> None:
    done = preview(engine, engine.yaml_project("scale_to_zero"))
    assert done.returncode == 0
    assert (
        done.stdout.count("Cost: floor $0.00, desired $0.00, ceiling $4.03/h ($2,943.92 a month).")
        == 1
    ), done.stdout


def test_wrong_settings_block_in_one_line(engine: Engine) -> None:
    project = engine.yaml_project("no_gpu")
    (project / "zerofloor.yaml").write_text("trustt: {}\n")
    done = preview(engine, project)
    assert done.returncode != 0
    assert done.stdout.count("zerofloor failed: ") == 1, done.stdout
    assert "zerofloor.yaml:1: unknown key trustt; did you mean trust?" in done.stdout
    assert "Traceback" not in done.stdout


def test_interrupting_a_preview_leaves_no_trace(engine: Engine) -> None:
    project = engine.yaml_project("instance")
    process = subprocess.Popen(
        [
            str(BIN / "pulumi"),
            "preview",
            "--policy-pack",
            str(PACK),
            "--non-interactive",
            "--color",
            "never",
        ],
        cwd=project,
        env={**engine.environ, "ECHO_SECONDS": "3"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    seen = ""
    while "vpc create" not in seen and process.poll() is None:
        seen += process.stdout.readline()
    os.killpg(
        process.pid, signal.SIGINT
    )  # What a terminal does on Ctrl-C: every process of the group gets it.
    seen += process.communicate(timeout=60)[0]
    assert process.returncode != 0
    for trace in ("Traceback", "KeyboardInterrupt", "transport", "connection", "zerofloor failed"):
        assert trace not in seen, seen
    assert not running_packs(engine)


def test_the_pack_ends_with_an_engine_that_is_killed(engine: Engine) -> None:
    process = subprocess.Popen(
        [
            str(BIN / "pulumi"),
            "preview",
            "--policy-pack",
            str(PACK),
            "--non-interactive",
            "--color",
            "never",
        ],
        cwd=engine.yaml_project("instance"),
        env={**engine.environ, "ECHO_SECONDS": "30"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    while (
        "Loading policy packs...: done" not in process.stdout.readline() and process.poll() is None
    ):
        pass
    assert running_packs(engine)
    process.kill()
    process.wait()
    process.stdout.close()
    deadline = time.monotonic() + 10
    while running_packs(engine) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert not running_packs(engine)


def running_packs(engine: Engine) -> list[str]:
    """Packs that this test's engine has started and that still run; an environment variable of its
    own tells them from others'."""
    mine = f"ECHO_LOG={engine.log}".encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (
                PACK.name.encode() in (process / "cmdline").read_bytes()
                and mine in (process / "environ").read_bytes()
            ):
                found.append(process.name)
        except OSError:
            continue  # It ended meanwhile, or is not ours to read.
    return [
        number
        for number in found
        if b"pulumi\0preview" not in (Path("/proc") / number / "cmdline").read_bytes()
    ]
