"""The engine's calls to the provider, one at a time, without an engine: what is sent, what differs,
what is read back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

import pytest
from pulumi.runtime.proto import provider_pb2

from tests.fireworks import server
from zerofloor.fireworks import provider, wire
from zerofloor.fireworks.provider import Provider
from zerofloor.stack import UNKNOWN

URN = "urn:pulumi:dev::models::fireworks:index:Deployment::My LLM"
ADDON = "urn:pulumi:dev::models::fireworks:index:DeployedModel::style"
MODEL = "accounts/fireworks/models/llama-v3p1-8b-instruct"
INPUTS: dict[str, Any] = {
    "baseModel": MODEL,
    "deploymentId": "llm",
    "acceleratorType": "NVIDIA_H100_80GB",
    "acceleratorCount": 1,
    "maxReplicaCount": 2,
}


class Aborted(Exception):
    """What a call ends in that the provider refuses."""


class Context:
    """The engine's side of a call."""

    def abort(self, code: Any, message: str) -> NoReturn:
        raise Aborted(message)


@pytest.fixture
def made(api: tuple[str, server.Api]) -> Provider:
    found = Provider({"FIREWORKS_API_KEY": server.KEY, "FIREWORKS_ACCOUNT_ID": server.ACCOUNT})
    configure(found, {"fireworks:baseUrl": api[0]})
    return found


def configure(to: Provider, variables: Mapping[str, str]) -> None:
    to.Configure(provider_pb2.ConfigureRequest(variables=dict(variables)), Context())


def checked(inputs: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    request = provider_pb2.CheckRequest(urn=URN, news=wire.write(inputs), olds=wire.write(before))
    return wire.read(Provider({}).Check(request, Context()).inputs)


def diff(old: Mapping[str, Any], new: Mapping[str, Any], urn: str = URN) -> Any:
    request = provider_pb2.DiffRequest(urn=urn, old_inputs=wire.write(old), news=wire.write(new))
    return Provider({}).Diff(request, Context())


def create(by: Provider, inputs: Mapping[str, Any], urn: str = URN) -> Any:
    request = provider_pb2.CreateRequest(urn=urn, properties=wire.write(inputs))
    return by.Create(request, Context())


def reread(by: Provider, id_: str, inputs: Mapping[str, Any], urn: str = URN) -> dict[str, Any]:
    request = provider_pb2.ReadRequest(urn=urn, id=id_, inputs=wire.write(inputs))
    return wire.read(by.Read(request, Context()).inputs)


@pytest.mark.parametrize(
    ("config", "environ", "base"),
    [
        ({}, {}, "https://api.fireworks.ai"),
        ({}, {"FIREWORKS_BASE_URL": "http://by.env"}, "http://by.env"),
        ({"fireworks:config:baseUrl": "http://by.config"}, {}, "http://by.config"),
        (
            {"fireworks:config:baseUrl": "http://by.config"},
            {"FIREWORKS_BASE_URL": "http://by.env"},
            "http://by.config",
        ),
    ],
)
@pytest.mark.parametrize("by_config", [False, True])
def test_the_configuration_goes_before_the_environment(
    config: dict[str, str],
    environ: dict[str, str],
    base: str,
    by_config: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    opened: list[tuple[str, str, str]] = []
    monkeypatch.setattr(
        provider, "Api", lambda account, key, base: opened.append((account, key, base))
    )
    ours = {"FIREWORKS_API_KEY": "key of env", "FIREWORKS_ACCOUNT_ID": "account of env"}
    given = {"fireworks:config:apiKey": "key", "fireworks:config:accountId": "account"}
    configure(Provider({**ours, **environ}), {**config, **(given if by_config else {})})
    assert opened == [("account", "key", base) if by_config else (*reversed(ours.values()), base)]


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"fireworks:config:apiKey": server.KEY},
        {"fireworks:config:accountId": server.ACCOUNT},
        {"fireworks:config:apiKey": min(wire.UNKNOWNS), "fireworks:config:accountId": "acme"},
    ],
)
def test_without_a_key_and_an_account_nothing_is_read(variables: dict[str, str]) -> None:
    ours = Provider({})
    configure(ours, variables)
    with pytest.raises(Aborted, match="No key or account: set fireworks:apiKey"):
        reread(ours, "llm", INPUTS)
    preview = provider_pb2.CreateRequest(urn=URN, properties=wire.write(INPUTS), preview=True)
    assert wire.read(ours.Create(preview, Context()).properties) == INPUTS


