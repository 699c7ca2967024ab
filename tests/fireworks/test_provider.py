"""The provider through the real engine: preview, up, update, refresh, import, destroy."""

from __future__ import annotations

import json

import pytest

from tests.fireworks.conftest import Place
from tests.fireworks.server import KEY

pytestmark = pytest.mark.engine


def test_a_deployment_from_preview_to_destroy(place: Place) -> None:
    preview = place.pulumi("preview")
    assert preview.returncode == 0, preview.stdout
    assert place.live() == []
    up = place.pulumi("up", "--yes")
    assert up.returncode == 0, up.stdout
    (name,) = place.live()
    assert name.startswith("llm-")
    again = place.pulumi("preview", "--expect-no-changes")
    assert again.returncode == 0, again.stdout
    place.write(maxReplicaCount=4, displayName="Llama")
    update = place.pulumi("up", "--yes")
    assert update.returncode == 0, update.stdout
    body = place.api.deployments[name].body
    assert (body["maxReplicaCount"], body["displayName"]) == (4, "Llama")
    gone = place.pulumi("destroy", "--yes")
    assert gone.returncode == 0, gone.stdout
    assert place.live() == []


def test_another_model_is_another_deployment(place: Place) -> None:
    assert place.pulumi("up", "--yes").returncode == 0
    place.write(baseModel="accounts/fireworks/models/qwen3-8b")
    preview = place.pulumi("preview", "--diff")
    assert "replace" in preview.stdout
    assert place.pulumi("up", "--yes").returncode == 0
    (name,) = place.live()
    assert place.api.deployments[name].body["baseModel"].endswith("qwen3-8b")


def test_a_removed_field_goes_back_to_its_default(place: Place) -> None:
    place.write(description="first")
    assert place.pulumi("up", "--yes").returncode == 0
    place.write(description=None)
    assert place.pulumi("up", "--yes").returncode == 0
    (name,) = place.live()
    assert "description" not in place.api.deployments[name].body


def test_a_shape_that_the_server_writes_out_is_no_change(place: Place) -> None:
    shape = "accounts/fireworks/deploymentShapes/llama-fast"
    place.write(deploymentShape=shape, acceleratorType=None, acceleratorCount=None)
    assert place.pulumi("up", "--yes").returncode == 0
    assert place.pulumi("refresh", "--yes", "--expect-no-changes").returncode == 0
    assert place.pulumi("preview", "--expect-no-changes").returncode == 0


def test_a_minimum_raised_by_hand_is_seen_and_put_back(place: Place) -> None:
    assert place.pulumi("up", "--yes").returncode == 0
    (name,) = place.live()
    place.test("change", id=name, fields={"minReplicaCount": 2})
    refreshed = place.pulumi("refresh", "--yes")
    assert refreshed.returncode == 0, refreshed.stdout
    assert place.pulumi("up", "--yes").returncode == 0
    assert place.api.deployments[name].body.get("minReplicaCount", 0) == 0


def test_what_was_deleted_meanwhile_is_created_anew(place: Place) -> None:
    assert place.pulumi("up", "--yes").returncode == 0
    (name,) = place.live()
    place.api.deployments[name].deleted = True
    assert place.pulumi("refresh", "--yes").returncode == 0
    assert place.pulumi("up", "--yes").returncode == 0
    assert place.live() == [name]


def test_an_existing_deployment_is_imported(place: Place) -> None:
    assert place.pulumi("up", "--yes").returncode == 0
    (name,) = place.live()
    exported = place.pulumi("stack", "export").stdout
    urn = json.loads(exported)["deployment"]["resources"][-1]["urn"]
    assert place.pulumi("state", "delete", urn, "--yes").returncode == 0
    place.write(deploymentId=name)
    imported = place.pulumi(
        "import",
        "fireworks:index:Deployment",
        "llm",
        f"accounts/acme/deployments/{name}",
        "--yes",
        "--protect=false",
    )
    assert imported.returncode == 0, imported.stdout
    assert place.pulumi("preview", "--expect-no-changes").returncode == 0
    assert place.live() == [name]


def test_a_creation_that_broke_off_is_found_and_no_second_one_made(place: Place) -> None:
    # The preview's validateOnly, then a creation whose answer never arrives, however often.
    place.test("faults", faults=["", *["drop-after"] * 1, *["503"] * 10])
    first = place.pulumi("up", "--yes")
    assert first.returncode != 0
    assert len(place.live()) == 1
    place.api.faults.clear()
    again = place.pulumi("up", "--yes")
    assert again.returncode == 0, again.stdout
    assert len(place.live()) == 1


def test_every_fault_of_the_inputs_is_said_at_once(place: Place) -> None:
    policy = {"scaleToZeroWindow": "60s", "scaleUpWindow": "2h"}
    place.write(minReplicaCount=3, maxReplicaCount=2, autoscalingPolicy=policy, placement={})
    done = place.pulumi("preview")
    assert done.returncode != 0
    for part in (
        "minReplicaCount 3 is above maxReplicaCount 2.",
        "scaleToZeroWindow must be at least 300s.",
        "scaleUpWindow must be seconds as text",
        "placement takes exactly one of",
    ):
        assert part in done.stdout


def test_a_quota_is_said_before_anything_is_created(place: Place) -> None:
    place.write(acceleratorCount=8, maxReplicaCount=4)
    done = place.pulumi("preview")
    assert done.returncode != 0
    assert "RESOURCE_EXHAUSTED" in done.stdout
    assert place.live() == []


