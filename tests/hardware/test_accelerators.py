"""Resource names of Kubernetes device plugins: which are accelerators, and how many devices an
amount of them is."""

from __future__ import annotations

from decimal import Decimal

import pytest

from zerofloor.hardware.accelerators import devices, is_accelerator, may_be_accelerator


@pytest.mark.parametrize(
    ("resource", "amount", "number", "at_least"),
    [
        ("nvidia.com/gpu", "2", "2", False),
        ("amd.com/gpu", "1", "1", False),
        ("google.com/tpu", "4", "4", False),
        # A slice is a share of the seven of a GPU (NVIDIA MIG user guide).
        ("nvidia.com/mig-1g.5gb", "1", "0.143", True),
        ("nvidia.com/mig-3g.20gb", "2", "0.857", True),
        ("nvidia.com/mig-7g.40gb", "1", "1.000", True),
        # Two cores make an Inferentia2 (AWS Neuron docs).
        ("aws.amazon.com/neuroncore", "2", "1.000", True),
        ("aws.amazon.com/neuron", "2", "2", False),
        # Memory and cores of a shared GPU: at least a part of one.
        ("nvidia.com/gpumem", "8000", "0", True),
        ("nvidia.com/gpumem-percentage", "50", "0", True),
        ("nvidia.com/gpucores", "30", "0", True),
        ("aliyun.com/gpu-mem", "3", "0", True),
        ("tencent.com/vcuda-memory", "10", "0", True),
        ("volcano.sh/vgpu-memory", "1024", "0", True),
        ("gpu.intel.com/memory.max", "10", "0", True),
        ("gpu.intel.com/millicores", "10", "10", False),
        ("gpu.intel.com/i915.millicores", "10", "0", True),
        ("nvidia.com/gpu.shared", "1", "0", True),
        ("nvidia.com/shared-gpu", "1", "0", True),
        ("k8s.amazonaws.com/vgpu", "1", "0", True),
    ],
)
def test_devices_behind_an_amount(resource: str, amount: str, number: str, at_least: bool) -> None:
    assert devices(resource, Decimal(amount)) == (Decimal(number), at_least)


@pytest.mark.parametrize(
    ("resource", "accelerator", "perhaps"),
    [
        ("nvidia.com/gpu", True, True),
        ("nvidia.com/mig-1g.5gb", True, True),
        ("amd.com/gpu", True, True),
        ("habana.ai/gaudi", True, True),
        ("aws.amazon.com/neuroncore", True, True),
        ("google.com/tpu", True, True),
        # No vendor that is known, and a device that is called so.
        ("example.com/gpu", True, True),
        ("example.com/xpu", True, True),
        ("nvidia.com/pgpu", True, True),
        ("nvidia.com/GA102_RTX3090", True, True),
        # A device of a name that tells nothing may be one.
        ("example.com/widget", False, True),
        # What is none.
        ("cpu", False, False),
        ("gpu", False, False),
        ("ephemeral-storage", False, False),
        ("hugepages-2Mi", False, False),
        ("nvidia.com/sriov_vf", False, False),
        ("mellanox.com/cx5", False, False),
        ("vpc.amazonaws.com/efa", False, False),
        ("rdma/hca_shared_devices_a", False, False),
        ("devices.kubevirt.io/kvm", False, False),
        ("qat.intel.com/generic", False, False),
        ("smarter-devices/fuse", False, False),
    ],
)
def test_what_a_resource_name_stands_for(resource: str, accelerator: bool, perhaps: bool) -> None:
    assert (is_accelerator(resource), may_be_accelerator(resource)) == (accelerator, perhaps)
