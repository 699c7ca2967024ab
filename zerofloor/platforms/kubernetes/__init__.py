"""Kubernetes and what people install on it; one file a platform."""

from __future__ import annotations

from typing import Final

from zerofloor.platforms.kubernetes import hpa, karpenter, keda, workloads
from zerofloor.platforms.kubernetes.objects import group_kind
from zerofloor.platforms.platform import Platform

PLATFORMS: Final = (
    Platform("Kubernetes workloads", workloads.read, lambda token: group_kind(token) in workloads.KINDS),
    Platform("HorizontalPodAutoscaler", hpa.read, lambda token: group_kind(token) in hpa.KINDS),
    Platform("KEDA", keda.read, lambda token: group_kind(token) in keda.KINDS),
    Platform("Karpenter", karpenter.read, lambda token: group_kind(token) in karpenter.KINDS),
)
