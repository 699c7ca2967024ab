"""How the smaller clouds say in a machine type's name how many accelerators it has, for types that
no table lists."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Final

from zerofloor.structs import Value


class Named(Value, frozen=True):
    """What a name says."""

    gpus: Decimal | None
    """None: it has accelerators, and the name does not say how many."""
    accelerator: str = ""


Scheme = Callable[[str], Named | None]
"""Reads a name in lower case; None where it follows no rule that is known here."""

PLAIN: Final = Named(Decimal(0))
UNSIZED: Final = Named(None, "accelerator of unknown size")


def read_name(cloud: str, name: str) -> Named | None:
    """What the cloud's naming scheme makes of a type's name; None for a cloud without one."""
    scheme = _SCHEMES.get(cloud)
    return scheme(name.strip().lower()) if scheme else None


def has_scheme(cloud: str) -> bool:
    return cloud in _SCHEMES


def accelerator_name(model: str) -> str:
    """`h100`, `mi300x`, `n300s` as vendors call them: with the maker in front, which tells whose
    device plugin serves it."""
    plain = re.sub(r"^(?:nvidia|amd|gpu)[-_ ]", "", model.strip().lower())
    if re.match(r"(?:instinct[-_ ])?mi\d{3}", plain):
        return f"AMD {plain.rsplit('-', 1)[-1].upper()}"
    if plain.startswith("tenstorrent"):
        return f"Tenstorrent {plain.rpartition('-')[2].upper()}"
    return f"NVIDIA {plain.upper()}" if plain else "accelerator of unknown kind"


def _some(number: str | int, model: str) -> Named:
    return Named(Decimal(number), accelerator_name(model))


def _digitalocean(name: str) -> Named | None:
    # gpu-h100x8-640gb has 8; MI300X's own X is swallowed by it (DigitalOcean docs, "GPU Droplets").
    if match := re.match(r"gpu-([a-z0-9]+?)x(\d{1,2})-\d+gb", name):
        model = f"{match[1]}x" if match[1].startswith("mi") else match[1]
        return _some(match[2], model)
    if name.startswith("gpu"):
        return UNSIZED
    # s-2vcpu-4gb, g-8vcpu-32gb, c-2, m-16gb, 512mb.
    cpu = r"[a-z0-9_]+(?:-[a-z0-9_.]+)*-\d+(?:vcpu|gb).*|[cms]-\d+(?:-[a-z]+)*|\d+(?:mb|gb)"
    return PLAIN if re.fullmatch(cpu, name) else None


def _linode(name: str) -> Named | None:
    if match := re.fullmatch(r"g\d+-gpu-(rtx4000)a(\d)-[a-z]+", name):
        return _some(match[2], "rtx 4000 ada")
    if match := re.fullmatch(r"g\d+-gpu-([a-z0-9-]+?)-(\d)", name):
        return _some(match[2], match[1])
    if "gpu" in name:
        return UNSIZED
    # nanode, standard, dedicated, highmem, premium; the accelerated VPU plans are video chips.
    return PLAIN if re.match(r"g\d+-[a-z]+", name) else None


def _oci(name: str) -> Named | None:
    # The number after the last dot (Oracle docs, "Compute Shapes").
    if match := re.fullmatch(r"(?:bm|vm)\.gpu(?:(\d)|[._]([a-z0-9_.-]+?))\.(\d{1,2})", name):
        older = {"2": "p100", "3": "v100", "4": "a100"}
        return _some(match[3], match[2] or older.get(match[1], "gpu"))
    if "gpu" in name:
        return UNSIZED
    plain = re.fullmatch(r"(?:bm|vm)\.[a-z0-9_.-]+|ci\.[a-z0-9.-]+|pod\.[a-z0-9.-]+", name)
    return PLAIN if plain else None


_VULTR_MEMORY: Final = {
    "a16": 16,
    "a40": 48,
    "a100": 80,
    "l40s": 48,
    "h100": 80,
    "h200": 141,
    "gh200": 96,
    "b200": 192,
    "mi300x": 192,
    "mi325x": 256,
    "mi355x": 288,
}
"""GB of one card: a Cloud GPU plan names the memory of all (or the part) that it has."""


def _vultr(name: str) -> Named | None:
    if match := re.fullmatch(r"vcg-([a-z0-9]+)-\d+c-\d+gb?-(\d+)vram", name):
        card = _VULTR_MEMORY.get(match[1])
        if card is None:
            return UNSIZED
        return Named(
            (Decimal(match[2]) / card).quantize(Decimal("0.001")).normalize(),
            accelerator_name(match[1]),
        )
    if match := re.fullmatch(r"vbm-\d+c-\d+gb(?:-(\d+))?-([a-z0-9]+)-gpu", name):
        return _some(match[1] or 1, match[2])
    if "gpu" in name or name.startswith("vcg"):
        return UNSIZED
    return PLAIN if re.match(r"v[a-z0-9]{2,3}-", name) else None


def _scaleway(name: str) -> Named | None:
    plain = name.replace("_", "-")
    # The middle number: H100-SXM-8-80G (Scaleway docs, "Choosing a GPU Instance type").
    if match := re.fullmatch(r"((?:l|h|b|a|gh|gb|mi)\d+s?x?(?:-sxm)?)-(\d{1,2})-\d+g", plain):
        return _some(match[2], match[1].replace("-", " "))
    if plain in ("render-s", "gpu-3070-s"):
        return _some(1, "p100" if plain == "render-s" else "rtx 3070")
    if re.match(r"gpu|render|[lhbagm]{1,2}\d{2,3}", plain):
        return UNSIZED
    cpu = (
        r"dev1|gp1|pro2|play2|ent1|stardust1|coparm1|pop2|basic\d|start1|vc1|x64|c1|c2|arm64"
        r"|std\d|standard\d?|mem\d|cpu\d|external|bigfoot"
    )
    return PLAIN if re.match(rf"(?:{cpu})(?:-|[slm]?$)", plain) else None


_OVH_MEMORY: Final = {
    "l4": 90,
    "l40s": 90,
    "a10": 45,
    "a100": 180,
    "h100": 380,
    "h200": 240,
    "t1": 45,
    "t1-le": 45,
    "t2": 45,
    "t2-le": 45,
    "rtx5000": 28,
}
"""GB of memory beside one GPU: the number in a flavor's name is a multiple of it."""


