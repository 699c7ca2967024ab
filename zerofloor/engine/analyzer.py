"""The policy pack's process: what the engine starts for `--policy-pack`, from `policies/` or as the
executable `zerofloor-pack`.

It writes the port of its server as the first line of stdout, serves until the engine ends it, and
says nothing else.
"""

from __future__ import annotations

import datetime
import os
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

DEEPEST = 8
"""Processes between the pack and the engine, at most."""

USAGE = (
    'zerofloor-pack is started by Pulumi: pulumi preview --policy-pack "$(zerofloor pack-path)"\n'
)


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the pack. `argv`: the engine's address, and in a pack's folder also the folder; without
    any, prints how to use it (exit 2)."""
    arguments = sys.argv[1:] if argv is None else list(argv)
    if not [argument for argument in arguments if not argument.startswith("-")]:
        sys.stderr.write(USAGE)
        raise SystemExit(2)
    # The engine keeps a terminal's Ctrl-C from what it starts, and ends it with SIGINT when it is
    # done: five seconds later by force.
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, frame: stop.set())
    try:
        _serve(stop)
    except ModuleNotFoundError as error:
        from zerofloor.extras import lacking

        sys.stderr.write(f"zerofloor: {lacking('the pack', str(error.name), 'pulumi')}\n")
        raise SystemExit(1) from None


def _program_folder() -> Path:
    """The program's folder. The engine starts an executable pack there, but one that is a folder
    in that folder: then it is where the engine itself runs (Linux tells)."""
    here = Path.cwd()
    if not (here / "PulumiPolicy.yaml").is_file():
        return here
    process = os.getppid()
    for _ in range(DEEPEST):
        try:
            place = Path(f"/proc/{process}/cwd").readlink()
            stat = Path(f"/proc/{process}/stat").read_text(encoding="utf-8")
        except OSError:
            break
        around = (place, *place.parents)
        if place != here and any((one / "Pulumi.yaml").is_file() for one in around):
            return place
        process = int(stat.rpartition(")")[2].split()[1])
    return here


def _serve(stop: threading.Event) -> None:
    from concurrent.futures import ThreadPoolExecutor

    import grpc

    from zerofloor.engine.servicer import Pack
    from zerofloor.engine.stubs import analyzer_grpc

    # The engine does without limits of its own: a stack of 10,000 resources is one message of some
    # ten MB.
    server = grpc.server(
        ThreadPoolExecutor(max_workers=4),
        options=[("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)],
    )
    pack = Pack(folder=_program_folder(), today=datetime.datetime.now(datetime.UTC).date())
    analyzer_grpc.add_AnalyzerServicer_to_server(pack, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    engine = os.getppid()
    while not stop.wait(1.0) and os.getppid() == engine:  # An engine that was killed can't end us.
        pass
    server.stop(None)
    os._exit(0)  # Nothing is left to clean up, and the engine waits.
