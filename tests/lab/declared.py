"""The Kubernetes objects that a component declares, as the Kubernetes provider would send them.

Run as a program: for each line with a JSON list of [component, arguments] it prints a line with the
JSON list of their manifests. A process of its own, because a Pulumi program's state is global.
"""

from __future__ import annotations

import atexit
import functools
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from tests.lab.harness.processes import ROOT

Manifest = dict[str, Any]


def declared(components: Sequence[tuple[str, Mapping[str, Any]]]) -> list[list[Manifest]]:
    """The manifests of each component, by its class's name and its arguments."""
    process = _process()
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps(components) + "\n")
    process.stdin.flush()
    answer = json.loads(process.stdout.readline())
    assert isinstance(answer, list), answer
    return answer


@functools.cache
def _process() -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.lab.declared"]
    process = subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    atexit.register(process.kill)
    return process


def main() -> None:
    """Answers each line of stdin until there are no more: the SDK is slow to import."""
    answers, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        try:
            answer: Any = _declare(json.loads(line))
        except Exception as error:
            answer = f"{type(error).__name__}: {error}"
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def _declare(requests: Sequence[tuple[str, Mapping[str, Any]]]) -> list[list[Manifest]]:
    import pulumi
    from pulumi.runtime import mocks

    import zerofloor.components

    made: dict[int, list[Manifest]] = {}

    class Recorder(mocks.Mocks):
        def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
            if args.typ.startswith("kubernetes:"):
                made[int(args.name.split("-")[0].removeprefix("c"))].append(dict(args.inputs))
            return args.name, dict(args.inputs)

        def call(self, args: mocks.MockCallArgs) -> Any:
            return {}

    def program() -> None:
        for number, (component, arguments) in enumerate(requests):
            made[number] = []
            getattr(zerofloor.components, component)(f"c{number}", arguments)

    mocks.set_mocks(Recorder())
    pulumi.runtime.test(program)()  # type: ignore[no-untyped-call]
    return [[whole(manifest) for manifest in made[number]] for number in range(len(requests))]


def whole(value: Any) -> Any:
    """Doubles without a fraction as integers: the engine's protocol knows doubles alone, and the
    Kubernetes provider does the same."""
    if isinstance(value, Mapping):
        return {key: whole(item) for key, item in value.items()}
    if isinstance(value, list):
        return [whole(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


if __name__ == "__main__":
    main()
