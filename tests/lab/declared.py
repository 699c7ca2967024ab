"""The Kubernetes objects that a component declares, as the Kubernetes provider would send them.

Run as a program: reads a JSON list of [component, arguments] and prints the JSON list of their
manifests. A process of its own, because a
Pulumi program's state is global.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from tests.lab.harness.processes import ROOT

Manifest = dict[str, Any]


def declared(components: Sequence[tuple[str, Mapping[str, Any]]]) -> list[list[Manifest]]:
    """The manifests of each component, by its class's name and its arguments."""
    command = [sys.executable, "-m", "tests.lab.declared"]
    ran = subprocess.run(
        command, cwd=ROOT, input=json.dumps(components), capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr[-1500:]
    manifests: list[list[Manifest]] = json.loads(ran.stdout)
    return manifests


def main() -> None:
    """The program."""
    import pulumi
    from pulumi.runtime import mocks

    import zerofloor.components

    made: dict[int, list[Manifest]] = {}
    requests = json.load(sys.stdin)

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
    json.dump(
        [[whole(manifest) for manifest in made[number]] for number in range(len(requests))],
        sys.stdout,
    )


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
