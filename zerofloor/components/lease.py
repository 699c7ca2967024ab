"""Leases: when an experiment ends, and what takes its GPUs away then."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import pulumi
import pulumi_kubernetes as k8s

from zerofloor.leases import moment

_YEAR: Final = datetime.timedelta(days=357)
"""A CronJob's schedule has no year. Further away than this a lease would end too early: on the same
day of this year, or at once for a week after it (startingDeadlineSeconds)."""


def now() -> datetime.datetime:
    """The time by which leases are judged: the configuration zerofloor:now if it is set (for tests
    and for a preview of a later day), else the clock's."""
    said = pulumi.Config("zerofloor").get("now")
    return moment(said) if said else datetime.datetime.now(datetime.UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Leased:
    """What a lease ends."""

    name: str
    """Of the ScaledObject or ScaledJob."""
    namespace: Any
    labels: Mapping[str, Any]
    scaler: str
    """scaledobjects or scaledjobs."""
    target: tuple[str, str, str] | None
    """API group, plural and name of what is put to zero; None: a paused ScaledJob makes no more
    Jobs, and those that run end by themselves."""
    ends: datetime.datetime
    image: Any


def declare(parent: pulumi.ComponentResource, name: str, leased: Leased) -> None:
    """A CronJob that pauses the scaler at that minute and puts its target to zero, with the rights
    for just that.

    The scaler is declared as not paused, so an update with a later date takes it back to work.
    """
    if _far(leased):
        pulumi.log.warn(
            f"The lease ends on {leased.ends:%Y-%m-%d}, and a CronJob's schedule has no year: it "
            "is suspended until an update within the last year of the lease.",
            parent,
        )
    child = pulumi.ResourceOptions(parent=parent)
    called = f"{leased.name}-lease"
    metadata: Any = {"name": called, "namespace": leased.namespace, "labels": dict(leased.labels)}
    role: Any = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": called}
    subject: Any = {"kind": "ServiceAccount", "name": called, "namespace": leased.namespace}
    k8s.core.v1.ServiceAccount(f"{name}-lease", metadata=metadata, opts=child)
    k8s.rbac.v1.Role(f"{name}-lease", metadata=metadata, rules=_rules(leased), opts=child)
    k8s.rbac.v1.RoleBinding(
        f"{name}-lease",
        metadata=metadata,
        role_ref=role,
        subjects=[subject],
        opts=child,
    )
    k8s.batch.v1.CronJob(f"{name}-lease", metadata=metadata, spec=_cron_job(leased), opts=child)


def _rules(leased: Leased) -> list[Any]:
    rules: list[Any] = [
        {
            "apiGroups": ["keda.sh"],
            "resources": [leased.scaler],
            "resourceNames": [leased.name],
            "verbs": ["get", "patch"],
        }
    ]
    if leased.target is not None:
        group, plural, target = leased.target
        rules += [
            {
                "apiGroups": [group],
                "resources": [plural],
                "resourceNames": [target],
                "verbs": ["get"],
            },
            {
                "apiGroups": [group],
                "resources": [f"{plural}/scale"],
                "resourceNames": [target],
                "verbs": ["get", "patch", "update"],
            },
        ]
    return rules


def _far(leased: Leased) -> bool:
    return leased.ends - now() > _YEAR


def _cron_job(leased: Leased) -> Any:
    at = leased.ends
    pause = [
        "annotate", f"{leased.scaler}.keda.sh", leased.name, "--overwrite",
        "autoscaling.keda.sh/paused=true",
    ]  # fmt: skip
    steps = [("pause", pause)]
    if leased.target is not None:
        group, plural, target = leased.target
        steps.append(("stop", ["scale", f"{plural}.{group}/{target}", "--replicas=0"]))
    first, last = steps[:-1], steps[-1]
    return {
        # It recurs once a year; by then the preview has long been failing.
        "schedule": f"{at.minute} {at.hour} {at.day} {at.month} *",
        "timeZone": "Etc/UTC",
        "suspend": _far(leased),
        "concurrencyPolicy": "Forbid",
        # A controller that was down at that minute catches up for a week.
        "startingDeadlineSeconds": 7 * 24 * 3600,
        "jobTemplate": {
            "spec": {
                "backoffLimit": 10,
                "activeDeadlineSeconds": 3600,
                "template": {
                    "metadata": {"labels": dict(leased.labels)},
                    "spec": {
                        "serviceAccountName": f"{leased.name}-lease",
                        "restartPolicy": "OnFailure",
                        "securityContext": {
                            "runAsNonRoot": True,
                            "runAsUser": 65532,
                            "seccompProfile": {"type": "RuntimeDefault"},
                        },
                        "initContainers": [_step(leased, *step) for step in first],
                        "containers": [_step(leased, *last)],
                    },
                },
            }
        },
    }


def _step(leased: Leased, name: str, command: list[str]) -> Any:
    return {
        "name": name,
        "image": leased.image,
        "command": [
            "kubectl",
            pulumi.Output.concat("--namespace=", leased.namespace),
            *command,
        ],
        "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        },
    }
