"""Whether a container's command shows that it never ends by itself: a Job around it is no
one-shot."""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

from zerofloor.patterns import lazy
from zerofloor.stack import Hidden
from zerofloor.values import at, known_items, known_text

_WEEK_SECONDS: Final = Decimal(7 * 24 * 3600)

_ENDLESS = tuple(
    lazy(pattern)
    for pattern in (
        r"\bsleep\s+(?:inf(?:inity)?)\b",
        r"\btail\s+(?:-\S+\s+)*-[a-zA-Z]*[fF]\b",
        r"\bwhile\s+(?:true|:|\[\s*1\s*\]|\(\(\s*1\s*\)\)|1)\s*(?:;|do|\n|$)",
        r"\bfor\s*\(\(\s*;;\s*\)\)",
        r"\bwhile\s+True\s*:",
        r"\buntil\s+false\b",
        r"(?:^|\s)/?pause\s*$",
        r"\bwatch\s+nvidia-smi\b",
    )
)
_SERVERS = tuple(
    lazy(pattern)
    for pattern in (
        r"\bvllm\s+serve\b",
        r"\bvllm\.entrypoints\.",
        r"\bsglang\.launch_server\b",
        r"\btext-generation-launcher\b",
        r"\btext-embeddings-router\b",
        r"\btritonserver\b",
        r"\btensorflow_model_server\b",
        r"\btorchserve\b.*--foreground",
        r"\bollama\s+serve\b",
        r"\bllama-server\b",
        r"\blmdeploy\s+serve\b",
        r"\bmlserver\s+start\b",
        r"\bjupyter[- ]?(?:lab|notebook|server|hub)\b",
        r"\bstart-notebook(?:\.sh|\.py)\b",
        r"\bcode-server\b",
        r"\btensorboard\b",
        r"\b(?:uvicorn|gunicorn|hypercorn|daphne)\b",
        r"\bstreamlit\s+run\b",
        r"\bflask\s+run\b",
        r"\bpython3?\s+-m\s+http\.server\b",
        r"\bsshd\b.*-D\b",
        r"\bray\s+start\b.*--block\b",
        r"\bserve\s+run\b",
        r"\bnginx\b.*daemon off",
    )
)
# Images whose own entry point is a server (their Dockerfiles), when no command replaces it.
_SERVER_IMAGE = re.compile(
    r"(?:^|/)(?:vllm/vllm-openai|vllm-openai|ollama/ollama|ollama|text-generation-inference|text-embeddings-inference|lmsysorg/sglang"
    r"|jupyter/[^/]+|jupyterlab[^/]*|code-server|nginx|pause)(?:[:@].*)?$"
)
_SLEEP = re.compile(r"\bsleep\s+(\d{1,12}(?:\.\d+)?)([smhd]?)\b")
_UNIT = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}


# What is hidden here is told by `unreadable`: both are asked together.
def endless(pod_spec: Any) -> tuple[str, str] | None:
    """The path and the reason for which a pod never ends, None where nothing shows it.

    All containers must end for the pod to end, so one that doesn't is enough.
    """
    for index, container in enumerate(known_items(at(pod_spec, "containers"))):
        command = [
            part
            for key in ("command", "args")
            for part in known_items(at(container, key))
            if isinstance(part, str)
        ]
        line = " ".join(command)
        where = (
            f"containers[{index}].{'command' if known_items(at(container, 'command')) else 'args'}"
        )
        if re.match(r"\s*timeout\s", line):
            continue
        for pattern in _ENDLESS:
            if pattern.search(line):
                return where, "never exits"
        for pattern in _SERVERS:
            if pattern.search(line):
                return where, "is a server: it runs until it is stopped"
        slept = sum((Decimal(n) * _UNIT[unit] for n, unit in _SLEEP.findall(line)), Decimal(0))
        if slept > _WEEK_SECONDS:
            return where, "sleeps for more than a week"
        image = known_text(at(container, "image")) or ""
        if not known_items(at(container, "command")) and _SERVER_IMAGE.search(image):
            return f"containers[{index}].image", "is a server's image: it runs until it is stopped"
    return None


def unreadable(pod_spec: Any) -> str | None:
    """The path of a command that can't be read, so that it isn't known whether the pod ends; None
    where all can.

    Without any command the image decides, so an image that is not known counts too.
    """
    for index, container in enumerate(known_items(at(pod_spec, "containers"))):
        for key in ("command", "args"):
            value = at(container, key)
            if isinstance(value, Hidden) or any(
                isinstance(part, Hidden) for part in known_items(value)
            ):
                return f"containers[{index}].{key}"
        if (
            not known_items(at(container, "command"))
            and not known_items(at(container, "args"))
            and isinstance(at(container, "image"), Hidden)
        ):
            return f"containers[{index}].image"
    return None


# A hidden image is none of a placeholder's: the pods are held for another cause.
def is_placeholder(pod_spec: Any) -> bool:
    """Whether the pod only reserves room: a pause image and nothing else."""
    images = [
        known_text(at(container, "image")) or ""
        for container in known_items(at(pod_spec, "containers"))
    ]
    return bool(images) and all(map(_is_pause, images))


@lru_cache(maxsize=1024)
def _is_pause(image: str) -> bool:
    return re.search(r"(?:^|/)pause(?:-amd64)?(?:[:@].*)?$", image) is not None