def test_what_served_within_the_hour_is_deleted_only_when_told(place: Place) -> None:
    assert place.pulumi("up", "--yes").returncode == 0
    (name,) = place.live()
    place.test("request", id=name)
    refused = place.pulumi("destroy", "--yes")
    assert refused.returncode != 0
    assert "deleteInUse" in refused.stdout
    assert place.live() == [name]
    place.write(deleteInUse=True)
    assert place.pulumi("up", "--yes").returncode == 0
    assert place.pulumi("destroy", "--yes").returncode == 0
    assert place.live() == []


def test_the_key_is_nowhere(place: Place) -> None:
    place.write(directRouteType="INTERNET", directRouteApiKeys=["route-key-PLANTED"])
    outputs = [place.pulumi("up", "--yes").stdout, place.pulumi("refresh", "--yes").stdout]
    place.api.faults += ["429"] * 8
    outputs.append(place.pulumi("up", "--yes", "--refresh").stdout)
    for text in (
        *outputs,
        place.state().replace(place.folder.joinpath("Pulumi.yaml").read_text(), ""),
    ):
        assert KEY not in text
        assert "route-key-PLANTED" not in text


def test_a_wrong_key_says_what_to_do(place: Place) -> None:
    done = place.engine.pulumi(
        "preview", cwd=place.folder, environ={**place.environ, "FIREWORKS_API_KEY": "wrong"}
    )
    assert done.returncode != 0
    assert "UNAUTHENTICATED" in done.stdout
    assert "fireworks:apiKey" in done.stdout


def test_a_floor_is_blocked_by_the_pack_before_anything_is_created(place: Place) -> None:
    place.write(minReplicaCount=1)
    pack = str(place.engine.recording_pack)
    done = place.pulumi("up", "--yes", "--policy-pack", pack)
    assert done.returncode != 0, done.stdout
    assert place.live() == []


def test_an_idle_day_bills_nothing_and_a_busy_hour_what_it_should(place: Place) -> None:
    assert place.pulumi("up", "--yes").returncode == 0
    (name,) = place.live()
    day = place.test("advance", seconds=24 * 3600)
    assert day["gpuSeconds"] == {name: 0}
    assert place.test("request", id=name)["status"] == 503
    # It starts within 240 s, serves until an hour after the request, and stops.
    after = place.test("advance", seconds=2 * 3600)
    assert 3300 <= after["gpuSeconds"][name] <= 3600


def test_what_was_destroyed_comes_back_under_the_same_id(place: Place) -> None:
    """A deleted deployment keeps its ID for a while."""
    assert place.pulumi("up", "--yes").returncode == 0
    (name,) = place.live()
    assert place.pulumi("destroy", "--yes").returncode == 0
    again = place.pulumi("up", "--yes")
    assert again.returncode == 0, again.stdout
    assert place.live() == [name]


ADDON = """\
name: models
runtime: yaml
resources:
  llm:
    type: fireworks:index:Deployment
    properties:
      baseModel: accounts/fireworks/models/llama-v3p1-8b-instruct
      acceleratorType: NVIDIA_H100_80GB
      acceleratorCount: 1
      enableAddons: true
  style:
    type: fireworks:index:DeployedModel
    properties:
      model: accounts/acme/models/style
      deployment: ${llm.name}
      displayName: Style
outputs:
  call: ${style.call}
"""


def test_an_add_on_from_preview_to_destroy(place: Place) -> None:
    program = place.folder / "Pulumi.yaml"
    program.write_text(ADDON)
    assert place.pulumi("preview").returncode == 0
    up = place.pulumi("up", "--yes")
    assert up.returncode == 0, up.stdout
    (loaded,) = place.api.loaded.values()
    (name,) = place.live()
    call = f"accounts/acme/models/style#accounts/acme/deployments/{name}"
    assert call in up.stdout
    assert loaded["displayName"] == "Style"
    program.write_text(ADDON.replace("displayName: Style", "displayName: Tone"))
    assert place.pulumi("up", "--yes").returncode == 0
    (loaded,) = place.api.loaded.values()
    assert loaded["displayName"] == "Tone"
    assert place.pulumi("refresh", "--yes", "--expect-no-changes").returncode == 0
    assert place.pulumi("destroy", "--yes").returncode == 0
    assert place.api.loaded == {}


def test_an_add_on_whose_creation_broke_off_is_loaded_once(place: Place) -> None:
    place.folder.joinpath("Pulumi.yaml").write_text(ADDON)
    assert place.pulumi("up", "--yes", "--target", "**llm").returncode == 0
    place.test("faults", faults=["", "drop-after", *["503"] * 10])
    assert place.pulumi("up", "--yes", "--skip-preview").returncode != 0
    assert len(place.api.loaded) == 1
    place.api.faults.clear()
    again = place.pulumi("up", "--yes")
    assert again.returncode == 0, again.stdout
    assert len(place.api.loaded) == 1


def test_a_misspelt_property_inside_is_named_with_the_right_one(place: Place) -> None:
    place.write(autoscalingPolicy={"scaleToZeroWindw": "300s"})
    done = place.pulumi("preview")
    assert done.returncode != 0
    assert "scaleToZeroWindow" in done.stdout
