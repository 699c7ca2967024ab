"""Runs one Pulumi program in a process of its own and in the program's own Python: imports the SDK
and nothing of zerofloor.

Reads what to run as JSON on stdin; writes how it ended as JSON into the file that this names, since
stdout belongs to the program.
"""

from __future__ import annotations

import asyncio
import collections.abc
import contextlib
import ctypes
import importlib.util
import json
import logging
import os
import re
import runpy
import sys
import traceback
import typing
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NoReturn

UNANSWERED: list[dict[str, Any]] = []
"""The functions of a provider whose result the program needs at once and isn't known, each with
its line in the program."""


SKIPPED: list[dict[str, Any]] = []
"""Callbacks of `apply` that make resources and did not run, since their value isn't known."""

ASSUMED: list[dict[str, str | None]] = []
"""The functions that were answered with stand-ins."""

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
    told = {"unanswered": UNANSWERED, "assumed": ASSUMED, "skipped": SKIPPED}
    report = json.dumps({**ended, **told, "secrets": sorted(SECRETS)})
    Path(order["report"]).write_text(report)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(0)  # Threads that the program left behind don't keep it alive.


def run(order: dict[str, Any]) -> None:
    """Runs the program as the SDK's own launcher (pulumi-language-python-exec) does, and waits for
    all that it registers."""
    die_with_parent()
    authorize(order["address"], order["token"])
    import pulumi
    import pulumi.runtime
    from google.protobuf import empty_pb2

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
    complain_about_unknown_results(pulumi.runtime, order["root"], order.get("answers", {}))
    skipped = own_module("skipped")
    waiting = skipped.watch(pulumi.Output, lambda file: is_own(file, order["root"]))
    expect_computed_properties()
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    loop.set_default_executor(ThreadPoolExecutor(max_workers=64))

    def program() -> None:
        runpy.run_path(order["program"], run_name="__main__")

    loop.run_until_complete(pulumi.runtime.run_in_stack(program))
    # The SDK says so itself from some version on; the end counts only where the monitor heard it.
    monitor: Any = pulumi.runtime.settings.get_monitor()
    monitor.SignalAndWaitForShutdown(empty_pb2.Empty())
    with contextlib.suppress(Exception):  # Code that can't be read names nothing.
        for func, kinds in skipped.never_ran(
            waiting, pulumi.Resource, lambda file: is_own(file, order["root"])
        ):
            code = func.__code__
            at = f"{relative(code.co_filename, order['root'])}:{code.co_firstlineno}"
            SKIPPED.append({"at": at, "types": kinds})


def die_with_parent() -> None:
    """Ends this process with the one that started it (Linux)."""
    if sys.platform.startswith("linux"):
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(1, 9, 0, 0, 0)  # PR_SET_PDEATHSIG, SIGKILL


def authorize(address: str, token: str) -> None:
    """Sends the token with every call to the monitor."""
    import grpc

    connect = grpc.insecure_channel

    class Authorized(grpc.UnaryUnaryClientInterceptor):  # type: ignore[misc]
        def intercept_unary_unary(self, proceed: Any, details: Any, request: Any) -> Any:
            call = CallDetails(details, token)
            return proceed(call, request)

    def insecure_channel(target: str, *args: Any, **kwargs: Any) -> Any:
        channel = connect(target, *args, **kwargs)
        return grpc.intercept_channel(channel, Authorized()) if target == address else channel

    grpc.insecure_channel = insecure_channel


class CallDetails:
    """A call's details with the token among its metadata."""

    def __init__(self, details: Any, token: str) -> None:
        for name in ("method", "timeout", "credentials", "wait_for_ready", "compression"):
            setattr(self, name, getattr(details, name, None))
        self.metadata = (*(details.metadata or ()), ("authorization", token))


