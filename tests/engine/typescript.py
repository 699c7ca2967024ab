"""A TypeScript program compiled with an SDK that is made of a schema, and run inline."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.engine.real_engine import BIN, Engine

NODE = BIN / "languages" / "node_modules"
RUN = Path(__file__).parents[1] / "components" / "languages" / "run.js"


def run(command: list[str], folder: Path, environ: Mapping[str, str] | None = None) -> str:
    """What a command prints; it must succeed."""
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **(environ or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def compile_program(folder: Path, schema: str, program: Path, package: str) -> None:
    """Compiles `program` in `folder`/typescript, with the package linked into it as `pulumi package
    add` does."""
    (folder / "schema.json").write_text(schema)
    run([str(BIN / "sdkgen"), "schema.json", "nodejs", "sdk"], folder)
    (folder / "node_modules").symlink_to(NODE)
    options = ["--skipLibCheck", "--target", "es2020", "--module", "commonjs", "--strict"]
    compiler = ["node", str(NODE / "typescript" / "bin" / "tsc"), *options]
    run([*compiler, "--rootDir", ".", "--outDir", "bin", "index.ts"], folder / "sdk")
    target = folder / "typescript"
    shutil.copytree(program, target)
    (target / "node_modules" / "@pulumi").mkdir(parents=True)
    (target / "node_modules" / "@pulumi" / package).symlink_to("../../../sdk")
    shutil.copy(folder / "sdk" / "package.json", folder / "sdk" / "bin")
    run([*compiler, "index.ts"], target)
    shutil.copy(RUN, folder)


def preview_inline(
    engine: Engine,
    folder: Path,
    arguments: list[str],
    environ: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Runs a compiled program's preview by its own Automation API; both streams in `stdout`."""
    node = shutil.which("node")
    assert node is not None
    path = f"{Path(node).parent}{os.pathsep}{engine.environ['PATH']}"
    return subprocess.run(
        arguments,
        cwd=folder,
        env={**engine.environ, "PATH": path, **(environ or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
