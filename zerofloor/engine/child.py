"""Runs one Pulumi program in a process of its own and in the program's own Python: imports the SDK
and nothing of zerofloor.

Reads what to run as JSON on stdin; writes how it ended as JSON into the file that this names, since
stdout belongs to the program.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import runpy
import sys
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NoReturn

UNANSWERED: list[dict[str, str | None]] = []
"""The functions of a provider whose result the program wanted at once and nobody knows, each with
its line in the program."""


SECRETS: set[str] = set()
"""Texts that the program marked secret: none of them may reach a message."""


class Unanswered(Exception):
    """Raised in the program instead of an error about None."""


def main() -> NoReturn:
    order = json.load(sys.stdin)
    process = os.getpid()
    del sys.path[0]  # Our own folder: it has a module named pulumi.
    sys.path.insert(0, str(Path(order["program"]).parent))
    sys.argv = [order["program"]]
    try:
        run(order)
        ended: dict[str, Any] = {"ended": "well"}
    except BaseException as error:  # Whatever a program raises is reported.
        ended = described(error, order["root"])
    if os.getpid() != process:
        os._exit(1)  # A copy that the program forked off.
    Path(order["report"]).write_text(
        json.dumps({**ended, "unanswered": UNANSWERED, "secrets": sorted(SECRETS)})
    )
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(0)  # Threads that the program left behind don't keep it alive.


def run(order: dict[str, Any]) -> None:
    """Runs the program as the SDK's own launcher (pulumi-language-python-exec) does, and waits for
    all that it registers."""
    import pulumi
    import pulumi.runtime

    pulumi.runtime.set_all_config(order["config"], order["secret_keys"])
    settings = {
        "project": order["project"],
        "stack": order["stack"],
        "monitor": order["address"],
        "engine": order["address"],
        "parallel": 16,
        "dry_run": True,
        "organization": order["organization"],
        "root_directory": order["root"],
    }
    taken = pulumi.runtime.Settings.__init__.__code__.co_varnames  # An older SDK knows fewer.
    pulumi.runtime.configure(
        pulumi.runtime.Settings(**{key: value for key, value in settings.items() if key in taken})
    )
    remember_secrets(pulumi.Output)
    complain_about_unknown_results(pulumi.runtime, order["root"])
    expect_computed_properties()
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    loop.set_default_executor(ThreadPoolExecutor(max_workers=64))

    def program() -> None:
        runpy.run_path(order["program"], run_name="__main__")

    loop.run_until_complete(pulumi.runtime.run_in_stack(program))


def remember_secrets(output: Any) -> None:
    """Keeps what goes through `Output.secret`: a failing `apply` may quote it."""
    mark = output.secret

    def remember(value: Any) -> None:
        if isinstance(value, str):
            SECRETS.add(value)
        elif isinstance(value, (list, tuple, dict)):
            for part in value.values() if isinstance(value, dict) else value:
                remember(part)

    def secret(value: Any) -> Any:
        remember(value)
        return mark(value)

    output.secret = staticmethod(secret)


def complain_about_unknown_results(runtime: Any, root: str) -> None:
    """A plain invoke whose result is unknown gives None, and the program some error about None:
    name the function instead."""

    def check(token: str, known: bool) -> None:
        if not known:
            frames = [frame for frame in traceback.extract_stack() if is_own(frame.filename, root)]
            UNANSWERED.append({"function": token, "at": position(frames, root)})
            raise Unanswered(f"nobody here knows the result of {token}")

    def checked(plain: Any) -> Any:
        def invoke(tok: str, *args: Any, **kwargs: Any) -> Any:
            result = plain(tok, *args, **kwargs)
            check(tok, getattr(result, "is_known", True))
            return result

        return invoke

    asynchronous = runtime.invoke_async

    async def invoke_async(tok: str, *args: Any, **kwargs: Any) -> Any:
        result = await asynchronous(tok, *args, **kwargs)
        check(tok, result is not None)
        return result

    for name in ("invoke", "invoke_single"):
        if hasattr(runtime, name):
            setattr(runtime, name, checked(getattr(runtime, name)))
    runtime.invoke_async = invoke_async


def expect_computed_properties() -> None:
    """Makes what a provider may add to a nested output unknown, as in a real preview, and an output
    of another type than the input too.

    The monitor returns inputs as outputs: `cluster.vpc_config` has the subnets that the program
    gave, and not None but an unknown as the
    security group that AWS will add.
    """
    from pulumi import _types
    from pulumi.output import UNKNOWN
    from pulumi.runtime import rpc

    sdk: Any = rpc
    translate, resolve = sdk.translate_output_properties, sdk.resolve_outputs
    resolving, depth = False, 0

    def resolve_outputs(res: Any, *args: Any, **kwargs: Any) -> Any:
        nonlocal resolving
        resolving = not str(getattr(res, "_type", "")).startswith(
            "kubernetes:"
        )  # That provider adds a name, which the monitor tells.
        try:
            return resolve(res, *args, **kwargs)
        finally:
            resolving = False

    def translate_output_properties(
        output: Any, transformer: Any, typ: Any = None, *args: Any, **kwargs: Any
    ) -> Any:
        nonlocal depth
        if resolving and type(output) is dict and typ is not None and not rpc.is_rpc_secret(output):
            wanted = _types.unwrap_optional_type(typ)
            if _types.is_output_type(wanted):
                output = {**dict.fromkeys(_types.output_type_types(wanted), UNKNOWN), **output}
        depth += 1
        try:
            return translate(output, transformer, typ, *args, **kwargs)
        except (AssertionError, TypeError, ValueError):
            if resolving and depth == 1:
                return None  # None is unknown in a preview.
            raise
        finally:
            depth -= 1

    sdk.resolve_outputs, sdk.translate_output_properties = (
        resolve_outputs,
        translate_output_properties,
    )


def described(error: BaseException, root: str) -> dict[str, Any]:
    """How the program failed, in one line, and where in its own files."""
    told: dict[str, Any] = {
        "ended": type(error).__name__,
        "message": message(error),
        "at": position(own_frames(error, root), root),
    }
    for kind in type(error).__mro__:
        if kind.__name__ in ("ConfigMissingError", "ConfigTypeError"):
            told.update(
                ended=kind.__name__,
                key=getattr(error, "key", ""),
                wanted=getattr(error, "expect_type", ""),
            )
    if isinstance(error, SystemExit):
        told["message"] = (
            repr(error.code)
            if error.code is None or isinstance(error.code, int)
            else message(error)
        )
    elif isinstance(error, ModuleNotFoundError):
        told["name"] = error.name or ""
    elif isinstance(error, SyntaxError):
        told.update(
            ended="SyntaxError",
            message=str(error.msg),
            at=f"{relative(error.filename or '', root)}:{error.lineno}",
        )
    return told


def message(error: BaseException) -> str:
    """What the error says; with the first cause, since the SDK wraps a failure in where it was
    met."""
    said, seen = [first_line(error)], {id(error)}
    while error.__cause__ is not None and id(error.__cause__) not in seen:
        error = error.__cause__
        seen.add(id(error))
    cause = first_line(error)
    return ": ".join(said if cause in said else [*said, cause])


def first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0][:300] if lines else ""


def own_frames(error: BaseException | None, root: str) -> list[traceback.FrameSummary]:
    """The program's own frames, of the first error in the chain that has any."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        frames = [
            frame
            for frame in traceback.extract_tb(error.__traceback__)
            if is_own(frame.filename, root)
        ]
        if frames:
            return frames
        error = error.__cause__ or error.__context__
    return []


def is_own(file: str, root: str) -> bool:
    path = Path(file).resolve()
    outside = (
        file.startswith("<") or "site-packages" in path.parts or path == Path(__file__).resolve()
    )
    return not outside and path.is_relative_to(root)


def position(frames: list[traceback.FrameSummary], root: str) -> str | None:
    return f"{relative(frames[-1].filename, root)}:{frames[-1].lineno}" if frames else None


def relative(file: str, root: str) -> str:
    path = Path(file).resolve()
    return str(path.relative_to(root)) if path.is_relative_to(root) else path.name


if __name__ == "__main__":
    main()
