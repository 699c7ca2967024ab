"""What a pull request shows where something could not be judged, or a format not be written."""

from __future__ import annotations

import json
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests.cli.command import HELD, TODAY, zerofloor

FORMATS = ("github", "markdown=c.md", "junit=j.xml", "sarif=s.sarif", "json=r.json", "csv=c.csv")
ASKED = tuple(part for form in FORMATS for part in ("-f", form))
WHY = "the JSON ends too early"


@pytest.mark.parametrize("command", ["check", "preview"])
def test_what_could_not_be_judged_is_on_the_pull_request(tmp_path: Path, command: str) -> None:
    (tmp_path / "bad.json").write_text("{")
    (tmp_path / "empty").mkdir()
    target, why = ("bad.json", WHY) if command == "check" else ("empty", "there is no Pulumi.yaml")
    done = zerofloor(command, target, *ASKED, *TODAY, cwd=tmp_path)
    assert done.code == 2
    assert done.out.startswith(f"::error title=zerofloor could not judge this::{target}: {why}")
    comment = (tmp_path / "c.md").read_text()
    assert comment.startswith("<!-- zerofloor -->\n### ⚠️ zerofloor could not judge this\n")
    assert why in comment
    (error,) = ET.parse(tmp_path / "j.xml").getroot().iter("error")
    assert why in error.attrib["message"]
    # Without a finding in them these would read as a pass.
    assert not [name for name in ("s.sarif", "r.json", "c.csv") if (tmp_path / name).exists()]


def test_the_rest_is_reported_beside_it(tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text("{")
    (tmp_path / "llm.yaml").write_text(HELD)
    done = zerofloor("check", "bad.json", "llm.yaml", *ASKED, *TODAY, cwd=tmp_path)
    assert done.code == 2
    assert done.out.splitlines()[0].startswith("::error title=zerofloor could not judge this::")
    assert "GPU001" in done.out
    comment = (tmp_path / "c.md").read_text()
    assert comment.index(WHY) < comment.index("1 idle GPU")
    root = ET.parse(tmp_path / "j.xml").getroot()
    assert (root.attrib["errors"], len(list(root.iter("testcase")))) == (
        "1",
        int(root.attrib["tests"]),
    )
    assert json.loads((tmp_path / "r.json").read_text())["gate"] == "fail"


def test_what_could_be_judged_has_no_word_of_it(tmp_path: Path) -> None:
    (tmp_path / "llm.yaml").write_text(HELD)
    done = zerofloor("check", "llm.yaml", *ASKED, *TODAY, cwd=tmp_path)
    assert done.code == 1
    told = [done.out, (tmp_path / "c.md").read_text(), (tmp_path / "j.xml").read_text()]
    assert not [text for text in told if "could not judge" in text or "errors=" in text]


def test_a_format_that_cannot_be_written_keeps_no_other_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pygal", None)
    (tmp_path / "zerofloor.yaml").write_text("region: {aws: us-east-1}\n")
    (tmp_path / "llm.yaml").write_text(HELD + POOL)
    forms = ("-f", "markdown=c.md", "-f", "html=h.html", "-f", "json=r.json")
    done = zerofloor("check", "llm.yaml", *forms, *TODAY, cwd=tmp_path)
    assert done.code == 2
    assert "h.html: the HTML report needs pygal" in done.err
    assert not (tmp_path / "h.html").exists()
    assert json.loads((tmp_path / "r.json").read_text())["gate"] == "fail"
    assert "1 idle GPU" in (tmp_path / "c.md").read_text()


def test_a_place_that_cannot_be_written_keeps_no_other_report_back(tmp_path: Path) -> None:
    (tmp_path / "llm.yaml").write_text(HELD)
    forms = ("-f", "markdown=no/such/c.md", "-f", "json=r.json")
    done = zerofloor("check", "llm.yaml", *forms, *TODAY, cwd=tmp_path)
    assert done.code == 2
    assert done.err.count("no/such/c.md") == 1
    assert json.loads((tmp_path / "r.json").read_text())["gate"] == "fail"


POOL = """\
---
apiVersion: karpenter.sh/v1
kind: NodePool
metadata: {name: gpu}
spec:
  limits: {nvidia.com/gpu: 1}
  template:
    spec:
      nodeClassRef: {group: karpenter.k8s.aws, kind: EC2NodeClass, name: default}
      requirements:
        - {key: karpenter.sh/capacity-type, operator: In, values: [on-demand]}
        - {key: node.kubernetes.io/instance-type, operator: In, values: [g5.xlarge]}
"""
