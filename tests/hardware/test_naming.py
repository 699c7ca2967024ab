"""How many accelerators the smaller clouds' type names stand for."""

from __future__ import annotations

from decimal import Decimal

import pytest

from zerofloor.hardware.accelerators import device_noun, supplied_by
from zerofloor.hardware.instances import lookup, snapshot_rows
from zerofloor.hardware.naming import read_name

COUNTS = [
    ("digitalocean", "gpu-h100x8-640gb", "8"),
    ("digitalocean", "gpu-mi350x8-2304gb-contracted", "8"),
    ("digitalocean", "gpu-b300x8-2304gb", "8"),
    ("digitalocean", "g-8vcpu-32gb", "0"),
    ("digitalocean", "s-2vcpu-4gb", "0"),
    ("digitalocean", "so1_5-2vcpu-16gb", "0"),
    ("digitalocean", "c-2", "0"),
    ("digitalocean", "c-4-intel", "0"),
    ("oci", "BM.GPU4.8", "8"),
    ("oci", "VM.GPU.A10.2", "2"),
    ("oci", "BM.GPU.A100-v2.8", "8"),
    ("oci", "BM.GPU.GB200-v3.4", "4"),
    ("oci", "VM.GPU3.4", "4"),
    ("oci", "VM.Standard.E5.Flex", "0"),
    ("oci", "BM.HPC2.36", "0"),
    ("linode", "g2-gpu-rtx4000a4-m", "4"),
    ("linode", "g1-gpu-rtx6000-3", "3"),
    ("linode", "g3-gpu-rtxpro6000-blackwell-2", "2"),
    ("linode", "g6-standard-4", "0"),
    ("linode", "g1-accelerated-netint-vpu-t1u1-s", "0"),
    ("vultr", "vcg-a100-1c-6g-4vram", "0.05"),
    ("vultr", "vcg-a40-96c-480g-192vram", "4"),
    ("vultr", "vcg-mi325x-252c-2872g-1536vram", "8"),
    ("vultr", "vbm-72c-480gb-gh200-gpu", "1"),
    ("vultr", "vc2-2c-4gb", "0"),
    ("vultr", "vhf-1c-1gb", "0"),
    ("vultr", "vbm-4c-32gb", "0"),
    ("scaleway", "H100-SXM-8-80G", "8"),
    ("scaleway", "l40s_4_48g", "4"),
    ("scaleway", "L4-1-24G", "1"),
    ("scaleway", "RENDER-S", "1"),
    ("scaleway", "DEV1-M", "0"),
    ("scaleway", "POP2-HM-2C-16G", "0"),
    ("scaleway", "PRO2-S", "0"),
    ("ovh", "h100-1520", "4"),
    ("ovh", "l4-180", "2"),
    ("ovh", "t1-45", "1"),
    ("ovh", "b3-8", "0"),
    ("ovh", "win-r3-32", "0"),
    ("civo", "an.g1.h100.kube.x2", "2"),
    ("civo", "g4g.40.kube.small", "1"),
    ("civo", "g4s.kube.medium", "0"),
    ("coreweave", "gd-8xh200ib-i128", "8"),
    ("coreweave", "gb200-4x", "4"),
    ("coreweave", "b200-8x", "8"),
    ("coreweave", "cd-gp-a192-genoa", "0"),
    ("coreweave", "turin-gp", "0"),
    ("nebius", "gpu-h100-sxm_8gpu-128vcpu-1600gb", "8"),
    ("nebius", "gpu-b300-sxm_8gpu-192vcpu-2768gb", "8"),
    ("nebius", "cpu-d3_4vcpu-16gb", "0"),
    ("lambda", "gpu_8x_h100", "8"),
    ("lambda", "gpu_1x_a10", "1"),
    ("lambda", "cpu_4x_general", "0"),
    ("crusoe", "l40s-48gb.4x", "4"),
    ("crusoe", "h200-141gb-sxm-ib.8x", "8"),
    ("crusoe", "c1a.8x", "0"),
    ("crusoe", "s1a.20x", "0"),
    ("upcloud", "GPU-8xCPU-64GB-2xL4", "2"),
    ("upcloud", "GPU-8xCPU-64GB-1xL40S", "1"),
    ("upcloud", "2xCPU-4GB", "0"),
    ("exoscale", "standard.medium", "0"),
    ("alibaba", "ecs.gn7i-c32g1.32xlarge", "4"),
    ("alibaba", "ecs.gn7i-c8g1.2xlarge", "1"),
    ("alibaba", "ecs.gn6v-c10g1.20xlarge", "8"),
    ("alibaba", "ecs.gn7e-c16g1.4xlarge", "1"),
    ("alibaba", "ecs.gn8is-8x.32xlarge", "8"),
    ("alibaba", "ecs.ebmgn7e.32xlarge", "8"),
    ("alibaba", "ecs.g7.xlarge", "0"),
    ("alibaba", "ecs.gn6i-c4g1.xlarge", "1"),
    ("alibaba", "ecs.g5ne.large", "0"),
    ("alibaba", "ecs.ebmg6a.64xlarge", "0"),
    ("ibm", "gx3-16x80x1l4", "1"),
    ("ibm", "gx3d-160x1792x8h100", "8"),
    ("ibm", "gx3.16x80.l4", "1"),
    ("ibm", "bx2-4x16", "0"),
    ("tencent", "GN10Xp.2XLARGE40", "1"),
    ("tencent", "GN10Xp.20XLARGE320", "8"),
    ("tencent", "S5.MEDIUM4", "0"),
    ("genesis", "vcpu-4_memory-12g_disk-80g_nvidia3080-1", "1"),
    ("genesis", "vcpu-192_memory-1920g_nvidia-h100-sxm-8", "8"),
    ("genesis", "vcpu-2_memory-4g_disk-80g", "0"),
    ("koyeb", "gpu-nvidia-rtx-4000-sff-ada", "1"),
    ("koyeb", "2x-gpu-nvidia-h100", "2"),
    ("koyeb", "eco-micro", "0"),
    ("snowflake", "GPU_NV_M", "4"),
    ("snowflake", "CPU_X64_XS", "0"),
    ("snowflake", "HIGHMEM_X64_S", "0"),
    ("databricks", "MULTIGPU_MEDIUM", "4"),
    ("databricks", "CPU", "0"),
    ("replicate", "gpu-a40-large", "1"),
    ("replicate", "gpu-h100-2x", "2"),
    ("replicate", "gpu-a100-large-8x", "8"),
    ("replicate", "cpu", "0"),
]