def test_an_id_is_the_programs_else_the_one_before_else_one_made_of_the_name() -> None:
    bare = {name: value for name, value in INPUTS.items() if name != "deploymentId"}
    assert checked(INPUTS, {**INPUTS, "deploymentId": "older"})["deploymentId"] == "llm"
    assert checked(bare, {**INPUTS, "deploymentId": "older"})["deploymentId"] == "older"
    fresh = checked(bare, {})["deploymentId"]
    assert fresh.startswith("my-llm-")
    assert checked(bare, {}) == {**bare, "deploymentId": fresh}


@pytest.mark.parametrize(
    ("before", "after", "names"),
    [
        ({}, {}, []),
        ({"maxReplicaCount": 2}, {"maxReplicaCount": 3}, ["maxReplicaCount"]),
        # The API leaves zero, false and empty out: to declare them is no change …
        ({}, {"minReplicaCount": 0}, []),
        ({"minReplicaCount": 0}, {}, []),
        ({}, {"enableAddons": False}, []),
        ({}, {"displayName": ""}, []),
        # … but of the maximum, which is 1 where it is left out and parks the deployment at 0.
        ({"maxReplicaCount": 0}, {"maxReplicaCount": 0}, []),
        ({"maxReplicaCount": None}, {"maxReplicaCount": 0}, ["maxReplicaCount"]),
        ({"minReplicaCount": 0}, {"minReplicaCount": 1}, ["minReplicaCount"]),
        ({"minReplicaCount": 1}, {"minReplicaCount": 0}, ["minReplicaCount"]),
        ({"displayName": "a"}, {"displayName": ""}, ["displayName"]),
        # A shape that the server wrote out as one of its versions is the same.
        ({"deploymentShape": "s/versions/3"}, {"deploymentShape": "s"}, []),
        ({"deploymentShape": "s/versions/3"}, {"deploymentShape": "default"}, []),
        ({"deploymentShape": "s/versions/3"}, {"deploymentShape": "t"}, ["deploymentShape"]),
        ({"deploymentShape": "s2"}, {"deploymentShape": "s"}, ["deploymentShape"]),
    ],
)
def test_what_differs(before: dict[str, Any], after: dict[str, Any], names: list[str]) -> None:
    answer = diff({**INPUTS, **before}, {**INPUTS, **after})
    assert (list(answer.diffs), list(answer.replaces)) == (names, [])
    assert answer.changes == (answer.DIFF_SOME if names else answer.DIFF_NONE)


@pytest.mark.parametrize("name", ["baseModel", "deploymentId", "acceleratorType", "precision"])
def test_what_a_live_deployment_cannot_change_replaces_it(name: str) -> None:
    answer = diff(INPUTS, {**INPUTS, name: "other"})
    assert (list(answer.replaces), answer.deleteBeforeReplace) == ([name], True)


@pytest.mark.parametrize(
    ("declared", "by_hand", "found"),
    [
        ({}, {}, {}),
        ({}, {"maxReplicaCount": 5}, {"maxReplicaCount": 5}),
        # A minimum raised by hand bills, declared or not; another name is the person's affair.
        ({}, {"minReplicaCount": 1}, {"minReplicaCount": 1}),
        ({}, {"displayName": "mine"}, {}),
        # The API leaves out a zero and an empty text: a number is 0 then, a text is gone.
        ({"minReplicaCount": 0}, {}, {"minReplicaCount": 0}),
        ({"numPeftDeviceCached": 2}, {"numPeftDeviceCached": None}, {"numPeftDeviceCached": 0}),
        ({"displayName": "LLM"}, {"displayName": None}, {}),
        ({"displayName": ""}, {}, {"displayName": ""}),
        # What the API isn't sent, and keys, which it doesn't give back, stay as declared.
        ({"waitForReady": False}, {}, {"waitForReady": False}),
        (
            {"directRouteType": "INTERNET", "directRouteApiKeys": ["k"]},
            {"directRouteApiKeys": ["other"]},
            {"directRouteType": "INTERNET", "directRouteApiKeys": ["k"]},
        ),
    ],
)
def test_a_refresh_shows_what_was_changed_by_hand(
    declared: dict[str, Any],
    by_hand: dict[str, Any],
    found: dict[str, Any],
    made: Provider,
    api: tuple[str, server.Api],
) -> None:
    id_ = create(made, {**INPUTS, **declared}).id
    body = api[1].deployments["llm"].body
    body.update(by_hand)
    for name in [name for name, value in body.items() if value in (None, 0, "")]:
        del body[name]
    assert reread(made, id_, {**INPUTS, **declared}) == {**INPUTS, **found}


