"""`python -m tests.engine.record [NAME…]`: writes what the real engine and the real Kubernetes
provider say of the programs in tests/engine/kubernetes, as digests and events, to
tests/data/engine/kubernetes. Paths of this machine and times are taken out.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.engine.real_engine import BIN, HERE, ROOT, Engine, new_engine
from zerofloor.engine.project import read_project
from zerofloor.engine.pulumi import _language_host

PROGRAMS = HERE / "kubernetes"
RECORDED = ROOT / "tests" / "data" / "engine" / "kubernetes"


def outputs(engine: Engine, name: str) -> dict[str, str]:
    """What `pulumi preview --json` prints for one program, by the ending of its file."""
    programs = engine.folder / "programs"
    if not programs.exists():
        shutil.copytree(PROGRAMS, programs)
    folder = programs / name
    initialized = engine.pulumi("stack", "init", "dev", cwd=folder)
    assert initialized.returncode == 0, initialized.stdout
    project = read_project(folder)
    said = {}
    for ending, streaming in (("digest.json", "false"), ("events.jsonl", "true")):
        environ = {**engine.environ, "PULUMI_ENABLE_STREAMING_JSON_PREVIEW": streaming}
        report = engine.folder / "report.json"
        with _language_host(project, BIN / "pulumi", environ, report) as client:
            done = engine.pulumi(
                *("preview", "--json", "--show-sames", *client), cwd=folder, environ=environ
            )
        assert done.returncode == 0, done.stdout
        said[ending] = _anywhere(done.stdout, programs)
    return said


def _anywhere(text: str, programs: Path) -> str:
    """The output without what only this machine or this run has."""
    for folder in (programs.resolve(), programs):
        text = text.replace(str(folder), "/programs")
    text = re.sub(r"/[^\s\"]*/(pulumi-resource-\w+)", r"/usr/local/bin/\1", text)
    # Where a library's own source lies, above the project.
    text = re.sub(r"project:///[^\"#]*/(site-packages|pkg/mod)/", r"project:///../\1/", text)
    if not text.startswith('{"sequence"'):
        return json.dumps(_without_traces(json.loads(text)), indent=1) + "\n"
    events = [_without_traces(json.loads(line)) for line in text.splitlines()]
    kept = [e for e in events if e.get("diagnosticEvent", {}).get("severity") != "debug"]
    return "".join(json.dumps(event) + "\n" for event in kept)


def _without_traces(value: Any) -> Any:
    """Without stack traces, which lead through the interpreter's own files, and times."""
    if isinstance(value, dict):
        return {
            key: 0 if key in ("timestamp", "durationSeconds") else _without_traces(part)
            for key, part in value.items()
            if key != "stackTrace"
        }
    return [_without_traces(part) for part in value] if isinstance(value, list) else value


def main() -> None:
    """The command."""
    RECORDED.mkdir(exist_ok=True)
    for program in sys.argv[1:] or sorted(folder.name for folder in PROGRAMS.iterdir()):
        with tempfile.TemporaryDirectory() as folder:
            for ending, text in outputs(new_engine(Path(folder) / "engine"), program).items():
                (RECORDED / f"{program}.{ending}").write_text(text)


if __name__ == "__main__":
    main()
