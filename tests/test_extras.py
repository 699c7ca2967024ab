"""What to install is said from where zerofloor came from."""

from __future__ import annotations

import json
import sys
from importlib import metadata
from typing import Any

import pytest

from zerofloor.extras import how_to_add, lacking

ELSEWHERE = "install zerofloor with its [html] extra, from where you installed it"


@pytest.mark.parametrize(
    ("record", "what"),
    [
        ({"url": "file:///src/zero%20floor", "dir_info": {}}, "'/src/zero floor[html]'"),
        (
            {"url": "file:///src/zerofloor", "dir_info": {"editable": True}},
            "-e '/src/zerofloor[html]'",
        ),
        (
            {"url": "file:///tmp/zerofloor-1.0-py3-none-any.whl", "archive_info": {}},
            "'/tmp/zerofloor-1.0-py3-none-any.whl[html]'",
        ),
        (
            {
                "url": "https://git.example.com/zerofloor",
                "vcs_info": {"vcs": "git", "commit_id": "abc"},
            },
            "'zerofloor[html] @ git+https://git.example.com/zerofloor@abc'",
        ),
        # A password is not repeated.
        (
            {
                "url": "https://me:PLANTED@git.example.com/zerofloor",
                "vcs_info": {"vcs": "git", "commit_id": "abc"},
            },
            None,
        ),
        ({"url": "https://files.example.com/zerofloor.whl", "archive_info": {}}, None),
        ({}, None),
        (None, None),
    ],
)
def test_the_command_by_pips_own_record(
    record: Any, what: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Installed:
        def read_text(self, name: str) -> str | None:
            assert name == "direct_url.json"
            return None if record is None else json.dumps(record)

    monkeypatch.setattr(metadata, "distribution", lambda name: Installed())
    said = how_to_add("html")
    assert said == (f"{sys.executable} -m pip install {what}" if what else ELSEWHERE)
    assert str(lacking("the HTML report", "pygal", "html")) == (
        f"the HTML report needs pygal: {said}"
    )
