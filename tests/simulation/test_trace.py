"""Traces as people have them, and as they go wrong: one line that names the line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from zerofloor.errors import InputError
from zerofloor.simulation import trace as module
from zerofloor.simulation.trace import Trace, read_trace

HEAD = "TIMESTAMP,ContextTokens,GeneratedTokens\n"
AZURE = (
    HEAD + "2023-11-16 18:15:46.6805900,374,44\n"
    "2023-11-16 18:15:50.9951690,396,109\n"
    "2023-11-17 00:00:00.0000001,879,55\n"
)


def _read(tmp_path: Path, text: str | bytes, name: str = "trace.csv") -> Trace:
    path = tmp_path / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_trace(path, most=2**20)


def test_the_azure_traces_format_is_read_to_the_last_digit(tmp_path: Path) -> None:
    found = _read(tmp_path, AZURE)
    assert found.arrivals.tolist() == pytest.approx([0.0, 4.314579, 20653.3194101], abs=1e-6)
    assert found.context.tolist() == [374.0, 396.0, 879.0]
    assert found.generated.tolist() == [44.0, 109.0, 55.0]


@pytest.mark.parametrize("text", [AZURE, AZURE.replace("\n", "\r\n"), AZURE.rstrip("\n")])
def test_the_traces_own_format_is_read_by_arrays(text: str) -> None:
    found = module._fast_rows(text[len(HEAD) :].lstrip().encode())
    assert found is not None
    assert found[2].tolist() == [44.0, 109.0, 55.0]


@pytest.mark.parametrize(
    "text",
    [
        AZURE.replace("\n", "\r\n"),
        "\ufeff" + AZURE,
        AZURE.rstrip("\n"),
        HEAD + "46.68059,374,44\n50.995169,396,109\n20700.0000001,879,55\n",
        HEAD.replace("TIMESTAMP", "Timestamp")
        + "2023-11-16T18:15:46.6805900+00:00,374,44\n"
        + "2023-11-16T18:15:50.9951690+00:00,396,109\n"
        + "2023-11-17 00:00:00.0000001+00:00,879,55\n",
        "Timestamp,Model,Request tokens,Response tokens\n"
        "46.68059,GPT,374,44\n50.995169,GPT,396,109\n20700.0000001,GPT,879,55\n",
    ],
    ids=["crlf", "bom", "no-last-newline", "seconds", "iso-with-zone", "burstgpt"],
)
def test_the_same_requests_in_other_spellings(tmp_path: Path, text: str) -> None:
    found, azure = _read(tmp_path, text), _read(tmp_path, AZURE, "azure.csv")
    assert np.diff(found.arrivals)[0] == pytest.approx(np.diff(azure.arrivals)[0], abs=1e-6)
    assert found.generated.tolist() == azure.generated.tolist()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "empty"),
        (HEAD, "no request after the header"),
        ("a,b,c\n1,2,3\n", ":1: no column TIMESTAMP and ContextTokens and GeneratedTokens"),
        (AZURE + "2023-11-17 00:00:01.00", ":5: 1 columns, not 3"),
        (AZURE + "2023-11-17 00:00:01.0000000,12", ":5: 2 columns, not 3"),
        (AZURE + "2023-11-17 00:00:01.0000000,12,\n", ":5: GeneratedTokens is not a number"),
        (AZURE.replace("396", "39x"), ":3: ContextTokens is not a number"),
        (AZURE.replace("396", "-39"), ":3: ContextTokens is not a number of tokens"),
        (AZURE.replace("109", "nan"), ":3: GeneratedTokens is not a number of tokens"),
        (AZURE.replace("109", "99999999"), ":3: GeneratedTokens is not a number of tokens"),
        (AZURE.replace("11-16 18:15:50", "13-16 18:15:50"), ":3: TIMESTAMP is not a time"),
        (AZURE.replace("18:15:50", "24:15:50"), ":3: TIMESTAMP is not a time"),
        (AZURE.replace("18:15:50", "18:15:40"), ":3: TIMESTAMP is earlier"),
        (AZURE.replace("\n2023-11-17", "\n\n2023-11-17"), ":4: an empty line"),
        (b"\x89PNG\r\n\x1a\n\x00\xff\xfe", ":1: no text"),
        (HEAD.encode() + b"\x00" * 100, ":2: 1 columns, not 3"),
        (HEAD + "x" * (2**20 + 1), "larger than --max-trace"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, text: str | bytes, said: str) -> None:
    with pytest.raises(InputError) as error:
        _read(tmp_path, text)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_a_wrong_line_far_down_is_named_across_blocks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BLOCK", 1000)
    lines = [f"2023-11-16 18:{n // 60:02}:{n % 60:02}.0000000,{n},1" for n in range(600)]
    assert len(_read(tmp_path, HEAD + "\n".join(lines)).arrivals) == 600
    lines[432] = lines[432].replace(",432,", ",4 32,")
    with pytest.raises(InputError, match=r"trace\.csv:434: ContextTokens"):
        _read(tmp_path, HEAD + "\n".join(lines))


def test_a_profile_has_as_many_requests_as_it_says_in_each_hour(tmp_path: Path) -> None:
    text = "requestsPerHour:\n  weekdays: {9-17: 120, 20: 0.5}\n  sat: 7\ngeneratedTokens: 62\n"
    found = _read(tmp_path, text, "week.yaml")
    hours = np.bincount((found.arrivals // 3600).astype(int), minlength=168)
    assert hours[9:18].tolist() == [120] * 9
    assert hours[5 * 24 : 6 * 24].tolist() == [7] * 24
    assert hours[6 * 24 :].sum() == 0
    assert len(found.arrivals) == 5 * 9 * 120 + 24 * 7 + 2  # five halves make two whole requests
    assert found.span == 604_800.0
    assert np.all(np.diff(found.arrivals) >= 0)
    assert set(found.generated.tolist()) == {62.0}


def test_a_week_without_a_request_is_a_trace(tmp_path: Path) -> None:
    assert len(_read(tmp_path, "requestsPerHour: {daily: 0}", "week.json").arrivals) == 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("requestsPerHour: {mon: 1, monday: 2}", ":1: monday is given twice"),
        ("requestsPerHour:\n  mon: 1\n  moonday: 2", ":3: moonday is not a day of the week"),
        ("requestsPerHour:\n  mon: [1, 2]", ":2: monday has 2 hours, not 24"),
        ("requestsPerHour:\n  mon:\n    25: 2", ":3: 25 is not a hour"),
        ("requestsPerHour:\n  mon: many", ":2: monday is not a number"),
        ("requestsPerHour:\n  mon: -1", ":2: monday is out of range"),
        ("requestsPerHour: {daily: 900000000}", "more than 20,000,000 requests a week"),
        ("requestPerHour: {mon: 1}", ":1: requestPerHour is not a part of a profile"),
        ("contextTokens: 3", "a profile needs requestsPerHour"),
        ("- 1", "a profile is an object"),
        ("requestsPerHour: {mon: 1", "not YAML"),
    ],
)
def test_a_wrong_profile_is_named_by_its_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InputError) as error:
        _read(tmp_path, text, "week.yaml")
    assert said in str(error.value)
