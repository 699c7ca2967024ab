"""What is known of each model server: how it is started, where it answers, what it exports."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pulumi

from zerofloor.components.choices import Engine, Probe, ScaleBy


@dataclass(frozen=True, slots=True, kw_only=True)
class Parallel:
    """Over how many GPUs one replica's model is split."""

    tensor: int
    pipeline: int
    nodes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """One engine's facts, each from its own documentation."""

    command: Callable[[str], list[str] | None]
    """The container's command for a model; None: the image's own."""
    args: Callable[[str, int, Parallel], list[str]]
    """The arguments for a model, a port and a split."""
    port: int
    metrics_port: int | None
    """Where /metrics is; None: on the port itself."""
    health_path: str
    probe: Probe = Probe.HTTP
    probe_command: tuple[str, ...] = ()
    cache_path: str = "/root/.cache/huggingface"
    env: Mapping[str, str] | None = None
    metrics: Mapping[ScaleBy, str]
    """What the engine exports under each name; the KV cache as a share of 1."""
    stores: tuple[str, ...] = ()
    """The object stores from which it reads a model by itself, by the scheme of their addresses."""
    streams: bool = False
    """Whether it does so by Run:ai's Model Streamer, which needs an argument."""
    splits: bool
    """Whether it splits a model over several GPUs by an argument."""
    pipelines: bool = False
    several_nodes: bool = False


def _vllm(model: str, port: int, split: Parallel) -> list[str]:
    args = [model, "--port", str(port)]
    if split.tensor > 1:
        args += ["--tensor-parallel-size", str(split.tensor)]
    if split.pipeline > 1:
        args += ["--pipeline-parallel-size", str(split.pipeline)]
    return args


def _sglang(model: str, port: int, split: Parallel) -> list[str]:
    args = ["--model-path", model, "--host", "0.0.0.0", "--port", str(port), "--enable-metrics"]
    if split.tensor > 1:
        args += ["--tp", str(split.tensor)]
    if split.pipeline > 1:
        args += ["--pp-size", str(split.pipeline)]
    if split.nodes > 1:
        # Kubernetes puts the variables of LeaderWorkerSet in (its docs, examples/sglang).
        args += ["--dist-init-addr", "$(LWS_LEADER_ADDRESS):20000"]
        args += ["--nnodes", "$(LWS_GROUP_SIZE)", "--node-rank", "$(LWS_WORKER_INDEX)"]
    return args


def _tgi(model: str, port: int, split: Parallel) -> list[str]:
    args = ["--model-id", model, "--port", str(port)]
    return [*args, "--num-shard", str(split.tensor)] if split.tensor > 1 else args


def _triton(model: str, port: int, split: Parallel) -> list[str]:
    return [f"--model-repository={model}", f"--http-port={port}"]


def _llama_cpp(model: str, port: int, split: Parallel) -> list[str]:
    source = "-m" if model.startswith("/") else "-hf"
    return [source, model, "--host", "0.0.0.0", "--port", str(port), "--metrics"]


def _ollama(model: str, port: int, split: Parallel) -> list[str]:
    # The server knows no model until it is pulled, so that its own health says nothing of one.
    return [
        "ollama serve & server=$!; trap 'kill -TERM $server' TERM; "
        "until ollama list >/dev/null 2>&1; do sleep 1; done; "
        'ollama pull "$ZEROFLOOR_MODEL" && wait $server'
    ]


