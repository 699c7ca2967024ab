"""Pods and the nodes under them while a trace is played: placed, started, removed, reclaimed."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final

from zerofloor.hardware.instances import Shape
from zerofloor.platforms.loops import Policy
from zerofloor.structs import Value


class Kind(Value, frozen=True):
    """What a node is."""

    pool: str
    """The pool's key; empty where no pool of the document has it."""
    shape: Shape | None
    """None where it isn't known."""
    room: int
    """Pods of the workload that it takes."""


class Plan(Value, frozen=True, kw_only=True):
    """How replicas come to run."""

    kinds: tuple[Kind, ...]
    """By the number of pods that a new node is for: the first is the node for one pod. One kind
    only: every node is of it."""
    most: int
    """Pods that all pools can take."""
    reclaim: float
    """Seconds from a node's last pod until it is gone."""
    budget: Policy | None = None
    """How many of the nodes may be removed in one pass (Karpenter); None: all."""
    keeps: bool = False
    """True where a node that was provisioned is never removed."""
    standing: tuple[tuple[Kind, int], ...] = ()
    """Nodes that are there whatever happens."""
    is_service: bool = False
    """True where a replica is an instance of a managed service: no node is shared or kept."""
    pods_per_replica: int = 1


class Starting(Value, frozen=True, kw_only=True):
    """Seconds of each part of a cold start."""

    node: float
    image: float
    load: float


AT_ONCE: Final = Starting(node=0.0, image=0.0, load=0.0)
PASS: Final = 30.0
"""Seconds between two passes of Karpenter's disruption loop that remove a node: a look every 10 s,
15 s of validation, drain (seen in the lab: 25 to 40)."""

TOGETHER: Final = 5.0
"""Seconds by which a node may get empty after another one and still go in its pass: half of those
between two looks."""


@dataclass(slots=True, eq=False)
class Node:
    """One node, from its launch on."""

    kind: Kind
    launched: float
    image: float
    """From when on the image is there."""
    is_standing: bool = False
    pods: list[Pod] = field(default_factory=list)
    first_ready: float = math.inf
    """When a pod on it first answered."""
    empty_since: float = math.inf
    gone: float = math.inf


@dataclass(slots=True, eq=False)
class Pod:
    """One pod; without a node it waits for room."""

    made: float
    node: Node | None = None
    ready: float = math.inf


class Fleet:
    """All pods and nodes. Time only moves on: what is asked of a moment is asked in order."""

    def __init__(self, plan: Plan, starting: Starting, replicas: int) -> None:
        self.plan = plan
        self.starting = starting
        self.nodes: list[Node] = []
        self.past: list[Node] = []
        """Nodes that are gone."""
        self.pods: list[Pod] = []
        self.started = 0
        """Pods that were started after the beginning."""
        self._last_pass = -math.inf
        for kind, count in plan.standing:
            self.nodes += [Node(kind, 0.0, 0.0, is_standing=True) for _ in range(count)]
        self.pods = [Pod(0.0) for _ in range(replicas * plan.pods_per_replica)]
        self._place_waiting(0.0, AT_ONCE)

    @property
    def replicas(self) -> int:
        return len(self.pods) // self.plan.pods_per_replica

    def ready(self, at: float) -> int:
        """Replicas that answer."""
        return sum(1 for pod in self.pods if pod.ready <= at) // self.plan.pods_per_replica

    def next_ready(self, after: float) -> float:
        """When the next pod gets ready; infinite where none will."""
        return min((pod.ready for pod in self.pods if pod.ready > after), default=math.inf)

    def scale(self, to: int, at: float) -> None:
        """Start or remove pods, as a ReplicaSet does."""
        self.reclaim(at)
        wanted = to * self.plan.pods_per_replica
        if wanted < len(self.pods):
            self._remove(len(self.pods) - wanted, at)
        more = max(0, wanted - len(self.pods))
        self.started += more
        self.pods += [Pod(at) for _ in range(more)]
        self._place_waiting(at, self.starting)

    def reclaim(self, until: float) -> None:
        """Remove the nodes whose time is over, one pass after the other."""
        while True:
            empty = [node for node in self.nodes if self._removable(node) <= until + TOGETHER]
            if not empty:
                return
            empty.sort(key=lambda node: (node.empty_since, node.launched))
            many = self._at_a_time()
            first = max(self._removable(empty[0]), self._last_pass + self._gap())
            if first > until:
                return
            self._last_pass = first
            for node in [one for one in empty if self._removable(one) <= first + TOGETHER][:many]:
                node.gone = max(first, self._removable(node))
                self.nodes.remove(node)
                self.past.append(node)

    def next_reclaim(self) -> float:
        """When the next node goes, if nothing else happens."""
        due = min(map(self._removable, self.nodes), default=math.inf)
        return max(due, self._last_pass + self._gap()) if due < math.inf else due

    def _at_a_time(self) -> int:
        """Nodes that one pass may remove; a share is rounded up."""
        budget = self.plan.budget
        if budget is None:
            return len(self.nodes)
        share = len(self.nodes) * budget.amount / 100 if budget.is_percent else budget.amount
        return max(1, math.ceil(share - 1e-9))

    def _gap(self) -> float:
        return 0.0 if self.plan.budget is None else PASS

    def _removable(self, node: Node) -> float:
        """From when on a node may go."""
        if node.is_standing or self.plan.keeps or node.pods:
            return math.inf
        return node.empty_since + self.plan.reclaim

    def _place_waiting(self, at: float, starting: Starting) -> None:
        """Each waiting pod onto the emptiest node that has room, else onto a new node."""
        waiting = [pod for pod in self.pods if pod.node is None]
        placed = len(self.pods) - len(waiting)
        for index, pod in enumerate(waiting[: max(0, self.plan.most - placed)]):
            free = [node for node in self.nodes if len(node.pods) < node.kind.room]
            if free and not self.plan.is_service:
                node = min(free, key=lambda one: (len(one.pods), one.launched))
            else:
                node = self._new_node(at, len(waiting) - index, starting)
            pod.node = node
            pod.ready = max(at, node.image) + starting.load
            node.pods.append(pod)
            node.empty_since = math.inf
            node.first_ready = min(node.first_ready, pod.ready)

    def _new_node(self, at: float, together: int, starting: Starting) -> Node:
        """A node for so many pods that wait together."""
        kind = self.plan.kinds[min(together, len(self.plan.kinds)) - 1]
        node = Node(kind, at, at + starting.node + starting.image)
        self.nodes.append(node)
        return node

    def _remove(self, count: int, at: float) -> None:
        """Pods without a node first, then those not ready, then where most share a node, then the
        youngest (Kubernetes, controller.ActivePodsWithRanks)."""

        def rank(pod: Pod) -> tuple[bool, bool, int, float, float]:
            on_node = 0 if pod.node is None else len(pod.node.pods)
            return pod.node is not None, pod.ready <= at, -on_node, -pod.ready, -pod.made

        for _ in range(count):
            pod = min(self.pods, key=rank)
            self.pods.remove(pod)
            node = pod.node
            if node is None:
                continue
            node.pods.remove(pod)
            if not node.pods:
                node.empty_since = at
                if self.plan.is_service:
                    node.gone = at
                    self.nodes.remove(node)
                    self.past.append(node)
