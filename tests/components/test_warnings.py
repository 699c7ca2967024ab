"""What a GpuDeployment allows and says in the preview that it is probably not meant."""

from __future__ import annotations

from typing import Any

import pytest

from zerofloor.components.arguments import read
from zerofloor.components.deployment_spec import DeploymentSpec

VLLM = {"image": "server:1", "engine": "vllm", "model": "org/m"}


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (VLLM | {"gpus": 3}, ["tensor_parallel 3 is not a power of two: an engine refuses to start where the model's attention heads can't be divided by it"]),
        (VLLM | {"gpus": 4, "instance_types": ["g6e.12xlarge"]}, []),
        (VLLM | {"gpus": 3, "pipeline_parallel": 3}, []),
        ({"image": "server:1", "gpus": 3}, []),
        (VLLM | {"model_billions": 22, "instance_types": ["g6e.xlarge"]}, [
            "A model of 22 billion parameters (model_billions) in bf16 has 41 GiB of weights, with KV cache and activations about 49 GiB; a replica's 1 GPU on g6e.xlarge with 45 GiB are too few. Take more GPUs, a larger type, or another model_type"
        ]),
        (VLLM | {"model": "org/Model-70B-Instruct", "instance_types": ["g6e.xlarge"]}, [
            "A model of 70 billion parameters (the name org/Model-70B-Instruct) in bf16 has 130 GiB of weights, with KV cache and activations about 156 GiB; a replica's 1 GPU on g6e.xlarge with 45 GiB are too few. Take more GPUs, a larger type, or another model_type"
        ]),
        (VLLM | {"model": "org/Model-8B", "instance_types": ["g6e.xlarge"]}, []),
        (VLLM | {"model": "org/Model-70B", "model_type": "int4", "instance_types": ["g6e.xlarge"]}, []),
    ],
)  # fmt: skip
def test_what_is_probably_not_meant(args: dict[str, Any], says: list[str]) -> None:
    given = {"max_replicas": 1, **args}
    assert list(read(DeploymentSpec, "GpuDeployment", "llm", given).warnings()) == says
