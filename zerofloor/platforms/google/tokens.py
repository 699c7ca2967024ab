"""Types that several files of Google's room need."""

from __future__ import annotations

from typing import Final

CLUSTERS: Final = (
    "gcp:container/cluster:Cluster",
    "google-native:container/v1:Cluster",
    "google-native:container/v1beta1:Cluster",
)
POOLS: Final = (
    "gcp:container/nodePool:NodePool",
    "google-native:container/v1:NodePool",
    "google-native:container/v1beta1:NodePool",
)
