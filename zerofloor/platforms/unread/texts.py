"""JSON, YAML and scripts that stand as text in a property."""

from __future__ import annotations

import base64
import binascii
import re
from functools import lru_cache
from typing import Any, Final

import msgspec

from zerofloor.errors import InputError
from zerofloor.patterns import lazy
from zerofloor.platforms.unread.vocabulary import is_gpu_machine, names_model

# A text is parsed only where one of these stands in it: most texts are names.
_WORTH: Final = lazy(
    r"gpu|accelerator|nvidia|\btpu|neuron|gaudi|npu|ascend|instance_?type|machine_?type|vm_?size"
    r"|node_?type|node_?size|sku|shape|flavor|hardware|\d+xlarge|Standard_N|-(?:high|ultra|mega)gpu|amd\.com/",
    re.I,
)
_LONGEST: Final = 2_000_000


@lru_cache(maxsize=256)
def parsed(text: str) -> tuple[Any, ...]:
    """The documents in a text that is JSON or YAML and may name a GPU; none where it is neither."""
    if len(text) > _LONGEST or not _WORTH.search(text):
        return ()
    one_line = "\n" not in text and not re.match(r"[\w.-]+:\s", text)
    if text.lstrip()[:1] not in ("{", "[") and (":" not in text or one_line):
        return ()
    return documents_in(text)


@lru_cache(maxsize=256)
def documents_in(text: str) -> tuple[Any, ...]:
    """The objects and lists that a text of JSON or YAML holds; none where it is neither."""
    if len(text) > _LONGEST or text.startswith("#!"):
        return ()
    if text.lstrip()[:1] in ("{", "["):
        try:
            return (msgspec.json.decode(text),)
        except (msgspec.MsgspecError, RecursionError, UnicodeError):
            pass
    # Read the way manifests are: bounded, no tags, no aliases without end.
    from zerofloor.documents.yaml_text import yaml_documents

    try:
        found = [value for _, _, value in yaml_documents("text", text)]
    except (InputError, RecursionError, UnicodeError):
        return ()
    return tuple(value for value in found if isinstance(value, dict | list))


# What starts machines, in the words of each cloud's command line and SDK.
_LAUNCHES: Final = lazy(
    r"run[-_]?instances|request[-_]?spot|create[-_]?fleet|create[-_]?node[-_]?group|create[-_]?auto[-_]?scaling"
    r"|create[-_]?endpoint|create[-_]?cluster|create[-_]?notebook|start[-_]?instances|launch[-_]?instances"
    r"|instances?\s+create|node-pools?\s+create|nodepool\s+add|vm(?:ss)?\s+create|clusters?\s+create"
    r"|create\s+(?:nodegroup|cluster|instance)|droplet\s+create|instances\.insert|worker-pools?\s+create"
    r"|endpoints?\s+(?:create|deploy)|(?:runpodctl|sky|vastai|modal|eksctl|kops|flyctl|lambda-cloud)\s"
    r"|(?:terraform|tofu|terragrunt)\s(?:[^;&|\n]*\s)?apply\b|pulumi\s(?:[^;&|\n]*\s)?up\b"
    r"|gcloud\s(?:[^;&|\n]*\s)?(?:deploy|deploy-model)\s|fly\s+(?:machines?|m|launch|deploy|scale)\s"
    r"|firectl\s",
    re.I,
)
_BY_NATURE: Final = lazy(
    r"(?:vastai|runpodctl|firectl)\s+(?:create\s+(?:instance|pods?|deployment)|deployment\s+create)",
    re.I,
)
"""Calls that start nothing but GPUs (Vast.ai, RunPod and Fireworks rent out no other machines)."""
_PODS: Final = lazy(
    r"(?:kubectl\s+(?:run|create|apply|replace)|helm\s+(?:install|upgrade))\s"
    r"[\s\S]*?(limits[\s\S]{0,40}?nvidia\\*\.com/gpu|requestGPU=[1-9])",
    re.I,
)
"""Calls that make pods, and how they give them a GPU."""
_WORD: Final = lazy(r"[A-Za-z0-9][A-Za-z0-9_.:/-]{2,60}")
_ASKS: Final = lazy(
    r"--(?:vm-)?(?:accelerator|gpus?)(?:-?(?:type|count|kind|id))?[= ]|nvidia\.com/gpu", re.I
)
_BASE64: Final = lazy(r"[A-Za-z0-9+/\s]{24,}={0,2}\s*")


@lru_cache(maxsize=1024)
def plain(text: str) -> str:
    """The text, decoded where it is base64 (user data often is)."""
    if not _BASE64.fullmatch(text):
        return text
    try:
        return base64.b64decode("".join(text.split()), validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return text


@lru_cache(maxsize=1024)
def starts_machines(text: str) -> bool:
    """Whether a text calls something that starts machines which nothing stops."""
    said = plain(text)
    return _LAUNCHES.search(said) is not None or _PODS.search(said) is not None


@lru_cache(maxsize=1024)
def launched(text: str) -> str | None:
    """The GPU machine that a script or command starts, as it names it; None where it starts
    none."""
    if not starts_machines(text):
        return None
    said = plain(text)
    rented, pods = _BY_NATURE.search(said), _PODS.search(said)
    by_itself = rented.group(0) if rented is not None else None
    given = pods.group(1) if pods is not None else None
    # Of what makes pods a GPU counts only where they are given it: a toleration names one too.
    named = machine_in(said) if _LAUNCHES.search(said) else None
    return named or by_itself or given


@lru_cache(maxsize=1024)
def machine_in(text: str) -> str | None:
    """The first GPU machine or request for one that a free text names."""
    asked = _ASKS.search(text)
    for word in _WORD.findall(text):
        name: str = word.strip("-.:,/")
        if is_gpu_machine(name) or (("-" in name or "_" in name) and _is_plan(name)):
            return name
    return None if asked is None else asked.group(0).strip()


def _is_plan(name: str) -> bool:
    """Whether a word is a machine's name by its parts: `gpu-h100x8-640gb`, `gpu_8x_h100_sxm5`."""
    return bool(re.search(r"\d", name)) and names_model(name, alone=False) and "/" not in name