def own_module(name: str) -> Any:
    """A module that lies beside this file, which is not on the program's path."""
    spec = importlib.util.spec_from_file_location(
        f"_zerofloor_{name}", Path(__file__).with_name(f"{name}.py")
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


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


UNKNOWN_TEXT = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""The engine's mark for an unknown value: whatever text it stands in counts as unknown."""
UNKNOWN_NUMBER = 1640531527
"""Stands for a number that only the cloud knows; found again in what a resource is given."""

DECIDES = re.compile(
    r"(?i)instance_?types?|launch_?template|node_?groups?|machine_?types?|get_?skus?\b|get_?sizes?\b"
    r"|flavou?rs?\b|server_?types?|node_?types?|get_?plans?\b|vm_?sizes?|get_?shapes?\b|hardware"
    r"|accelerator|gpu|get_?types?\b|virtual_?machine_?sizes?|get_?secret|get_?parameters?(_by_path)?\b"
)
"""Functions whose result may name a machine type, or be any value: those are asked of the user."""


def complain_about_unknown_results(runtime: Any, root: str, given: dict[str, Any]) -> None:
    """A plain invoke whose result is unknown gives None, and the program some error about None.

    What a cloud knows and no GPU depends on (an image, a network, a zone) is answered with
    stand-ins of the result's own type, which count as unknown wherever they turn up; else the
    function is named. So is one to which the user's own answer (`given`, by short token) can't be
    the result.
    """

    def answered(token: str, args: Any, typ: Any) -> Any:
        frames = [frame for frame in traceback.extract_stack() if is_own(frame.filename, root)]
        asked = {"function": token, "at": position(frames, root)}
        image = str(args.get("name", "")) if isinstance(args, dict) else ""
        if typ is None or (DECIDES.search(token) and not image.startswith("/aws/service/")):
            UNANSWERED.append({**asked, "sample": sample(typ, args)})
            raise Unanswered(f"the result of {token} isn't known here")
        ASSUMED.append(asked)
        from pulumi.runtime import rpc

        passed = args if isinstance(args, dict) else {}
        result = stand_in(typ, "", {camel(str(k)): v for k, v in passed.items()}, 0)
        return rpc.translate_output_properties(result, lambda prop: prop, typ)

    def checked(plain: Any) -> Any:
        def invoke(tok: str, props: Any = None, *args: Any, **kwargs: Any) -> Any:
            check_answer(given, tok, props, wanted_type(args, kwargs), root)
            result = plain(tok, props, *args, **kwargs)
            if not getattr(result, "is_known", True):
                value = answered(tok, props, wanted_type(args, kwargs))
                return type(result)(value, is_secret=False, is_known=True)
            return result

        return invoke

    asynchronous = runtime.invoke_async

    async def invoke_async(tok: str, props: Any = None, *args: Any, **kwargs: Any) -> Any:
        check_answer(given, tok, props, wanted_type(args, kwargs), root)
        result = await asynchronous(tok, props, *args, **kwargs)
        if result is None:
            return answered(tok, props, wanted_type(args, kwargs))
        return result

    for name in ("invoke", "invoke_single"):
        if hasattr(runtime, name):
            setattr(runtime, name, checked(getattr(runtime, name)))
    runtime.invoke_async = invoke_async


def wanted_type(args: Any, kwargs: Any) -> Any:
    """The type of a function's result, as the SDK's functions pass it."""
    return kwargs.get("typ", args[1] if len(args) > 1 else None)


def check_answer(given: dict[str, Any], token: str, args: Any, typ: Any, root: str) -> None:
    """Raises Unanswered where the user's own answer can't be the function's result."""
    fault = misfit(given.get(short_token(token)), typ)
    if fault:
        frames = [frame for frame in traceback.extract_stack() if is_own(frame.filename, root)]
        asked = {"function": token, "at": position(frames, root)}
        UNANSWERED.append({**asked, "sample": sample(typ, args), "fault": fault})
        raise Unanswered(f"the answer for {token} can't be its result")


def camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part[:1].upper() + part[1:] for part in rest)


PLACEHOLDER = "REPLACE"
VALUES = ("value", "values", "secretString", "size")


