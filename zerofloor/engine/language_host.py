"""Serves one Python program to the engine where no Python language host is installed: `python
language_host.py PROGRAM REPORT`.

Runs in the program's own Python, so it imports the SDK and nothing of zerofloor. It prints the port
for `pulumi --client=127.0.0.1:PORT`,
and writes how a program failed as JSON to REPORT, so that no traceback has to be parsed.
"""

from __future__ import annotations

import json
import os
import runpy
import sys
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path


def run(program: Path, report: Path) -> None:
    """Runs the program as the engine's own host does: as `__main__`, with its folder first on the
    path."""
    sys.path.insert(0, str(program.parent))
    sys.argv = [str(program)]
    try:
        runpy.run_path(str(program), run_name="__main__")
    except SystemExit as stop:
        # Also with 0: what stands behind the exit is not declared, and what stands before it may
        # not have reached the engine.
        _tell(report, f"calls sys.exit({stop.code!r})", stop, program.parent)
        raise RuntimeError("the program exits") from None
    except BaseException as error:
        _tell(report, f"raises {type(error).__name__}: {error}", error, program.parent)
        raise


def _tell(report: Path, what: str, error: BaseException, folder: Path) -> None:
    """What happened, and the innermost line of the program itself where it is in the error's
    trace."""
    frames = [
        (Path(frame.filename), frame.lineno) for frame in traceback.extract_tb(error.__traceback__)
    ]
    own = [
        f"{path.name}:{line}"
        for path, line in frames
        if path.is_file()
        and path.resolve().is_relative_to(folder)
        and "site-packages" not in path.parts
    ]
    # A library's own error for the user of a program: all of it is meant to be read.
    kinds = type(error).__mro__
    runs = any(kind.__name__ == "RunError" for kind in kinds)
    whole = runs and kinds[0].__module__[:7] != "pulumi."
    report.write_text(json.dumps({"failed": what, "at": own[-1] if own else None, "whole": whole}))


def main() -> None:
    """Serves until it is killed."""
    sys.path.pop(0)  # This script's own folder, where our pulumi.py would stand in for the SDK.
    import grpc
    from pulumi.automation._server import LanguageServer
    from pulumi.runtime._grpc_settings import _GRPC_CHANNEL_OPTIONS
    from pulumi.runtime.proto import language_pb2_grpc

    program, report = Path(sys.argv[1]), Path(sys.argv[2])
    server = grpc.server(ThreadPoolExecutor(max_workers=4), options=_GRPC_CHANNEL_OPTIONS)
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(
        LanguageServer(lambda: run(program, report)), server
    )
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    os.dup2(2, 1)  # Whatever the program prints goes where no port is waited for.
    server.wait_for_termination()


if __name__ == "__main__":
    main()