OPEN = [
    ("digitalocean", "gpu-next"),
    ("exoscale", "gpu3.small"),
    ("snowflake", "GPU_L40S_G1_48"),
    ("alibaba", "ecs.vgn6i-m4.xlarge"),
    ("alibaba", "ecs.gn7i-c8g1.medium"),
    ("tencent", "PNV4.7XLARGE116"),
    ("oci", "BM.GPU.NEW"),
    ("ibm", "gx2-custom"),
]

UNKNOWN = [("digitalocean", "h100"), ("scaleway", "something"), ("nebius", "x_y"), ("lambda", "b")]


@pytest.mark.parametrize(("cloud", "name", "count"), COUNTS)
def test_count(cloud: str, name: str, count: str) -> None:
    shape = lookup(cloud, name)
    assert shape is not None
    assert shape.gpus == Decimal(count)


@pytest.mark.parametrize(("cloud", "name"), OPEN)
def test_a_gpu_type_whose_count_no_page_gives(cloud: str, name: str) -> None:
    shape = lookup(cloud, name)
    assert shape is not None
    assert shape.gpus is None
    assert supplied_by("nvidia.com/gpu", shape.accelerator)


@pytest.mark.parametrize(("cloud", "name"), UNKNOWN)
def test_a_name_that_follows_no_rule_is_not_called_a_cpu_type(cloud: str, name: str) -> None:
    assert lookup(cloud, name) is None


def test_the_naming_agrees_with_the_table() -> None:
    wrong = []
    for row in snapshot_rows("gpu_instances.csv"):
        named = read_name(row["cloud"], row["instance_type"])
        if named is not None and named.gpus is not None:
            listed = lookup(row["cloud"], row["instance_type"])
            assert listed is not None
            # The one plan that breaks Vultr's rule (1536 for eight cards of 256 GB).
            if named.gpus != listed.gpus and "mi325x" not in row["instance_type"]:
                wrong.append((row["cloud"], row["instance_type"], named.gpus, listed.gpus))
    assert not wrong


def test_the_maker_decides_whose_devices_a_node_offers() -> None:
    amd = lookup("digitalocean", "gpu-mi350x8-2304gb")
    assert amd is not None
    assert amd.accelerator == "AMD MI350X"
    assert supplied_by("amd.com/gpu", amd.accelerator)
    assert not supplied_by("nvidia.com/gpu", amd.accelerator)


def test_accelerators_are_called_by_their_own_name() -> None:
    assert device_noun(["NVIDIA A10G", "NVIDIA T4"]) == "GPU"
    assert device_noun(["AWS Inferentia2", "AWS Trainium"]) == "Neuron device"
    assert device_noun(["TPU v5e"]) == "TPU chip"
    assert device_noun(["NVIDIA T4", "AWS Inferentia2"]) == "accelerator"
    assert device_noun([]) == "GPU"
