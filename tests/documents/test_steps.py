"""Steps of the engine's plan, one at a time: which resource is left, and when the plan has gaps."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from zerofloor.documents import read
from zerofloor.errors import InputError
from zerofloor.stack import Resource, Stack

ROOT = "urn:pulumi:dev::app::pulumi:pulumi:Stack::app-dev"
URN = "urn:pulumi:dev::app::aws:ec2/instance:Instance::box"


def state(urn: str = URN, **more: Any) -> dict[str, Any]:
    return {
        "urn": urn,
        "custom": True,
        "type": urn.split("::")[-2],
        "inputs": {"instanceType": "g5.xlarge"},
        **more,
    }


def step(
    op: str,
    urn: str = URN,
    *,
    old: Mapping[str, Any] | None = None,
    new: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    leaving = op in (
        "delete",
        "delete-replaced",
        "discard",
        "discard-replaced",
        "remove-pending-replace",
    )
    return {
        "op": op,
        "urn": urn,
        "oldState": None if op == "create" else state(urn, id="i-1") | dict(old or {}),
        "newState": None if leaving else state(urn) | dict(new or {}),
    }


def digest(*steps: dict[str, Any], summary: Mapping[str, int] | None = None, **more: Any) -> bytes:
    root = {
        "op": "same",
        "urn": ROOT,
        "oldState": {"urn": ROOT, "type": "pulumi:pulumi:Stack"},
        "newState": {"urn": ROOT, "type": "pulumi:pulumi:Stack"},
    }
    counts = {"same": 1}
    for op in (
        s["op"]
        for s in steps
        if s["op"] in ("create", "update", "same", "delete", "replace", "import", "discard")
    ):
        counts[op] = counts.get(op, 0) + 1
    return json.dumps(
        {"steps": [root, *steps], "changeSummary": counts if summary is None else summary, **more}
    ).encode()


def outcome(*steps: dict[str, Any]) -> Resource | None:
    found: Stack = read("plan.json", digest(*steps))
    boxes = [r for r in found.resources if r.urn == URN]
    return boxes[0] if boxes else None


def test_a_summary_may_count_none_of_an_operation_and_never_fewer() -> None:
    counts = {"same": 1, "create": 1}
    assert len(read("d", digest(step("create"), summary={**counts, "delete": 0})).resources) == 2
    with pytest.raises(InputError, match="counts fewer than no resources"):
        read("d", digest(step("create"), summary={**counts, "delete": -1}))


@pytest.mark.parametrize("op", ["create", "update", "same", "read", "refresh", "import"])
def test_a_resource_that_stays(op: str) -> None:
    box = outcome(step(op))
    assert box is not None
    assert (box.op, box.inputs) == (op, {"instanceType": "g5.xlarge"})


@pytest.mark.parametrize(
    "op", ["delete", "delete-replaced", "discard", "discard-replaced", "remove-pending-replace"]
)
def test_a_resource_that_leaves(op: str) -> None:
    assert outcome(step(op)) is None


def test_what_is_retained_on_delete_is_left_over() -> None:
    kept: Stack = read("plan.json", digest(step("delete", old={"retainOnDelete": True})))
    assert [(r.urn, r.inputs) for r in kept.leftovers] == [(URN, {"instanceType": "g5.xlarge"})]
    assert not read("plan.json", digest(step("delete"))).leftovers


@pytest.mark.parametrize(
    ("ops", "created_first"),
    [
        (["create-replacement", "replace", "delete-replaced"], True),
        (["delete-replaced", "replace", "create-replacement"], False),
        (["replace", "create-replacement", "delete-replaced"], True),
        (["remove-pending-replace", "replace", "create-replacement"], False),
        (["import-replacement", "replace", "delete-replaced"], True),
        (["read-replacement", "replace", "discard-replaced"], True),
        (["replace"], True),  # the engine's default order
    ],
)
def test_a_replacement_is_one_resource(ops: list[str], created_first: bool) -> None:
    box = outcome(*(step(op, new={"inputs": {"instanceType": "p5.48xlarge"}}) for op in ops))
    assert box is not None
    assert (box.op, box.replaced_before_delete, box.inputs["instanceType"]) == (
        "replace",
        created_first,
        "p5.48xlarge",
    )


def test_a_leftover_of_an_earlier_replacement_goes_and_the_resource_stays() -> None:
    box = outcome(step("same"), step("delete-replaced"))
    assert box is not None
    assert (box.op, box.replaced_before_delete) == ("same", False)


def test_a_refresh_before_an_update_gives_way_to_it() -> None:
    box = outcome(step("refresh"), step("update", new={"inputs": {"instanceType": "g6.xlarge"}}))
    assert box is not None
    assert (box.op, box.inputs["instanceType"]) == ("update", "g6.xlarge")


def test_a_refresh_without_a_new_state_shows_the_old_one() -> None:
    box = outcome(step("refresh") | {"newState": None})
    assert box is not None
    assert box.inputs == {"instanceType": "g5.xlarge"}


@pytest.mark.parametrize(
    "ops",
    [
        ["create", "create"],
        ["same", "update"],
        ["update", "replace"],
        ["replace", "replace"],
        ["refresh", "refresh"],
    ],
)
def test_several_steps_that_are_no_replacement_are_refused(ops: list[str]) -> None:
    with pytest.raises(InputError, match=rf"several steps for {URN} \({', '.join(ops)}\)"):
        outcome(*map(step, ops))


def test_what_is_retained_in_the_cloud_is_noted() -> None:
    found = read("plan.json", digest(step("delete", old={"retainOnDelete": True})))
    assert len(found.resources) == 1
    assert found.notes == (
        (
            f"{URN} leaves the stack but is retained in the cloud (retainOnDelete): what it "
            "bills is not counted"
        ),
    )


@pytest.mark.parametrize(
    ("summary", "said"),
    [
        (
            {"same": 1, "create": 2},
            (
                r"partial: it counts 1 more resources than it shows \(create: 1\): run it with "
                r"--show-sames"
            ),
        ),
        (
            {"same": 9, "create": 1},
            r"partial: it counts 8 more resources than it shows \(same: 8\)",
        ),
        ({"same": 1, "create": 1, "replace": 1}, r"\(replace: 1\)"),
        ({"same": 1, "create": 10**9}, r"\(create: 999999999\)"),
    ],
)
def test_steps_that_do_not_add_up_are_refused(summary: dict[str, int], said: str) -> None:
    with pytest.raises(InputError, match=said):
        read("plan.json", digest(step("create"), summary=summary))


def test_reads_count_in_the_summary_only_when_something_changed() -> None:
    assert len(read("plan.json", digest(step("read"), summary={"same": 1})).resources) == 2


def test_a_refresh_that_found_no_change_is_counted_as_same() -> None:
    assert len(read("plan.json", digest(step("refresh"), summary={"same": 2})).resources) == 2


def test_only_unchanged_resources_can_be_filled_in() -> None:
    export = {"version": 3, "deployment": {"resources": [state(id="i-1")]}}
    baseline = read("export.json", json.dumps(export).encode())
    filled = read("plan.json", digest(summary={"same": 2}), baseline=baseline)
    assert [(r.urn, r.op) for r in filled.resources] == [(URN, "same"), (ROOT, "same")]
    with pytest.raises(InputError, match="create: 1"):
        read("plan.json", digest(summary={"same": 1, "create": 1}), baseline=baseline)


def test_what_a_target_leaves_out_is_filled_in_though_the_steps_add_up() -> None:
    """A resource that is deployed and no longer in the program gets no step when it is no
    target."""
    export = {
        "version": 3,
        "deployment": {"resources": [state(id="i-1"), state(URN + "-old", id="i-2")]},
    }
    baseline = read("export.json", json.dumps(export).encode())
    filled = read("plan.json", digest(step("same")), baseline=baseline)
    assert [r.name for r in filled.resources] == ["box", "box-old", "app-dev"]


def test_a_renamed_resource_is_not_filled_in_under_its_former_name() -> None:
    export = {"version": 3, "deployment": {"resources": [state(URN + "-former", id="i-1")]}}
    baseline = read("export.json", json.dumps(export).encode())
    filled = read(
        "plan.json", digest(step("same", old={"urn": URN + "-former"})), baseline=baseline
    )
    assert [r.name for r in filled.resources] == ["box", "app-dev"]
    assert filled.notes == ()


def test_a_destroyed_stack_is_empty_and_still_has_its_name() -> None:
    root = {"op": "delete", "urn": ROOT, "oldState": {"urn": ROOT, "type": "pulumi:pulumi:Stack"}}
    found = read(
        "plan.json",
        json.dumps({"steps": [root, step("delete")], "changeSummary": {"delete": 2}}).encode(),
    )
    assert (found.resources, found.project, found.name) == ((), "app", "dev")


def test_a_creation_that_a_target_leaves_out_is_refused() -> None:
    """It is shown as `same`, and differs from a real one in that its old state has no ID."""
    with pytest.raises(InputError, match=f"{URN} is left out by --target"):
        outcome(step("same", old={"id": ""}))


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (step("create") | {"op": "teleport"}, "step 1 has the op 'teleport'"),
        (step("create") | {"newState": None}, "the create step of .* has no new state"),
        (
            step("create") | {"urn": "box", "newState": state(URN) | {"urn": "box"}},
            "'box' is not a URN",
        ),
        (step("create") | {"newState": state(ROOT)}, "holds the state of"),
        (
            step("refresh") | {"newState": None, "oldState": state(inputs=[1])},
            "the old inputs of .* are not an object",
        ),
    ],
)
def test_a_step_that_makes_no_sense_is_refused(broken: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        read("plan.json", digest(broken))


def test_config_comes_without_its_secrets() -> None:
    found = read(
        "plan.json",
        digest(
            config={
                "aws:region": "us-west-2",
                "app:token": "[secret]",
                "app:nested": '{"a":"[secret]"}',
            }
        ),
    )
    assert found.config == {"aws:region": "us-west-2"}


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("project:///__main__.py#22", "__main__.py:22"),
        ("project:///src/a b.ts#7,12", "src/a b.ts:7"),
        ("project:///x.go", "x.go"),
        ("", None),
        # Not the program: the provider's own source, an SDK's components.
        ("project:///../../go/pkg/mod/github.com/x/provider/v4/yaml/v2/configgroup.go#78,9", None),
        ("project:///.venv/lib/python3.11/site-packages/pulumi_kubernetes/yaml/yaml.py#10", None),
        ("project:///node_modules/@pulumi/eks/cluster.js#10", None),
    ],
)
def test_source_positions(source: str, shown: str | None) -> None:
    box = outcome(step("create", new={"sourcePosition": source}))
    assert box is not None
    assert box.source_position == shown


def event_log(*events: dict[str, Any]) -> bytes:
    return b"".join(
        json.dumps({"sequence": n, "timestamp": 1, **event}).encode() + b"\n"
        for n, event in enumerate(events)
    )


def pre(op: str, urn: str = URN, kind: str = "resourcePreEvent", **more: Any) -> dict[str, Any]:
    made = step(op, urn)
    return {
        kind: {
            "metadata": {
                "op": op,
                "urn": urn,
                "old": made["oldState"],
                "new": made["newState"],
                **more,
            }
        }
    }


def ended(**changes: int) -> dict[str, Any]:
    return {"summaryEvent": {"resourceChanges": changes, "result": "succeeded"}}


def test_a_log_of_a_preview_and_its_update_is_the_update() -> None:
    prelude: dict[str, Any] = {"preludeEvent": {"config": {}}}
    log = event_log(
        prelude,
        pre("create"),
        ended(create=1),
        prelude,
        pre("create"),
        ended(create=1),
        {"cancelEvent": {}},
    )
    assert [r.urn for r in read("log", log).resources] == [URN]


def test_a_step_logged_twice_in_a_row_is_one_step() -> None:
    assert len(read("log", event_log(pre("update"), pre("update"), ended(update=1))).resources) == 1
    other = pre("update", new=state(inputs={"instanceType": "p5.48xlarge"}))
    with pytest.raises(InputError, match="several steps"):
        read("log", event_log(pre("update"), other, ended(update=1)))


def test_a_refresh_tells_afterwards_that_a_resource_is_gone() -> None:
    log = event_log(
        pre("create", ROOT),
        pre("refresh"),
        pre("delete", kind="resOutputsEvent"),
        ended(create=1, delete=1),
    )
    assert [r.urn for r in read("log", log).resources] == [ROOT]


@pytest.mark.parametrize(
    ("events", "said"),
    [
        ([pre("create")], "no summaryEvent"),
        (
            [pre("create"), {"summaryEvent": {"result": "succeeded"}}],
            "no summaryEvent with its counts",
        ),
        ([ended()], "it has no steps"),
        (
            [pre("create"), ended(create=2)],
            r"partial: it counts 1 more resources than it shows \(create: 1\)",
        ),
        (
            [
                pre("create"),
                {"summaryEvent": {"resourceChanges": {"create": 1}, "result": "failed"}},
            ],
            "partial: the run ended as failed",
        ),
        (
            [
                pre("create"),
                {"summaryEvent": {"resourceChanges": {"create": 1}, "maybeCorrupt": True}},
            ],
            "maybeCorrupt",
        ),
        (
            [
                {"diagnosticEvent": {"message": "\nboom happened\n  trace", "severity": "error"}},
                ended(),
            ],
            "partial: boom happened$",
        ),
        ([pre("create", kind="resOpFailedEvent"), ended(create=1)], "create of .* failed"),
    ],
)
def test_an_event_log_that_is_not_whole_is_refused(events: list[dict[str, Any]], said: str) -> None:
    with pytest.raises(InputError, match=said):
        read("log", event_log(*events))


def test_a_cut_event_log_is_refused_with_its_line() -> None:
    log = event_log(pre("create"), ended(create=1))
    with pytest.raises(InputError, match="line 2"):
        read("log", log[:-20])


def test_a_failed_preview_says_why_in_one_line() -> None:
    failed = digest(
        step("create"),
        diagnostics=[
            {"message": "warning: old", "severity": "warning"},
            {"message": "error: no such type\nTrace", "severity": "error"},
        ],
    )
    with pytest.raises(InputError) as refused:
        read("plan.json", failed)
    assert (
        str(refused.value)
        == "plan.json: the preview failed, so the digest is partial: error: no such type"
    )


# As pulumi-language-yaml 1.38 prints it under the engine 3.259, colours included.
YAML_ERROR = (
    "\x1b[31mError\x1b[0m: Property amii does not exist on 'aws:ec2/instance:Instance'\n\n",
    "  on Pulumi.yaml line 4:\n\n",
    "   4:   box: {type: aws:ec2/instance:Instance, properties: {amii: ami-1}}\n\n",
)


def printed(*texts: str) -> list[dict[str, str]]:
    """Diagnostics of what a program's host wrote to stderr."""
    return [{"message": text, "severity": "info#err"} for text in texts]


