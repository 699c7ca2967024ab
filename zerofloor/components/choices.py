"""The words among which an argument of a GpuDeployment or GpuScaler chooses."""

from enum import StrEnum


class Probe(StrEnum):
    """How the kubelet sees that a replica works."""

    HTTP = "http"
    """GET healthPath answers 200."""
    EXEC = "exec"
    """probeCommand exits with 0."""
    TCP = "tcp"
    """The port accepts a connection."""
    NONE = "none"
    """Not at all: a replica works for as long as its process runs."""


class Rollout(StrEnum):
    """How a new image or model is tried."""

    AT_ONCE = "at_once"
    """Not before the rollout: at zero replicas the first caller finds out."""
    WARM_UP = "warm_up"
    """By a Job that starts one replica, waits until its probe passes, and ends. The Deployment is
    changed after it succeeds. It bills one replica's GPUs for one cold start at each change. A Job
    that failed over something else than the image is run again by `pulumi up --replace
    '**-warm-up'`."""


class ColdStart(StrEnum):
    """What a caller gets while no replica is ready."""

    HOLD = "hold"
    """The request waits at the interceptor, up to readinessSeconds, and is then answered."""
    RETRY_AFTER = "retry_after"
    """503 with Retry-After at once; each such request counts as one that wakes a replica. Needs
    the HTTP add-on 0.15 or newer."""
    FALLBACK = "fallback"
    """The request goes to fallbackService after readinessSeconds."""


class Run(StrEnum):
    """What a replica is."""

    SERVER = "server"
    """A pod that runs until the scaler takes it away: a Deployment."""
    JOB = "job"
    """One Job for each message or item, which ends by itself, so that no scale-in cuts it off: a
    KEDA ScaledJob. Needs a queue as the wake signal."""


class Engine(StrEnum):
    """A model server whose arguments, port, paths and metrics are known."""

    VLLM = "vllm"
    """vLLM (image vllm/vllm-openai)."""
    SGLANG = "sglang"
    """SGLang (image lmsysorg/sglang)."""
    TGI = "tgi"
    """Text Generation Inference (image ghcr.io/huggingface/text-generation-inference)."""
    TRITON = "triton"
    """Triton Inference Server (image nvcr.io/nvidia/tritonserver); model is its repository."""
    OLLAMA = "ollama"
    """Ollama (image ollama/ollama)."""
    LLAMA_CPP = "llama_cpp"
    """llama.cpp's server (image ghcr.io/ggml-org/llama.cpp:server-cuda); model is a Hugging Face
    repository of GGUF files, or a path."""


class ModelType(StrEnum):
    """The numbers that a model's weights are made of."""

    FP32 = "fp32"
    """4 bytes a parameter."""
    BF16 = "bf16"
    """2 bytes a parameter."""
    FP16 = "fp16"
    """2 bytes a parameter."""
    FP8 = "fp8"
    """1 byte a parameter."""
    INT8 = "int8"
    """1 byte a parameter."""
    INT4 = "int4"
    """Half a byte a parameter."""


class ScaleBy(StrEnum):
    """Which of the engine's own metrics asks for more replicas once one runs."""

    WAITING = "waiting"
    """Requests in the engine's queue."""
    KV_CACHE = "kv_cache"
    """Percent of the KV cache that is in use."""
