"""Runs one Pulumi program in a process of its own and in the program's own Python: imports the SDK and nothing of zerofloor.

Reads what to run as JSON on stdin; writes how it ended as JSON into the file that this names, since stdout belongs to the program.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import runpy
import sys
import traceback
from concurrent.futures import ThreadPoolExecutor

UNANSWERED = []
"""The functions of a provider whose result the program wanted at once and nobody knows, each with its line in the program."""


class Unanswered(Exception):
    """Raised in the program instead of an error about None."""


def main():
    order = json.load(sys.stdin)
    process = os.getpid()
    del sys.path[0]  # Our own folder: it has a module named pulumi.
    sys.path.insert(0, os.path.dirname(order["program"]))
    sys.argv = [order["program"]]
    try:
        ended = run(order)
    except BaseException as error:  # noqa: BLE001 — whatever a program raises is reported
        ended = described(error, order["root"])
    if os.getpid() != process:
        os._exit(1)  # A copy that the program forked off.
    ended["unanswered"] = UNANSWERED
    with open(order["report"], "w") as report:  # noqa: PTH123
        json.dump(ended, report)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            pass
    os._exit(0)  # Threads that the program left behind don't keep it alive.


def run(order):
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
    pulumi.runtime.configure(pulumi.runtime.Settings(**{key: value for key, value in settings.items() if key in taken}))
    complain_about_unknown_results(pulumi, order["root"])
    expect_computed_properties()
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)  # As the SDK's own launcher does.
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    loop.set_default_executor(ThreadPoolExecutor(max_workers=64))

    def program():
        runpy.run_path(order["program"], run_name="__main__")

    loop.run_until_complete(pulumi.runtime.run_in_stack(program))
    return {"ended": "well"}


def complain_about_unknown_results(pulumi, root):
    """A plain invoke whose result is unknown gives None, and the program some error about None: name the function instead."""

    def checked(token, known):
        if not known:
            frames = [frame for frame in traceback.extract_stack() if is_own(frame.filename, root)]
            UNANSWERED.append({"function": token, "at": position(frames, root)})
            raise Unanswered(f"nobody here knows the result of {token}")

    def wrapped(plain):
        def invoke(tok, *args, **kwargs):
            result = plain(tok, *args, **kwargs)
            checked(tok, getattr(result, "is_known", True))
            return result

        return invoke

    asynchronous = pulumi.runtime.invoke_async

    async def invoke_async(tok, *args, **kwargs):
        result = await asynchronous(tok, *args, **kwargs)
        checked(tok, result is not None)
        return result

    for name in ("invoke", "invoke_single"):
        if hasattr(pulumi.runtime, name):
            setattr(pulumi.runtime, name, wrapped(getattr(pulumi.runtime, name)))
    pulumi.runtime.invoke_async = invoke_async


def expect_computed_properties():
    """What a provider may add to a nested output is unknown, as it is in a real preview; and an input of another type than the output is no error."""
    from pulumi import _types
    from pulumi.output import Unknown
    from pulumi.runtime import rpc

    translate, resolve = rpc.translate_output_properties, rpc.resolve_outputs
    state = {"resolving": False, "depth": 0}

    def resolve_outputs(res, *args, **kwargs):
        state["resolving"] = not str(getattr(res, "_type", "")).startswith("kubernetes:")  # Adds nothing but a name, and that we tell.
        try:
            return resolve(res, *args, **kwargs)
        finally:
            state["resolving"] = False

    def translate_output_properties(output, transformer, typ=None, *args, **kwargs):
        if state["resolving"] and type(output) is dict and typ is not None and not rpc.is_rpc_secret(output):
            wanted = _types.unwrap_optional_type(typ)
            if _types.is_output_type(wanted):
                output = {**dict.fromkeys(_types.output_type_types(wanted), Unknown()), **output}
        state["depth"] += 1
        try:
            return translate(output, transformer, typ, *args, **kwargs)
        except (AssertionError, TypeError, ValueError):
            if state["resolving"] and state["depth"] == 1:
                return None  # Unknown.
            raise
        finally:
            state["depth"] -= 1

    rpc.resolve_outputs, rpc.translate_output_properties = resolve_outputs, translate_output_properties


def described(error, root):
    """How the program failed, in one line, and where in its own files."""
    told = {"ended": type(error).__name__, "message": first_line(str(error)), "at": position(own_frames(error, root), root)}
    for kind in type(error).__mro__:
        if kind.__name__ in ("ConfigMissingError", "ConfigTypeError"):
            told.update(ended=kind.__name__, key=error.key, wanted=getattr(error, "expect_type", ""))
    if isinstance(error, SystemExit):
        told.update(
            ended="SystemExit", message=repr(error.code) if isinstance(error.code, (int, type(None))) else first_line(str(error.code))
        )
    elif isinstance(error, ModuleNotFoundError):
        told.update(ended="ModuleNotFoundError", name=error.name or "")
    elif isinstance(error, SyntaxError):
        told.update(ended="SyntaxError", message=str(error.msg), at=f"{relative(error.filename or '', root)}:{error.lineno}")
    return told


def own_frames(error, root):
    """The program's own frames, of the first error in the chain of causes that has any."""
    seen = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if is_own(frame.filename, root)]
        if frames:
            return frames
        error = error.__cause__ or error.__context__
    return []


def is_own(file, root):
    path = os.path.realpath(file)
    return path.startswith(os.path.join(root, "")) and "site-packages" not in path and path != os.path.realpath(__file__)


def position(frames, root):
    return f"{relative(frames[-1].filename, root)}:{frames[-1].lineno}" if frames else None


def relative(file, root):
    return os.path.relpath(os.path.realpath(file), root)


def first_line(text):
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[0][:400] if lines else ""


if __name__ == "__main__":
    main()
