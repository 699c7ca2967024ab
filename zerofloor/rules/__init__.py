"""The rules: one module `gpuNNN_name.py` each, found by listing this package."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache
from typing import Final

from zerofloor.estate import Estate
from zerofloor.gate.organisation import Rules
from zerofloor.leases import KEY
from zerofloor.money import ZERO
from zerofloor.report import Finding, Severity
from zerofloor.rules.inline import carried_waiver
from zerofloor.rules.rule import Judged, Problem, Rule
from zerofloor.stack import Resource
from zerofloor.words import sentence


@cache
def all_rules() -> tuple[Rule, ...]:
    """Every rule, sorted by ID."""
    modules = (
        found.name for found in pkgutil.iter_modules(__path__) if found.name.startswith("gpu")
    )
    return tuple(
        sorted(
            (importlib.import_module(f"{__name__}.{name}").RULE for name in modules),
            key=lambda rule: rule.id,
        )
    )


def find_rule(id_or_name: str) -> Rule | None:
    """The rule with this ID (in either case) or name."""
    return next(
        (
            rule
            for rule in all_rules()
            if id_or_name.lower() == rule.name or id_or_name.upper() == rule.id
        ),
        None,
    )


def known_rules() -> Rules:
    """What the gate must know of the rules."""
    return Rules(
        ids={word: rule.id for rule in all_rules() for word in (rule.id, rule.name)},
        severities={rule.id: rule.severity for rule in all_rules()},
    )


def findings(judged: Judged, rules: Iterable[Rule] | None = None) -> tuple[Finding, ...]:
    """What the rules (all, if none are given) have to say, in the order of the report."""
    chosen = all_rules() if rules is None else tuple(rules)
    first = [
        finding for rule in chosen if rule.scope != "gate" for finding in _findings(rule, judged)
    ]
    judged = replace(judged, findings=tuple(first))
    return in_order(
        [
            *first,
            *(
                finding
                for rule in chosen
                if rule.scope == "gate"
                for finding in _findings(rule, judged)
            ),
        ]
    )


def in_order(found: Iterable[Finding]) -> tuple[Finding, ...]:
    """Sorted: what blocks first, then by severity, cost, rule and URN."""

    def key(finding: Finding) -> tuple[object, ...]:
        amount = (finding.monthly or ZERO).amount
        return (
            finding.waived_by is not None,
            finding.severity.rank,
            -amount,
            finding.rule,
            finding.urn,
            finding.message,
        )

    return tuple(sorted(found, key=key))


def _findings(rule: Rule, judged: Judged) -> Iterator[Finding]:
    chosen = judged.settings.rules.get(rule.id, judged.settings.rules.get(rule.name))
    if chosen == "off":
        return
    for problem in rule.check(judged):
        of_rule = problem.severity or rule.severity
        yield _finding(rule, problem, Severity(chosen) if chosen else of_rule, judged)


def _finding(rule: Rule, problem: Problem, severity: Severity, judged: Judged) -> Finding:
    resource = judged.estate.by_urn.get(problem.urn)
    component = _own_component(judged.estate, resource)
    argument = "" if component is None else _argument_of(problem)
    return Finding(
        rule=rule.id,
        name=rule.name,
        severity=severity,
        urn=problem.urn,
        message=sentence(problem.message),
        fix=sentence(problem.fix.removesuffix(".") + _where_to_say_it(component, argument)),
        declared_fix=problem.fix,
        source=problem.source or _position(judged.estate, component or resource),
        evidence=problem.evidence,
        monthly=problem.monthly,
        up_to=problem.up_to,
        at_most=problem.at_most,
        cost_unknown=problem.cost_unknown,
        change=problem.change,
        gpus=problem.gpus,
        place=problem.place,
        carries="" if resource is None else carried_waiver(resource.inputs),
        argument=argument,
    )


def _position(estate: Estate, resource: Resource | None) -> str | None:
    """Where the program declares it: its own line, or else that of the nearest component around."""
    seen: set[str] = set()
    while resource is not None and resource.urn not in seen:
        if resource.source_position:
            return resource.source_position
        seen.add(resource.urn)
        resource = estate.by_urn.get(resource.parent or "")
    return None


_OWN_COMPONENTS: Final = "zerofloor:index:"

_ARGUMENTS: Final = {
    f"metadata.annotations.{KEY}": "expires_at",
    "spec.minReplicaCount": "min_replicas",
    "spec.cooldownPeriod": "cooldown_seconds",
    "minReplicaCount": "min_replicas",
    "autoscalingPolicy.scaleToZeroWindow": "cooldown_seconds",
    "scalingConfig.minSize": "min_nodes",
    "minSize": "min_instances",
    "warmPool.poolState": "warm_pool",
    "autoscaling.totalMinNodeCount": "min_nodes",
    "autoscalingPolicy.minReplicas": "min_instances",
    "template.scaling.minInstanceCount": "min_instances",
    "minCount": "min_nodes",
    "template.scale.minReplicas": "min_replicas",
    "template.scale.cooldownPeriod": "cooldown_seconds",
}
"""The arguments of zerofloor's components behind the properties that they set."""


def _own_component(estate: Estate, resource: Resource | None) -> Resource | None:
    """The component of ours that made a resource: its line in the program is the one to change."""
    seen: set[str] = set()
    while resource is not None and resource.urn not in seen:
        seen.add(resource.urn)
        if resource.type.startswith(_OWN_COMPONENTS):
            return resource
        resource = estate.by_urn.get(resource.parent or "")
    return None


def _argument_of(problem: Problem) -> str:
    paths = [change.path for change in problem.change]
    if not paths:
        paths = [evidence.path for evidence in problem.evidence]
    return next((_ARGUMENTS[path] for path in paths if path in _ARGUMENTS), "")


def _where_to_say_it(component: Resource | None, argument: str) -> str:
    if component is None:
        return ""
    kind = component.type.removeprefix(_OWN_COMPONENTS)
    return (
        f" ({argument} of {kind} {component.name})"
        if argument
        else f" (made by {kind} {component.name})"
    )
