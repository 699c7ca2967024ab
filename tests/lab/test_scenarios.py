"""The scenario files and the rules by which a prediction is held against an observation; needs no
lab."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import ValidationError

from tests.lab.comparison import compare
from tests.lab.drive import Observation
from tests.lab.harness.instance_types import instance_types
from tests.lab.prediction import Prediction
from tests.lab.scenario import FOLDER, Observed, Scenario, name_of, named, read_scenario, scenarios

KNOWN = scenarios()
SEEN_ONE = Observation(settled=True, pods=1, nodes=1, gpus=1, peak_gpus=1, seconds=80)
SEEN_NONE = Observation(settled=True, pods=0, nodes=0, gpus=0, peak_gpus=1, seconds=80)


def test_there_are_enough_and_each_file_is_named_as_its_scenario() -> None:
    assert len(KNOWN) >= 120
    assert [path.name for path in sorted(FOLDER.glob("*.yaml"))] == [
        f"{scenario.header.id.lower()}.yaml" for scenario in KNOWN
    ]


def test_every_way_of_holding_is_in_the_part_that_ci_runs() -> None:
    assert {scenario.header.way for scenario in KNOWN} == {
        scenario.header.way for scenario in KNOWN if scenario.header.ci
    }


@pytest.mark.parametrize("scenario", KNOWN, ids=lambda scenario: scenario.header.id)
def test_a_scenario_says_what_it_expects_and_names_what_it_has(scenario: Scenario) -> None:
    header = scenario.header
    assert header.static == (header.expect is not None)
    assert header.static == (not header.not_static_because)
    names = {name_of(manifest) for manifest in scenario.manifests}
    assert scenario.held_back | ({header.refused} if header.refused else set()) <= names
    scenario.in_the_end()
    if header.expect and header.expect.verdict == "zero":
        assert header.observe == Observed(gpus=0, nodes=0)
    if (
        header.expect
        and header.expect.verdict == "held"
        and header.expect.gpus is not None
        and header.observe.at_least is None
    ):
        assert header.observe.gpus == header.expect.gpus


def test_the_prediction_is_made_of_what_stands_in_the_end() -> None:
    (paused,) = named(["S16"])
    scaler = next(
        manifest for manifest in paused.in_the_end() if manifest["kind"] == "ScaledObject"
    )
    assert scaler["metadata"]["annotations"] == {"autoscaling.keda.sh/paused": "true"}
    (resumed,) = named(["S90"])
    scaler = next(
        manifest for manifest in resumed.in_the_end() if manifest["kind"] == "ScaledObject"
    )
    assert scaler["metadata"].get("annotations", {}) == {}
    (deleted,) = named(["S31"])
    assert all(manifest["kind"] != "ScaledObject" for manifest in deleted.in_the_end())


def test_a_wrong_header_is_refused(tmp_path: Path) -> None:
    text = (FOLDER / "t01_deployment_replicas_1.yaml").read_text()
    (tmp_path / "x.yaml").write_text(text.replace("static: true", "static: true\nexpekt: 1"))
    with pytest.raises(ValidationError, match="expekt"):
        read_scenario(tmp_path / "x.yaml")


def test_a_name_that_fits_nothing_is_told() -> None:
    with pytest.raises(LookupError, match="no scenario is named X99"):
        named(["X99"])


@pytest.mark.parametrize(
    ("name", "predicted", "seen", "outcome"),
    [
        ("T01", Prediction("held", 1), SEEN_ONE, "agreed"),
        ("T01", Prediction("held", 2), SEEN_ONE, "differed"),
        ("T01", Prediction("zero", 0), SEEN_ONE, "differed"),
        ("T01", Prediction("undecided", None), SEEN_ONE, "differed"),
        ("T01", Prediction("held", 1), SEEN_NONE, "unexpected"),
        ("T01", Prediction("held", 1), replace(SEEN_ONE, settled=False), "unsettled"),
        (
            "T01",
            Prediction("held", 1),
            replace(SEEN_ONE, problem="Deployment/app was refused"),
            "unexpected",
        ),
        ("T03", Prediction("zero", 0), SEEN_NONE, "agreed"),
        # A peak decides: what is certain is less than what came of two replicas.
        ("S57", Prediction("held", 1), replace(SEEN_ONE, gpus=2, nodes=2), "agreed"),
        ("S57", Prediction("held", 3), replace(SEEN_ONE, gpus=2, nodes=2), "differed"),
        ("S57", Prediction("zero", 0), replace(SEEN_ONE, gpus=2, nodes=2), "differed"),
        # It never settles, and is seen at its most.
        ("L55", Prediction("held", 1), replace(SEEN_ONE, gpus=2, nodes=2), "agreed"),
        ("L55", Prediction("held", 1), SEEN_NONE, "unexpected"),
        ("L55", Prediction("zero", 0), SEEN_ONE, "differed"),
        # The manifests don't decide it.
        ("S14", Prediction("undecided", None), SEEN_ONE, "undecided"),
        ("S14", Prediction("zero", 0), SEEN_ONE, "beyond"),
        ("S14", Prediction("held", 1), SEEN_ONE, "agreed"),
    ],
)
def test_outcomes(name: str, predicted: Prediction, seen: Observation, outcome: str) -> None:
    (scenario,) = named([name])
    assert compare(scenario, predicted, seen).outcome == outcome


def test_the_lab_has_the_machines_and_prices_of_the_snapshot() -> None:
    types = {kind["name"]: kind for kind in instance_types()}
    # gpu_instances.csv and gpu_prices.csv, us-east-1 on demand.
    assert types["g6e.xlarge"]["resources"]["nvidia.com/gpu"] == "1"
    assert types["g6e.xlarge"]["offerings"][0]["Price"] == 1.861
    assert types["p5.48xlarge"]["resources"]["nvidia.com/gpu"] == "8"
    assert types["inf2.xlarge"]["resources"]["aws.amazon.com/neuron"] == "1"
    assert "nvidia.com/gpu" not in types["m7i.large"]["resources"]