def _ovh(name: str) -> Named | None:
    plain = name.removeprefix("win-").removesuffix("-flex")
    if match := re.fullmatch(r"(t[12](?:-le)?|rtx5000|[alhb]\d{2,}s?|l4)-(\d+)", plain):
        one = _OVH_MEMORY.get(match[1])
        model = "v100" if match[1].startswith("t") else match[1]
        if one is not None and int(match[2]) % one == 0:
            return _some(int(match[2]) // one, model)
        return Named(None, accelerator_name(model))
    cpu = r"(?:[bcdris]\d|discovery|bm|eg|hg|sp|vps|gp|hr|win)(?:-.*)?"
    return PLAIN if re.fullmatch(cpu, plain) else None


def _civo(name: str) -> Named | None:
    if match := re.fullmatch(r"an\.g\d\.([a-z0-9]+)(?:\.kube)?\.x(\d)", name):
        return _some(match[2], match[1])
    if match := re.fullmatch(r"g\dg\.(?:(40)\.)?(?:kube\.|k3s\.)?(small)", name):
        return _some(1, "a100 40gb" if match[1] else "a100 80gb")
    if name.startswith("an.") or re.match(r"g\dg\.", name):
        return UNSIZED
    # g4s.kube.medium is a CPU size, g4g.kube.small a GPU size.
    return PLAIN if re.match(r"g\d[a-z]?\.", name) else None


def _coreweave(name: str) -> Named | None:
    if match := re.match(r"(?:gd-)?(\d{1,2})x([a-z]+\d*[a-z]*?)(?:ib)?(?:-|$)", name):
        return _some(match[1], match[2])
    if match := re.fullmatch(r"([a-z]+\d+[a-z0-9]*)-(\d{1,2})x(?:-.*)?", name):
        return _some(match[2], match[1])
    if name.startswith(("gd-", "gb", "rtx", "b200", "b300", "h100", "h200", "a100", "l40")):
        return UNSIZED
    return PLAIN if re.match(r"(?:cd|turin|genoa|hc|hp)-", name) else None


def _nebius(name: str) -> Named | None:
    platform, _, preset = name.partition("_")
    if match := re.match(r"(\d+)gpu-", preset):
        return _some(match[1], platform.removeprefix("gpu-").replace("-sxm", " sxm"))
    if platform.startswith("gpu"):
        return Named(None, accelerator_name(platform.removeprefix("gpu-")))
    return PLAIN if platform.startswith("cpu") else None


def _lambda(name: str) -> Named | None:
    if match := re.match(r"gpu_(\d+)x_([a-z0-9_]+)", name):
        return _some(match[1], match[2].replace("_", " "))
    return PLAIN if name.startswith("cpu") else None


def _crusoe(name: str) -> Named | None:
    if re.fullmatch(r"[cs]\d[a-z]?\.\d+x", name):
        return PLAIN
    match = re.fullmatch(r"([a-z0-9][a-z0-9-]*)\.(\d+)x", name)
    return _some(match[2], match[1].replace("-", " ")) if match else None


def _upcloud(name: str) -> Named | None:
    # Two NxWORD parts, the GPU is the last: GPU-8xCPU-64GB-1xL40S.
    if match := re.search(r"cpu-\d+gb-(\d+)x([a-z0-9-]+)$", name):
        return _some(match[1], match[2])
    if name.startswith("gpu"):
        return UNSIZED
    return PLAIN if re.search(r"\d+xcpu-\d+gb", name) or name == "custom" else None


def _exoscale(name: str) -> Named | None:
    family, _, _ = name.partition(".")
    if family.startswith("gpu"):
        # How many each size has is on no page that was read.
        return Named(None, accelerator_name(family.removeprefix("gpu") or "gpu"))
    cpu = ("standard", "cpu", "memory", "storage", "colossus")
    return PLAIN if family in cpu else None


_ALIBABA_BARE: Final = {
    "ebmgn6e": 8,
    "ebmgn6i": 4,
    "ebmgn6v": 8,
    "ebmgn7": 8,
    "ebmgn7e": 8,
    "ebmgn7ex": 8,
    "ebmgn7i": 4,
    "ebmgn7vx": 8,
    "ebmgn8is": 8,
    "ebmgn8v": 8,
    "sccgn6": 8,
    "sccgn6e": 8,
    "sccgn7ex": 8,
}
"""Bare-metal families have one size (Alibaba Cloud docs, "GPU-accelerated compute-optimized")."""


def _alibaba(name: str) -> Named | None:
    match = re.fullmatch(r"ecs\.([a-z0-9]+)((?:-[a-z0-9]+)*)\.(\d*)x?large", name)
    family = match[1] if match else name.removeprefix("ecs.").partition(".")[0].partition("-")[0]
    if not re.match(r"(?:ebm|scc)?(?:gn|vgn|sgn|ga\d)", family):
        return PLAIN if re.match(r"ecs\.[a-z]", name) else None
    if family in _ALIBABA_BARE:
        return Named(Decimal(_ALIBABA_BARE[family]), f"NVIDIA GPU of {family}")
    accelerator = f"NVIDIA GPU of {family}"
    if match is None or family.startswith(("vgn", "sgn", "ga")):
        return Named(None, accelerator)
    # gn7i-c32g1.8xlarge: 32 vCPUs, and 32 for each GPU; gn8is-4x.16xlarge: 4.
    if several := re.fullmatch(r"-(\d)x", match[2]):
        return Named(Decimal(several[1]), accelerator)
    cores = re.fullmatch(r"-c(\d+)g(\d+)", match[2])
    vcpus = 4 * int(match[3] or 1)
    if cores and vcpus % int(cores[1]) == 0:
        return Named(Decimal(vcpus // int(cores[1]) * int(cores[2])), accelerator)
    return Named(None, accelerator)


def _ibm(name: str) -> Named | None:
    # gx3-16x80x1l4, in container flavors gx3.16x80.l4 and gx3d.160x1792.8h100.
    if match := re.fullmatch(r"gx\w*-\d+x\d+x(\d+)([a-z0-9]+)", name):
        return _some(match[1], match[2])
    if match := re.fullmatch(r"gx\w*\.\d+x\d+\.(\d*)([a-z]\w*)", name):
        return _some(match[1] or 1, match[2])
    if re.match(r"gx|mg\d|ac\d|acl\d|gpu|v100|a100|h100", name):
        return UNSIZED
    plain = re.match(
        r"(?:b|c|m|u|v|o|z|n|f|cz|bz|mz)[a-z]*\d*[a-z]*[-.]?\d*x?\d*|free|\w+\d+c", name
    )
    return PLAIN if plain else None


_TENCENT_GN10: Final = {"2xlarge": 1, "5xlarge": 2, "10xlarge": 4, "20xlarge": 8}


def _tencent(name: str) -> Named | None:
    family, _, size = name.partition(".")
    number = re.match(r"\d+xlarge", size)
    if number and family in ("gn10xp", "gn10x") and number[0] in _TENCENT_GN10:
        return _some(_TENCENT_GN10[number[0]], "v100")
    if re.match(r"g[nti]|pnv|hccpnv|hccg|pt|vn", family):
        return UNSIZED
    return PLAIN if size and re.match(r"(?:[a-fh-z]|bm)", family) else None


def _genesis(name: str) -> Named | None:
    if match := re.search(r"_((?:nvidia|amd|geforce)[a-z0-9-]*?)-(\d{1,2})$", name):
        return _some(match[2], match[1])
    if re.search(r"nvidia|amd-?mi|geforce|gpu", name):
        return UNSIZED
    return PLAIN if name.startswith("vcpu-") else None


def _koyeb(name: str) -> Named | None:
    if "gpu" in name:
        several = re.match(r"(\d)x?-?gpu", name) or re.search(r"-x?(\d)x?$", name)
        number = several[1] if several else 1
        return _some(number, re.sub(r"^\d?x?-?gpu-|-x?\dx?$", "", name))
    return (
        PLAIN if re.match(r"free|eco|nano|micro|small|medium|large|\d?xlarge|aws-", name) else None
    )


def _databricks(name: str) -> Named | None:
    if name == "cpu" or name.startswith("cpu_"):
        return PLAIN
    return UNSIZED if "gpu" in name else None


def _snowflake(name: str) -> Named | None:
    if name.startswith(("cpu_", "highmem_", "standard_")):
        return PLAIN
    return UNSIZED if name.startswith("gpu") else None


def _replicate(name: str) -> Named | None:
    if name == "cpu" or name.startswith("cpu-"):
        return PLAIN
    if match := re.fullmatch(r"gpu-([a-z0-9-]+?)(?:-(\d)x)?", name):
        return _some(match[2] or 1, match[1].removesuffix("-large").removesuffix("-small"))
    return None


_SCHEMES: Final[Mapping[str, Scheme]] = {
    "alibaba": _alibaba,
    "civo": _civo,
    "coreweave": _coreweave,
    "crusoe": _crusoe,
    "databricks": _databricks,
    "digitalocean": _digitalocean,
    "exoscale": _exoscale,
    "genesis": _genesis,
    "ibm": _ibm,
    "koyeb": _koyeb,
    "lambda": _lambda,
    "linode": _linode,
    "nebius": _nebius,
    "oci": _oci,
    "ovh": _ovh,
    "replicate": _replicate,
    "scaleway": _scaleway,
    "snowflake": _snowflake,
    "tencent": _tencent,
    "upcloud": _upcloud,
    "vultr": _vultr,
}
