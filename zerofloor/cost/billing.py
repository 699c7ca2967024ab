"""From when on a service bills a node, in which steps, and for how long at least."""

from __future__ import annotations

from decimal import ROUND_CEILING, Decimal
from typing import Final

from zerofloor.structs import Value


class Billing(Value, frozen=True):
    """A service's meter."""

    step: Decimal
    """Seconds in which it counts; a part of one is billed whole."""
    minimum: Decimal
    """Seconds billed at least, each time a node runs."""
    from_ready: bool
    """True where boot and model load are free: the meter starts when the server accepts
    requests."""
    source: str

    def billed(self, seconds: Decimal) -> Decimal:
        """Seconds on the bill for a node that was metered for so long; 0 for one that never ran."""
        if seconds <= 0:
            return Decimal(0)
        steps = (seconds / self.step).to_integral_value(ROUND_CEILING)
        return max(self.minimum, steps * self.step)


def _meter(step: int, minimum: int, source: str, from_ready: bool = False) -> Billing:
    return Billing(Decimal(step), Decimal(minimum), from_ready, source)


_METERS: Final = {
    "aws": _meter(1, 60, "EC2 Linux: per second from `running`, 60 s minimum"),
    "gcp": _meter(1, 60, "Compute Engine: per second, 1 minute minimum"),
    "azure": _meter(1, 1, "Azure Virtual Machines: per second"),
    "fireworks": _meter(
        1,
        1,
        "Fireworks on-demand: per GPU-second from when the server accepts requests",
        from_ready=True,
    ),
    "runpod": _meter(1, 1, "RunPod: per second, start to full stop"),
    "modal": _meter(1, 1, "Modal: per second"),
    "baseten": _meter(60, 60, "Baseten: per minute while deploying, scaling or serving"),
    "together": _meter(60, 60, "Together dedicated endpoints: per minute while running"),
    "huggingface": _meter(
        60, 60, "Hugging Face Inference Endpoints: per minute while initializing or running"
    ),
    "lambda": _meter(60, 60, "Lambda: per minute"),
    "digitalocean": _meter(1, 300, "DigitalOcean GPU Droplets: per second, 5 minutes minimum"),
    "linode": _meter(3600, 3600, "Linode: per hour, rounded up"),
    "scaleway": _meter(60, 60, "Scaleway GPU Instances: per minute while on or on standby"),
}

UNKNOWN_METER: Final = _meter(3600, 3600, "not known: whole hours assumed")
"""For a service without a documented meter: the most expensive common one, so that no
estimate is too low."""


def meter(cloud: str) -> Billing:
    """The meter of a cloud's or service's machines."""
    return _METERS.get(cloud, UNKNOWN_METER)
