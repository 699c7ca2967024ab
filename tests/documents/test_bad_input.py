"""What is none of the documents: one line that says so, and nothing else."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.cases import DATA, case, digest_of
from zerofloor.documents import KINDS, read, read_file
from zerofloor.errors import InputError

DIGEST = (DATA / "engine" / "create.digest.json").read_bytes()
EXPECTED = (
    r"expected a `pulumi preview --json` digest, an event log, a `pulumi stack export`, "
    r"Kubernetes manifests, a `terraform show -json` plan or a CloudFormation template$"
)


def changed(path: list[str | int], value: Any) -> bytes:
    document = json.loads(DIGEST)
    spot = document
    for key in path[:-1]:
        spot = spot[key]
    spot[path[-1]] = value
    return json.dumps(document).encode()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "it is empty"),
        (b" \n\t", "it is empty"),
        (b"\xef\xbb\xbf", "it is empty"),
        (b"[]", f"a JSON array: {EXPECTED}"),
        (b"[" * 1_000_000, "a JSON array"),
        (b"{}", f"a JSON object of another kind: {EXPECTED}"),
        (b'{"a": ' * 100_000, "nested too deeply"),
        (b'{"steps": ' + b"[" * 100_000, "nested too deeply"),
        (b"null", "document 1 .* is text|nothing in it"),
        (b"3", "is a number"),
        (b'"text"', "is text"),
        (DIGEST[:-40], r"the JSON ends too early, at line \d+, column \d+"),
        (DIGEST[:5000], r"the JSON ends too early, at line \d+"),
        (
            DIGEST.replace(b'"floor": 0', b'"floor": NaN', 1),
            r"JSON is malformed: invalid character at line \d+, column \d+",
        ),
        (b'{"steps": [],}', "malformed: .* at line 1, column 14"),
        (DIGEST + b"{}", "trailing characters at line"),
        (DIGEST.decode().encode("utf-16"), "UTF-16"),
        (DIGEST.decode().encode("utf-16-le"), "UTF-16"),
        (b"\xff\xfe", "UTF-16"),
        (gzip.compress(DIGEST), "binary or compressed"),
        (b"\x7fELF\x02\x01\x01\0\0\0", "binary or compressed"),
        (b"name: caf\xe9\n", r"not UTF-8 text at line 1, column 10"),
        (b'{"changeSummary": {"create": 1}, "diagnostics": []}', "without `steps`"),
        (b'{"changeSummary": {"create": 1}}', "without `steps`"),
        (b'{"diagnostics": []}', "without `steps`"),
        # Half of what tells a kind tells none.
        (b'{"terraform_version": "1.9.8"}', "a JSON object of another kind"),
        (b'{"lineage": "x"}', "a JSON object of another kind"),
        (b'{"apiVersion": "v1"}', "a JSON object of another kind"),
        (b'{"kind": "Pod"}', "a JSON object of another kind"),
        (b'{"Resources": {"a": {"Type": "Other::Thing"}}}', "a JSON object of another kind"),
        (b'{"format_version": null}', "a JSON object of another kind"),
        (b'{"steps": {}, "changeSummary": {}}', r"Expected `array`, got `object` - at `\$\.steps`"),
        (
            b'{"steps": [5], "changeSummary": {}}',
            r"Expected `object`, got `int` - at `\$\.steps\[0\]`",
        ),
        (
            b'{"steps": [{"op": "create"}], "changeSummary": {}}',
            r"missing required field `urn` - at `\$\.steps\[0\]`",
        ),
        (
            changed(["steps", 4, "newState", "inputs"], ["a"]),
            r"Expected `object \| null`, got `array` - at `\$\.steps\[4\]\.newState\.inputs`",
        ),
        (
            changed(["steps", 4, "newState", "custom"], "yes"),
            r"Expected `bool`, got `str` - at `\$\.steps\[4\]\.newState\.custom`",
        ),
        (
            changed(["changeSummary", "create"], "14"),
            r"Expected `int`, got `str` - at `\$\.changeSummary",
        ),
        (changed(["changeSummary", "create"], 15), "partial"),
        (
            b'{"sequence": 1}\n{"sequence": 2, "summaryEvent": 5}\n',
            r"line 2: .* - at `\$\.summaryEvent`",
        ),
        (b'{"sequence": 1}\n{"sequence": 2, "resourcePreEvent"', "line 2: "),
        (b'{"sequence": 1}\nhello\n', "line 2: "),
    ],
)
def test_refused_in_one_line(data: bytes, said: str) -> None:
    with pytest.raises(InputError, match=said) as refused:
        read("some file", data)
    assert str(refused.value).startswith("some file: ")
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 500


def test_wrong_types_in_one_resource_are_for_its_platform_to_judge() -> None:
    data = changed(
        ["steps", 4, "newState", "inputs", "scalingConfig"],
        {"minSize": "two", "maxSize": -1, "desiredSize": 1e9},
    )
    assert any(
        r.inputs.get("scalingConfig") == {"minSize": "two", "maxSize": -1, "desiredSize": 10**9}
        for r in read("d", data).resources
    )


def test_a_byte_order_mark_and_windows_lines_do_no_harm() -> None:
    plain = read("d", DIGEST)
    assert read("d", b"\xef\xbb\xbf" + DIGEST.replace(b"\n", b"\r\n")) == plain
    log = (DATA / "engine" / "create.events.jsonl").read_bytes()
    assert read("e", b"\n" + log.replace(b"\n", b"\r\n\r\n")) == read("e", log)


def test_the_kind_is_told_from_the_content_whatever_the_name_and_the_layout() -> None:
    assert read("x.yaml", json.dumps(json.loads(DIGEST)).encode()).kind == "digest"
    assert read("x.json", b"apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n").kind == "manifests"


@pytest.mark.parametrize("kind", KINDS)
def test_a_named_format_is_not_guessed_at(kind: str) -> None:
    if kind == "digest":
        assert read("d", DIGEST, input_format=kind).kind == kind
    else:
        with pytest.raises(InputError):
            read("d", DIGEST, input_format=kind)


def test_an_unknown_format_is_refused() -> None:
    with pytest.raises(
        InputError, match="--input-format csv: one of cloudformation, digest, events, export"
    ):
        read("d", DIGEST, input_format="csv")


def test_size_limits(tmp_path: Path) -> None:
    file = tmp_path / "big.json"
    file.write_bytes(DIGEST)
    with pytest.raises(InputError, match="raise the limit"):
        read_file(file, max_bytes=len(DIGEST) - 1)
    with pytest.raises(InputError, match="raise the limit"):
        read("big.json", DIGEST, max_bytes=len(DIGEST) - 1)
    assert len(read_file(file, max_bytes=len(DIGEST)).resources) == 14


def test_a_file_that_is_too_large_is_not_loaded(tmp_path: Path) -> None:
    file = tmp_path / "sparse.json"
    with file.open("wb") as handle:
        handle.truncate(2**40)  # more than any memory, and no disk
    with pytest.raises(InputError, match=r"at least 1048576\.0 MiB, more than the 64\.0 MiB"):
        read_file(file)


def test_an_avalanche_of_brackets_is_refused_before_it_is_built() -> None:
    hollow = (
        b'{"steps": [], "changeSummary": {}, "config": {}, "x": [' + b"[]," * 2_000_000 + b"[]]}"
    )
    with pytest.raises(InputError, match="almost nothing but brackets"):
        read("hollow", hollow)


def test_files_that_can_not_be_read(tmp_path: Path) -> None:
    for path, said in (
        (tmp_path / "none.json", "No such file"),
        (tmp_path, "Is a directory"),
        (Path("a\0b"), "no such file name"),
    ):
        with pytest.raises(InputError, match=said) as refused:
            read_file(path)
        assert "\n" not in str(refused.value)


def test_a_hostile_name_stays_on_one_line() -> None:
    with pytest.raises(InputError) as refused:
        read("a\n\x1b[31mb" + "c" * 1000, b"")
    assert "\n" not in str(refused.value)
    assert "\x1b" not in str(refused.value)
    assert len(str(refused.value)) < 500


# Mutations of real documents, and plain noise: either a stack or InputError.

quick = settings(
    deadline=None, derandomize=True, max_examples=100
)  # a shared machine, and the same run for everybody


def survives(data: bytes) -> None:
    try:
        read("mutant", data)
    except InputError as refused:
        assert "\n" not in str(refused)  # noqa: PT017 - the property is that there is nothing else


@quick
@given(st.binary(max_size=400))
def test_noise(data: bytes) -> None:
    survives(data)


@quick
@given(st.text(alphabet="{}[]:,-&*!|>'\"%@`#?\n\t .~<=abkv1", max_size=120))
def test_punctuation(text: str) -> None:
    survives(text.encode())
    survives(b"apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: " + text.encode())


SMALL = json.loads(digest_of(case("154")))
LOG = (DATA / "engine" / "replace.events.jsonl").read_bytes()
EXPORT = (DATA / "engine" / "deployed.export.json").read_bytes()

anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)


@quick
@given(st.data())
def test_cut_documents(data: st.DataObject) -> None:
    whole = data.draw(st.sampled_from([DIGEST, LOG, EXPORT]))
    survives(whole[: data.draw(st.integers(0, len(whole)))])


@quick
@given(st.data())
def test_retyped_and_missing_fields(data: st.DataObject) -> None:
    """One place of a digest gets another value, or goes."""

    def mutate(value: Any, depth: int) -> Any:
        if (
            isinstance(value, (dict, list))
            and value
            and depth < 8
            and data.draw(st.integers(0, 9)) > 1
        ):
            copy = dict(value) if isinstance(value, dict) else list(value)
            key = (
                data.draw(st.sampled_from(sorted(copy)))
                if isinstance(copy, dict)
                else data.draw(st.integers(0, len(copy) - 1))
            )
            if data.draw(st.integers(0, 9)) == 0:
                del copy[key]
            else:
                copy[key] = mutate(copy[key], depth + 1)
            return copy
        return data.draw(anything)

    survives(json.dumps(mutate(SMALL, 0)).encode())