def sample(typ: Any, args: Any) -> dict[str, Any]:
    """An answer of the type of a function's result with the user's values left to write: the
    properties that may name a machine type or be a value, without what is only handed back."""
    from pulumi import _types

    try:
        types = _types.output_type_types(typ)
    except (AttributeError, AssertionError, TypeError, NameError):
        return {"value": PLACEHOLDER}
    given = {camel(str(key)) for key in args} if isinstance(args, dict) else set()
    samples = {key: sample_of(types[key]) for key in sorted(types) if key not in given}
    wanted = [key for key in samples if samples[key] and (DECIDES.search(key) or key in VALUES)]
    others = [key for key in samples if samples[key] and key not in ("arn", "id", "region")]
    return {key: samples[key] for key in (wanted or others)[:3]} or {"id": PLACEHOLDER}


def short_token(token: str) -> str:
    """`aws:ec2/getAmi:getAmi` → `aws:ec2:getAmi`, as Pulumi YAML writes it."""
    package, module, name = [*token.split(":"), "", ""][:3]
    return f"{package}:{module.partition('/')[0]}:{name}"


def misfit(answer: Any, typ: Any) -> str:
    """Why a user's answer can't be a result of this type; empty where it can, or none is given."""
    from pulumi import _types

    if not isinstance(answer, dict):
        return ""
    try:
        types = _types.output_type_types(typ)
    except (AttributeError, AssertionError, TypeError, NameError):
        return ""
    for key, value in answer.items():
        if key not in types:
            return f"it has no property {key}"
        if value is None:
            continue
        wanted = _types.unwrap_optional_type(types[key])
        origin = typing.get_origin(wanted) or wanted
        if (origin in (list, collections.abc.Sequence)) != isinstance(value, list):
            return (
                f"{key} must be a list" if not isinstance(value, list) else f"{key} is not a list"
            )
    return ""


def sample_of(wanted: Any) -> Any:
    """A value of this type to replace; None where it is of several parts."""
    from pulumi import _types

    wanted = _types.unwrap_optional_type(wanted)
    origin = typing.get_origin(wanted) or wanted
    if origin in (list, collections.abc.Sequence):
        inner = typing.get_args(wanted)
        return [PLACEHOLDER] if not inner or inner[0] is str else None
    return PLACEHOLDER if wanted is str else None


def stand_in(wanted: Any, name: str, args: dict[str, Any], depth: int) -> Any:
    """A value of this type that counts as unknown; an argument that comes back is itself."""
    from pulumi import _types

    wanted = _types.unwrap_optional_type(wanted)
    given = args.get(name) if depth == 1 else None
    if wanted in (str, bool, int) and type(given) is wanted:
        return given
    if _types.is_output_type(wanted):
        if depth > 4:
            return {}
        types = _types.output_type_types(wanted)
        return {key: stand_in(types[key], key, args, depth + 1) for key in types}
    origin = typing.get_origin(wanted) or wanted
    inner = typing.get_args(wanted)
    if origin in (dict, collections.abc.Mapping):
        return {}
    if origin in (list, collections.abc.Sequence) and origin is not str:
        element = inner[0] if inner else str
        return [numbered(stand_in(element, name, {}, depth + 1), index) for index in range(3)]
    if origin is bool:
        return False
    if origin in (int, float):
        return UNKNOWN_NUMBER
    return unknown_text(name)


def numbered(value: Any, index: int) -> Any:
    """The element, told from its siblings."""
    return f"{value}-{index}" if isinstance(value, str) and UNKNOWN_TEXT in value else value


def unknown_text(name: str) -> str:
    """A text that a program may take apart as it would the real one."""
    short = name.lower()
    if short.endswith(("arn", "arns")):
        return f"arn:aws:unknown:us-east-1:123456789012:{UNKNOWN_TEXT}"
    if "cidr" in short:
        return "10.0.0.0/16"
    return f"{name or 'value'}-{UNKNOWN_TEXT}"


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
    kinds = type(error).__mro__
    if any(kind.__name__ == "RunError" for kind in kinds) and kinds[0].__module__[:7] != "pulumi.":
        # A library's own error for the user of a program: all of it is meant to be read.
        return "\n".join(line.rstrip()[:300] for line in str(error).splitlines()[:40])
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