PRESETS: Final[Mapping[Engine, Preset]] = {
    # docs.vllm.ai: "Using Kubernetes" (vllm serve, /health, port 8000), "Production Metrics",
    # "Parallelism and Scaling"; several nodes: LeaderWorkerSet's examples/vllm.
    Engine.VLLM: Preset(
        command=lambda _: ["vllm", "serve"],
        args=_vllm,
        port=8000,
        metrics_port=None,
        health_path="/health",
        metrics={
            ScaleBy.WAITING: "vllm:num_requests_waiting",
            ScaleBy.KV_CACHE: "vllm:kv_cache_usage_perc",
        },
        # docs.vllm.ai, "Loading models with Run:ai Model Streamer"; its image has the streamer.
        stores=("s3", "gs", "az"),
        streams=True,
        splits=True,
        pipelines=True,
        several_nodes=True,
    ),
    # docs.sglang.io: "Server Arguments" (port 30000, --tp, --pp-size), "Production Metrics",
    # "Multi-Node Deployment"; several nodes: LeaderWorkerSet's examples/sglang.
    Engine.SGLANG: Preset(
        command=lambda _: ["python3", "-m", "sglang.launch_server"],
        args=_sglang,
        port=30000,
        metrics_port=None,
        health_path="/health",
        metrics={
            ScaleBy.WAITING: "sglang:num_queue_reqs",
            ScaleBy.KV_CACHE: "sglang:token_usage",
        },
        # docs.sglang.io, "Loading Models from Object Storage".
        stores=("s3", "gs", "az"),
        streams=True,
        splits=True,
        pipelines=True,
        several_nodes=True,
    ),
    # huggingface.co/docs/text-generation-inference: "Quick Tour" (/data), "launcher arguments"
    # (--num-shard, --port), "Metrics". Port 80 of the image needs a privileged user.
    Engine.TGI: Preset(
        command=lambda _: None,
        args=_tgi,
        port=8080,
        metrics_port=None,
        health_path="/health",
        cache_path="/data",
        metrics={ScaleBy.WAITING: "tgi_queue_size"},
        splits=True,
    ),
    # docs.nvidia.com/deeplearning/triton-inference-server: "Model Repository", "Metrics" (port
    # 8002), protocol "Health".
    Engine.TRITON: Preset(
        command=lambda _: ["tritonserver"],
        args=_triton,
        port=8000,
        metrics_port=8002,
        health_path="/v2/health/ready",
        cache_path="/root/.cache",
        metrics={ScaleBy.WAITING: "nv_inference_pending_request_count"},
        # "Model Repository: Model Repository Locations".
        stores=("s3", "gs", "as"),
        splits=False,
    ),
    # docs.ollama.com: "FAQ" (OLLAMA_HOST, OLLAMA_KEEP_ALIVE, /root/.ollama), "Docker" (port 11434).
    Engine.OLLAMA: Preset(
        command=lambda _: ["/bin/sh", "-c"],
        args=_ollama,
        port=11434,
        metrics_port=None,
        health_path="/",
        probe=Probe.EXEC,
        probe_command=("sh", "-c", 'ollama show "$ZEROFLOOR_MODEL" >/dev/null'),
        cache_path="/root/.ollama",
        # The model stays loaded for as long as the replica runs.
        env={"OLLAMA_KEEP_ALIVE": "-1"},
        metrics={},
        splits=False,
    ),
    # github.com/ggml-org/llama.cpp: tools/server/README.md (port 8080, /health, --metrics,
    # LLAMA_CACHE).
    Engine.LLAMA_CPP: Preset(
        command=lambda _: None,
        args=_llama_cpp,
        port=8080,
        metrics_port=None,
        health_path="/health",
        cache_path="/models",
        env={"LLAMA_CACHE": "/models"},
        metrics={ScaleBy.WAITING: "llamacpp:requests_deferred"},
        splits=False,
    ),
}


def store_of(model: str) -> str | None:
    """The scheme of a model that is in an object store: `s3` of `s3://bucket/model`; None for a
    name or a path."""
    scheme, found, _ = model.partition("://")
    return scheme if found else None


def streaming(engine: Engine, model: str, concurrency: int | None) -> list[str]:
    """The arguments with which weights go from an object store straight to the GPUs; none where
    the model isn't in one, or the engine needs none."""
    if not PRESETS[engine].streams or store_of(model) is None:
        return []
    args = ["--load-format", "runai_streamer"]
    if concurrency is not None:
        args += ["--model-loader-extra-config", json.dumps({"concurrency": concurrency})]
    return args


def start(
    engine: Engine, model: str, port: int, split: Parallel, more: Sequence[Any] = ()
) -> dict[str, Any]:
    """The `command` and `args` of a replica's container, on one node or as the first of several,
    with `more` arguments behind the preset's."""
    preset = PRESETS[engine]
    command, args = preset.command(model), preset.args(model, port, split)
    if engine is Engine.VLLM and split.nodes > 1:
        words = ["vllm", "serve", *args, *more]
        line = pulumi.Output.all(*words).apply(lambda known: _RAY_LEADER + shlex.join(known))
        plain = not any(isinstance(word, pulumi.Output) for word in words)
        return {
            "command": ["sh", "-c"],
            "args": [_RAY_LEADER + shlex.join(words) if plain else line],
        }
    return {**({"command": command} if command else {}), "args": [*args, *more]}


def follow(
    engine: Engine, model: str, port: int, split: Parallel, more: Sequence[Any] = ()
) -> dict[str, Any]:
    """The same of the other nodes of a replica."""
    if engine is Engine.VLLM:
        return {"command": ["sh", "-c"], "args": [_RAY_WORKER]}
    return start(engine, model, port, split, more)


# The script is a part of vLLM's image (LeaderWorkerSet docs, examples/vllm).
_RAY = "bash /vllm-workspace/examples/online_serving/multi-node-serving.sh"
_RAY_LEADER = _RAY + " leader --ray_cluster_size=$(LWS_GROUP_SIZE); exec "
_RAY_WORKER = _RAY + " worker --ray_address=$(LWS_LEADER_ADDRESS)"