def test_what_is_gone_is_no_resource(made: Provider) -> None:
    for urn in (URN, ADDON):
        request = provider_pb2.ReadRequest(urn=urn, id="accounts/acme/x/none")
        assert made.Read(request, Context()).id == ""


def test_what_is_not_known_yet_is_not_asked_of_the_api(
    made: Provider, api: tuple[str, server.Api]
) -> None:
    inputs = {**INPUTS, "baseModel": UNKNOWN}
    request = provider_pb2.CreateRequest(urn=URN, properties=wire.write(inputs), preview=True)
    assert wire.read(made.Create(request, Context()).properties) == inputs
    assert api[1].log == []


def test_an_import_reads_what_is_no_default(made: Provider) -> None:
    id_ = create(made, {**INPUTS, "minReplicaCount": 0, "displayName": "LLM"}).id
    assert reread(made, id_, {}) == {**INPUTS, "displayName": "LLM"}


def test_an_import_of_a_shape_leaves_out_what_the_shape_decides(
    made: Provider, api: tuple[str, server.Api]
) -> None:
    id_ = create(made, INPUTS).id
    api[1].deployments["llm"].body.update(deploymentShape="s", precision="FP8")
    shaped = {name: INPUTS[name] for name in ("baseModel", "deploymentId", "maxReplicaCount")}
    assert reread(made, id_, {}) == {**shaped, "deploymentShape": "s/versions/v1"}
    declared = {**INPUTS, "deploymentShape": "s"}
    assert reread(made, id_, declared) == declared


STYLE = {
    "model": "accounts/acme/models/style",
    "deployment": "accounts/acme/deployments/llm",
    "displayName": "Style",
}


def test_an_add_on_is_read_as_declared_or_whole(
    made: Provider, api: tuple[str, server.Api]
) -> None:
    """What the program doesn't declare stays out of a refresh; an import has all that is set."""
    create(made, {**INPUTS, "enableAddons": True})
    declared = {name: STYLE[name] for name in ("model", "deployment")}
    id_ = create(made, declared, ADDON).id
    (loaded,) = api[1].loaded.values()
    loaded.update(displayName="Style", description="")
    assert reread(made, id_, declared, ADDON) == declared
    assert reread(made, id_, {**declared, "displayName": "Old"}, ADDON) == STYLE
    imported = reread(made, id_, {}, ADDON)
    assert {name: imported[name] for name in STYLE} == STYLE
    assert "description" not in imported


def test_an_add_on_that_is_there_is_found_by_model_and_deployment(
    made: Provider, api: tuple[str, server.Api]
) -> None:
    create(made, {**INPUTS, "enableAddons": True})
    first = create(made, STYLE, ADDON).id
    assert create(made, STYLE, ADDON).id == first
    assert create(made, {**STYLE, "model": "accounts/acme/models/tone"}, ADDON).id != first
    assert len(api[1].loaded) == 2


def test_an_update_sends_what_the_api_has(made: Provider, api: tuple[str, server.Api]) -> None:
    create(made, {**INPUTS, "enableAddons": True})
    id_ = create(made, STYLE, ADDON).id

    def update(**changes: Any) -> tuple[dict[str, Any], list[str]]:
        before = len(api[1].log)
        request = provider_pb2.UpdateRequest(
            urn=ADDON, id=id_, old_inputs=wire.write(STYLE), news=wire.write({**STYLE, **changes})
        )
        answer = wire.read(made.Update(request, Context()).properties)
        return answer, [line.split()[0] for line in api[1].log[before:]]

    named, calls = update(displayName="Tone")
    assert (named["displayName"], named["state"], calls) == ("Tone", "DEPLOYED", ["PATCH"])
    kept, calls = update(replaceMergedAddon=True)
    assert (kept["name"], kept["state"], calls) == (id_, "DEPLOYED", ["GET"])


@pytest.mark.parametrize(
    ("before", "after", "names"),
    [
        ({"displayName": "a"}, {"displayName": ""}, ["displayName"]),
        ({}, {"displayName": ""}, []),
        ({"displayName": "a"}, {}, ["displayName"]),
        ({"default": True}, {}, []),
        ({"default": True}, {"default": False}, ["default"]),
        ({}, {"default": False}, []),
    ],
)
def test_what_differs_of_an_add_on(
    before: dict[str, Any], after: dict[str, Any], names: list[str]
) -> None:
    base = {name: STYLE[name] for name in ("model", "deployment")}
    assert list(diff({**base, **before}, {**base, **after}, ADDON).diffs) == names
