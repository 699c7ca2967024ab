"""The SDK's stubs of the Analyzer protocol without the SDK around them.

They need protobuf and grpc only, but `import pulumi.runtime.proto` runs `pulumi/__init__.py` first,
and every preview with the pack would
wait a quarter of a second for it. So where the SDK isn't imported yet, its packages are
entered into `sys.modules` unrun. Only for
the pack's own process: nothing in it may need the SDK itself.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

PACKAGES = ("pulumi", "pulumi.runtime", "pulumi.runtime.proto")


def _enter_unrun() -> None:
    """Raises ModuleNotFoundError where the SDK is not installed."""
    found = importlib.util.find_spec("pulumi")
    if found is None or found.origin is None:
        raise ModuleNotFoundError("No module named 'pulumi'", name="pulumi")
    for name in PACKAGES:
        module = ModuleType(name)
        module.__path__ = [str(Path(found.origin).parent.joinpath(*name.split(".")[1:]))]
        sys.modules[name] = module


if "pulumi" not in sys.modules:
    _enter_unrun()

pb: Any = importlib.import_module("pulumi.runtime.proto.analyzer_pb2")
plugin_pb: Any = importlib.import_module("pulumi.runtime.proto.plugin_pb2")
analyzer_grpc: Any = importlib.import_module("pulumi.runtime.proto.analyzer_pb2_grpc")