@pytest.mark.parametrize(
    ("steps", "texts"),
    [
        ([], YAML_ERROR),
        ([step("create")], YAML_ERROR),
        ([step("create")], ("Error: Property amii does not exist\n", *YAML_ERROR[1:])),
        ([], ("Error: no such variable\n",)),
        ([], ("panic: runtime error: index out of range\n",)),
    ],
    ids=["yaml", "yaml-late", "yaml-plain", "nothing-made", "panic"],
)
def test_a_failure_that_is_only_printed_is_a_failure(
    steps: list[dict[str, Any]], texts: tuple[str, ...]
) -> None:
    failed = digest(*steps, diagnostics=printed(*texts))
    with pytest.raises(InputError, match="the preview failed"):
        read("plan.json", failed)


@pytest.mark.parametrize(
    "texts",
    [
        ("Error: the cache is cold, going on\n",),
        ("DeprecationWarning: an error in a library\n",),
        ("2 problems, 0 errors\n", "  on line 4\n"),
    ],
)
def test_what_a_healthy_program_prints_is_no_failure(texts: tuple[str, ...]) -> None:
    healthy = digest(step("create"), diagnostics=printed(*texts))
    assert len(read("plan.json", healthy).resources) == 2


def test_a_doubtful_or_unfinished_digest_is_refused() -> None:
    with pytest.raises(InputError, match="maybeCorrupt"):
        read("plan.json", digest(step("create"), maybeCorrupt=True))
    with pytest.raises(InputError, match="without changeSummary"):
        read("plan.json", json.dumps({"steps": [step("create")]}).encode())
    with pytest.raises(InputError, match="it has no steps"):
        read("plan.json", b'{"steps": [], "changeSummary": {}}')
    with pytest.raises(InputError, match="fewer than no resources"):
        read("plan.json", digest(step("create"), summary={"same": 1, "create": 1, "delete": -1}))


def test_an_update_in_place_keeps_what_it_changes() -> None:
    old = {"inputs": {"instanceType": "m5.large"}}
    updated, same = outcome(step("update", old=old)), outcome(step("same", old=old))
    assert updated is not None
    assert same is not None
    assert (updated.before, updated.inputs) == (old["inputs"], {"instanceType": "g5.xlarge"})
    assert same.before is None
    unseen = step("update") | {"oldState": None}
    assert (box := outcome(unseen)) is not None
    assert box.before is None


def test_former_names_are_kept() -> None:
    former = "urn:pulumi:dev::app::aws:ec2/instance:Instance::old"
    box = outcome(step("create", new={"aliases": [former]}))
    assert box is not None
    assert box.aliases == (former,)
