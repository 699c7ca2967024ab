"""One stack in Python, TypeScript, Go and YAML under the real engine: the component package's
schema, the SDKs made of it, and what the pack says of each program."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest

from tests.engine import automation
from tests.engine.conftest import require_engine
from tests.engine.real_engine import BIN, ROOT, Engine
from tests.engine.test_pack import PACK, by_resource, preview
from tests.engine.typescript import compile_program, preview_inline, run
from zerofloor.components.host import Components

EXAMPLES = ROOT / "examples" / "languages"
HERE = Path(__file__).parent / "languages"
CACHE = ROOT / ".work" / "languages"

pytestmark = [pytest.mark.engine, pytest.mark.xdist_group("languages")]

HELD = {"gpu": ["GPU012"], "llm-scaler": ["GPU002"]}
"""What raising both floors to 1 is found to do: the group's minimum, and the server's."""


@pytest.fixture(scope="module")
def programs() -> Path:
    """The programs in TypeScript and Go, compiled with SDKs that are made of the schema; kept until
    one of them changes."""
    require_engine("sdkgen", "languages")
    schema = Components().schema or ""
    sources = sorted(
        path for folder in (EXAMPLES, HERE) for path in folder.rglob("*") if path.is_file()
    )
    digest = hashlib.sha256(schema.encode())
    for path in (*sources, BIN / ".languages", Path(__file__)):
        digest.update(path.read_bytes())
    built = CACHE / digest.hexdigest()[:16]
    if not built.exists():
        shutil.rmtree(CACHE, ignore_errors=True)
        part = CACHE / "part"
        part.mkdir(parents=True)
        compile_program(part, schema, EXAMPLES / "typescript", "zerofloor")
        _go(part)
        part.rename(built)
    return built


def _go(folder: Path) -> None:
    module = folder / "go"
    module.mkdir()
    run([str(BIN / "sdkgen"), "schema.json", "go", "go/sdk/go"], folder)
    for name in ("go.mod", "go.sum"):
        shutil.copy(HERE / name, module)
    (module / "program").mkdir()
    shutil.copy(EXAMPLES / "go" / "program.go", module / "program")
    # In place of the example's own main, which needs the language host.
    shutil.copy(HERE / "main.go", module / "program")
    run(["go", "build", "-o", str(folder / "model-server-go"), "./program"], module)


def test_the_program_in_python(engine: Engine) -> None:
    project = EXAMPLES / "python"
    stopped, _ = automation.run(engine, "preview", project, PACK)
    assert stopped is None
    stopped, _ = automation.run(engine, "preview", project, PACK, {"floor": "1"})
    assert stopped is not None
    assert by_resource(stopped) == HELD, stopped


def test_the_program_in_yaml(engine: Engine) -> None:
    project = engine.folder / "yaml"
    shutil.copytree(EXAMPLES / "yaml", project)
    assert engine.pulumi("stack", "init", "dev", cwd=project).returncode == 0
    done = preview(engine, project)
    assert (done.returncode, by_resource(done.stdout)) == (0, {}), done.stdout
    assert engine.pulumi("config", "set", "floor", "1", cwd=project).returncode == 0
    assert by_resource(preview(engine, project).stdout) == HELD


@pytest.mark.parametrize(
    ("project", "command"),
    [
        ("model-server-typescript", ["node", "run.js", "typescript/index.js"]),
        ("model-server-go", ["./model-server-go"]),
    ],
)
def test_the_program_in_a_compiled_language(
    engine: Engine, programs: Path, project: str, command: list[str]
) -> None:
    arguments = [*command, project, str(PACK)]
    done = preview_inline(engine, programs, arguments)
    assert (done.returncode, by_resource(done.stdout)) == (0, {}), done.stdout
    done = preview_inline(engine, programs, [*arguments, "floor=1"])
    # The error of the Automation API repeats what was shown.
    found = {name: sorted(set(rules)) for name, rules in by_resource(done.stdout).items()}
    assert (done.returncode, found) == (1, HELD), done.stdout
