"""The smaller clouds, by their users; one file a cloud, imported where a stack has some of it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib import import_module
from typing import Final, Protocol, cast

from zerofloor.capacity import Part
from zerofloor.estate import Estate
from zerofloor.platforms.hints import with_hints
from zerofloor.platforms.platform import Platform


class Cloud(Protocol):
    """What a cloud's file has."""

    READS: frozenset[str]

    def read(self, estate: Estate) -> Iterator[Part]: ...


SERVICES: Final = (
    ("Databricks", "databricks", ("databricks:",)),
    ("OCI", "oci", ("oci:",)),
    ("DigitalOcean", "digitalocean", ("digitalocean:",)),
    ("Snowflake", "snowflake", ("snowflake:",)),
    ("Linode", "linode", ("linode:",)),
    ("Alibaba Cloud", "alibaba", ("alicloud:",)),
    ("Scaleway", "scaleway", ("scaleway:",)),
    ("OVHcloud", "ovh", ("ovh:",)),
    ("Vultr", "vultr", ("vultr:",)),
    ("CoreWeave", "coreweave", ("coreweave:", "kubernetes:compute.coreweave.com/")),
    ("RunPod", "runpod", ("runpod:",)),
    ("Nebius", "nebius", ("nebius:",)),
    ("Lambda", "lambda_labs", ("lambdalabs:", "lambda:")),
    ("Crusoe", "crusoe", ("crusoe:",)),
    ("Together", "together", ("together:",)),
    ("Civo", "civo", ("civo:",)),
    ("Exoscale", "exoscale", ("exoscale:",)),
    ("UpCloud", "upcloud", ("upcloud:",)),
    ("IONOS", "ionos", ("ionoscloud:",)),
    ("Koyeb", "koyeb", ("koyeb:",)),
    ("Genesis Cloud", "genesis", ("genesiscloud:",)),
    ("IBM Cloud", "ibm", ("ibm:",)),
    ("Tencent Cloud", "tencent", ("tencentcloud:",)),
    (
        "Hugging Face",
        "huggingface",
        ("huggingface:", "huggingface-endpoints:", "huggingface-spaces:"),
    ),
    ("Replicate", "replicate", ("replicate:",)),
    ("Baseten", "baseten", ("baseten:",)),
    ("Fireworks", "fireworks", ("fireworks:",)),
)
"""Each cloud's name, its file, and how its type tokens begin."""


@cache
def load(module: str) -> Cloud:
    """A cloud's file."""
    return cast(Cloud, import_module(f"zerofloor.platforms.clouds.{module}"))


def _platform(name: str, module: str, prefixes: tuple[str, ...]) -> Platform:
    def reads(token: str) -> bool:
        return token.startswith(prefixes) and token in load(module).READS

    def read(estate: Estate) -> Iterator[Part]:
        if any(token.startswith(prefixes) for token in estate.by_type):
            yield from load(module).read(estate)

    return Platform(name, with_hints(read), reads)


PLATFORMS: Final[tuple[Platform, ...]] = tuple(_platform(*service) for service in SERVICES)
