"""A mistyped word on the command line: what there is, and the nearest to it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.command import HELD, TODAY, refused, zerofloor

SCALER = """\
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: llm}
spec:
  scaleTargetRef: {kind: Deployment, name: llm}
  minReplicaCount: 1
  cooldownPeriod: 14400
  triggers:
    - {type: prometheus, metadata: {serverAddress: "http://p", query: waiting, threshold: "1"}}
"""


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("check held.yaml -f mardkown", "csv; did you mean markdown?"),
        ("check held.yaml -f xml", "xml is none of table, json, markdown, sarif, junit, github, "),
        ("check held.yaml --today 27.11.2026", "27.11.2026 is not a date; write YYYY-MM-DD"),
        ("check held.yaml --input-format manifest", "plan; did you mean manifests?"),
        ("check held.yaml --engine x", "no such option --engine"),
        ("check held.yaml --formt json", "no such option --formt; did you mean --format?"),
        ("schema reports", "settings; did you mean report?"),
    ],
)
def test_an_option(words: str, told: str, tmp_path: Path) -> None:
    (tmp_path / "held.yaml").write_text(HELD)
    done = zerofloor(*words.split(), cwd=tmp_path)
    assert done.code == 2
    assert told in done.err.splitlines()[-1]
    if "did you mean" not in told:
        assert "did you mean" not in done.err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("preview held.yaml", "judge a document with `zerofloor check held.yaml`"),
        ("explain GPU01", "there is no rule of that name; did you mean GPU001?"),
        ("explain GPU399", "there is no rule of that name; `zerofloor rules` lists them."),
        ("explain nix --from held.yaml", "nix: no such resource; there are Deployment::default/"),
        ("explain lmm --from held.yaml", "lmm: no such resource; did you mean llm?"),
    ],
)
def test_a_name(words: str, told: str, tmp_path: Path) -> None:
    (tmp_path / "held.yaml").write_text(HELD)
    assert told in refused(zerofloor(*words.split(), cwd=tmp_path))


def test_a_workload_goes_before_the_scaler_of_the_same_name(tmp_path: Path) -> None:
    (tmp_path / "held.yaml").write_text(HELD + SCALER)
    done = zerofloor("explain", "llm", "--from", "held.yaml", *TODAY, cwd=tmp_path)
    assert done.out.startswith("Deployment llm: held")
    other = "ScaledObject::default/llm"
    assert f"Of the same name: `zerofloor explain {other} --from …`." in done.out
    done = zerofloor("explain", other, "--from", "held.yaml", *TODAY, cwd=tmp_path)
    assert "ScaledObject::default/llm decides about:" in done.out


def test_another_language_without_an_engine_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: shop\nruntime: yaml\n")
    done = zerofloor("preview", ".", "--stack", "dev", cwd=tmp_path, environ={"PATH": ""})
    assert "the in-process preview runs Python only" in refused(done)
