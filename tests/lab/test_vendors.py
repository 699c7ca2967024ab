"""The vendors' controllers in the lab: what happens when one is missing or breaks. Needs no lab."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from tests.lab import record as records
from tests.lab import run as runner
from tests.lab.comparison import compare
from tests.lab.drive import Observation
from tests.lab.harness import vendors
from tests.lab.harness.lab import Clusters, LabFailed, not_built
from tests.lab.harness.vendors import VENDORS
from tests.lab.prediction import Prediction
from tests.lab.run import run
from tests.lab.scenario import FOLDER, Scenario, named, read_scenario, scenarios

NEED = [scenario for scenario in scenarios() if scenario.header.needs]
SEEN = Observation(settled=True, pods=1, nodes=1, gpus=1, peak_gpus=1, seconds=80)


def test_scenarios_need_vendors_that_there_are() -> None:
    assert {name for scenario in NEED for name in scenario.header.needs} == VENDORS.keys()
    assert len(NEED) >= 90
    for name in VENDORS:
        chosen = [one for one in NEED if one.header.needs[0] == name]
        assert sum(one.header.ci for one in chosen) in range(2, 7), name


def test_one_that_is_not_built_is_told_with_what_builds_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(vendors, "BINARIES", tmp_path)
    assert not_built(["lws"]) == "not built: lws (make lab-operators; Go 1.26 or newer)"
    (tmp_path / ".lws").touch()
    assert not_built(["lws"]) is None


def test_its_scenarios_are_left_out_of_a_whole_run_and_the_reason_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(vendors, "BINARIES", tmp_path)
    monkeypatch.setattr("sys.argv", ["run", "--ci"])
    chosen = runner._chosen(runner._arguments())
    assert chosen
    assert not any(scenario.header.needs for scenario in chosen)
    assert "2 scenarios are skipped: not built: lws (make lab-operators" in capsys.readouterr().err


def test_a_need_that_is_no_vendor_is_refused(tmp_path: Path) -> None:
    text = (FOLDER / "lws01_replicas_and_size_omitted.yaml").read_text()
    (tmp_path / "x.yaml").write_text(text.replace("- lws\n", "- leaderworkerset\n", 1))
    with pytest.raises(ValidationError, match="no vendor is named leaderworkerset: lws, jobset"):
        read_scenario(tmp_path / "x.yaml")


def test_that_one_differed_at_first_stays_in_the_record(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(records, "RECORDED", tmp_path / "results.json")
    (scenario,) = named(["LWS01"])
    for said, outcome in ((0, "differed"), (1, "agreed"), (1, "agreed")):
        prediction = Prediction("held", said)
        result = compare(scenario, prediction, SEEN)
        assert result.outcome == outcome
        records.record([result])
    (line,) = json.loads(records.RECORDED.read_text())
    assert (line["outcome"], line["first"]) == ("agreed", "differed")


@pytest.mark.parametrize("when", ["at the start", "while it runs"])
def test_a_controller_that_breaks_fails_its_own_scenarios_and_no_others(
    when: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = named(["T01", "LWS01", "JS02"])
    log = "lws ended with 1 before it was healthy:\n  open certificate: no such file"

    @contextlib.contextmanager
    def lab(clusters: Clusters, *, keep: bool) -> Iterator[Any]:
        if "lws" in clusters.vendors and when == "at the start":
            raise LabFailed(log)
        yield clusters

    def one(lab: Clusters, observer: object, scenario: Scenario, prediction: Prediction) -> Any:
        if "lws" in lab.vendors:
            raise LabFailed(log)
        return compare(scenario, prediction, SEEN)

    monkeypatch.setattr(runner, "running_lab", lab)
    monkeypatch.setattr(runner, "Observer", lambda lab, ended: None)
    monkeypatch.setattr(runner, "_one", one)
    predictions = {scenario.header.id: Prediction("held", 1) for scenario in chosen}
    outcomes = {result.scenario.header.id: result.outcome for result in run(chosen, predictions)}
    assert outcomes == {
        "JS02_endless_all_defaults": "agreed",
        "LWS01_replicas_and_size_omitted": "broke",
        "T01_deployment_replicas_1": "agreed",
    }
    assert "The lab with lws broke: lws ended with 1" in capsys.readouterr().err
