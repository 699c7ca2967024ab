"""Two owners of settings: the organisation's are a floor and say what the repository's own may do.
What is not allowed is ignored and named."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from zerofloor.gate.names import check_names
from zerofloor.gate.waivers import is_everything, matches, named
from zerofloor.settings import Allow, InForce, Refused, Settings, Source, Waiver
from zerofloor.settings.nodes import Node, merged
from zerofloor.settings.parsing import camel, given_paths, settings_of
from zerofloor.structs import Value
from zerofloor.words import counted, number

RANK: Final[Mapping[str, int]] = {"off": 0, "info": 1, "warning": 2, "error": 3}

ONLY_ORGANISATION: Final = "only the organisation's settings may say this"


class Written(Value, frozen=True):
    """A settings document as it was written, and whose it is."""

    node: Node
    folder: Path
    """What its relative paths are relative to."""


class Rules(Value, frozen=True):
    """What is to be known of the rules here: this layer is below them."""

    ids: Mapping[str, str]
    """A rule's ID by its ID and by its name."""
    severities: Mapping[str, str]
    """A rule's own severity by its ID."""


def combined(
    organisation: Sequence[Written],
    repository: Written | None,
    rules: Rules,
    today: datetime.date,
) -> Settings:
    """The settings in force.

    Raises InputError where a document has a mistake, or names a rule, cloud or region that there
    is not.
    """
    sources = tuple(Source(one.node.file, "organisation") for one in organisation)
    if repository is not None:
        sources += (Source(repository.node.file, "repository"),)
    if not organisation:
        found = Settings() if repository is None else _settings(repository, rules)
        return msgspec.structs.replace(found, in_force=InForce(sources=sources))
    node = organisation[0].node
    for one in organisation[1:]:
        node = merged(node, one.node)
    policy = _settings(Written(node=node, folder=organisation[0].folder), rules)
    allow = policy.allow or Allow()
    if repository is None:
        in_force = InForce(sources=sources, inline_waivers=allow.inline_waivers)
        return msgspec.structs.replace(policy, in_force=in_force)
    return _Restricting(policy, allow, repository, rules, today).result(sources)


def _settings(written: Written, rules: Rules) -> Settings:
    found = settings_of(written.node)
    check_names(written.node, rules.ids)
    if found.prices is None:
        return found
    return msgspec.structs.replace(found, prices=str((written.folder / found.prices).absolute()))


class _Restricting:
    """One repository's settings under a policy."""

    def __init__(
        self,
        policy: Settings,
        allow: Allow,
        written: Written,
        rules: Rules,
        today: datetime.date,
    ) -> None:
        self.policy = policy
        self.allow = allow
        self.rules = rules
        self.today = today
        self.own = _settings(written, rules)
        self.given = dict(given_paths(written.node))
        self.refused: list[Refused] = []

    def result(self, sources: tuple[Source, ...]) -> Settings:
        changed: dict[str, Any] = {
            "trust": self.trust(),
            "hints": self.hints(),
            "answers": self.answers(),
            "caps": self.lower("caps", self.policy.caps, self.own.caps),
            "limits": self.limits(),
            "waivers": self.waivers(),
            "rules": self.severities(),
            "undecided": self.undecided(),
            "prices": self.prices(),
            "traffic": self.described("traffic", self.policy.traffic, self.own.traffic),
            "serverless": self.described("serverless", self.policy.serverless, self.own.serverless),
            "cold_start": self.described("coldStart", self.policy.cold_start, self.own.cold_start),
            "docs": self.policy.docs or self.own.docs,
            "region": {**self.own.region, **self.policy.region},
        }
        if "noticedAfterDays" in self.given:
            changed["noticed_after_days"] = self.own.noticed_after_days
        if self.own.allow is not None:
            self.refuse("allow", "allow", ONLY_ORGANISATION)
        in_force = InForce(
            sources=sources,
            refused=tuple(self.refused),
            inline_waivers=self.allow.inline_waivers,
        )
        return msgspec.structs.replace(self.policy, **changed, in_force=in_force)

    def refuse(self, path: str, what: str, why: str) -> None:
        node = self.given.get(path)
        if node is None:
            below = (node for name, node in self.given.items() if name.startswith(f"{path}."))
            node = next(below, None)
        self.refused.append(Refused(node.place if node else "zerofloor.yaml", what, why))

    def trust(self) -> Any:
        """Less trust than the organisation has is always allowed."""
        changed = {}
        for field in self.policy.trust.__struct_fields__:
            path = f"trust.{camel(field)}"
            if path not in self.given:
                continue
            own, theirs = getattr(self.own.trust, field), getattr(self.policy.trust, field)
            if self.allow.trust or own is False or own == theirs:
                changed[field] = own
            else:
                self.refuse(path, f"{path}: {_shown(own)}", "the organisation doesn't trust it")
        return msgspec.structs.replace(self.policy.trust, **changed)

    def hints(self) -> Any:
        own, theirs = self.own.hints, self.policy.hints
        if self.allow.hints:
            return msgspec.structs.replace(
                theirs,
                instances=theirs.instances + own.instances,
                workloads=theirs.workloads + own.workloads,
            )
        for instance in own.instances:
            what = f"hint for {instance.instance_type}: {counted(instance.gpus, 'GPU')}"
            self.refuse("hints.instances", what, "hints are the organisation's")
        for workload in own.workloads:
            what = f"hint for {workload.urn}: runs {workload.runs} ({workload.reason})"
            self.refuse("hints.workloads", what, "hints are the organisation's")
        return theirs

    def answers(self) -> Mapping[str, Any]:
        if self.own.answers and not self.allow.hints:
            self.refuse("answers", "answers", "answers to look-ups are the organisation's")
            return self.policy.answers
        return {**self.own.answers, **self.policy.answers}

    def lower(self, section: str, theirs: Any, own: Any) -> Any:
        """The lower of two numbers each; a higher one is refused."""
        changed = {}
        for field in theirs.__struct_fields__:
            path = f"{section}.{camel(field)}"
            if path not in self.given or field == "scoped":
                continue
            value, limit = getattr(own, field), getattr(theirs, field)
            if value is None or (limit is not None and value > limit):
                why = f"the organisation allows {_shown(limit)}"
                if limit is not None:
                    self.refuse(path, f"{path}: {_shown(value)}", why)
            else:
                changed[field] = value
        if "places" in theirs.__struct_fields__:
            keys = {camel(field) for field in changed} & own.places.keys()
            changed["places"] = theirs.places | {key: own.places[key] for key in keys}
        return msgspec.structs.replace(theirs, **changed)

    def limits(self) -> Any:
        """Both owners' scoped limits hold."""
        found = self.lower("limits", self.policy.limits, self.own.limits)
        return msgspec.structs.replace(found, scoped=found.scoped + self.own.limits.scoped)

    def waivers(self) -> tuple[Waiver, ...]:
        kept = []
        nodes = self.given.get("waivers")
        places = nodes.value if nodes is not None and isinstance(nodes.value, list) else []
        for index, waiver in enumerate(self.own.waivers):
            whys = list(self.against(waiver))
            place = places[index].place if index < len(places) else "zerofloor.yaml"
            if whys:
                what = f"waiver of {waiver.owner} for {named(waiver)}"
                self.refused.append(Refused(place, what, " and ".join(whys)))
            else:
                kept.append(waiver)
        return (*self.policy.waivers, *kept)

    def against(self, waiver: Waiver) -> Iterator[str]:
        """What the organisation has against a waiver."""
        allowed = self.allow.waivers
        if allowed is None:
            yield "waivers are the organisation's"
            return
        most, gpus = allowed.max_monthly_usd, allowed.max_gpus
        if most is not None and waiver.max_monthly_usd > most:
            yield f"a cap of ${number(waiver.max_monthly_usd)} a month is above ${number(most)}"
        if gpus is not None and (waiver.max_gpus is None or waiver.max_gpus > gpus):
            yield f"maxGpus must be at most {number(gpus)}"
        days = (waiver.expires - self.today).days
        if allowed.max_days is not None and days > allowed.max_days:
            yield f"it ends in {counted(days, 'day')}, at most {allowed.max_days} are allowed"
        if allowed.owners and not any(matches(one, waiver.owner) for one in allowed.owners):
            yield f"{waiver.owner} is not among the owners {', '.join(allowed.owners)}"
        if waiver.rule == "*" and not allowed.every_rule:
            yield "it must name a rule"
        if waiver.urn is not None and is_everything(waiver.urn) and not allowed.every_resource:
            yield "its URN pattern matches everything"
        if waiver.urn is None and not self.allow.inline_waivers:
            yield "waivers by a tag on the resource are not allowed"

    def severities(self) -> Mapping[str, Literal["error", "warning", "off"]]:
        """The organisation's levels are a floor, also where they equal a rule's own."""
        levels = {
            self.rules.ids.get(name, name): level for name, level in self.policy.rules.items()
        }
        for name, level in self.own.rules.items():
            rule = self.rules.ids.get(name, name)
            least = levels.get(rule) or self.rules.severities.get(rule, "error")
            if RANK[level] >= RANK[least] or self.allow.lower_severities:
                levels[rule] = level
            else:
                self.refuse(
                    f"rules.{name}",
                    f"rules.{name}: {level}",
                    f"the organisation's level is {least}",
                )
        return levels

    def undecided(self) -> Literal["error", "warning"]:
        if "undecided" not in self.given:
            return self.policy.undecided
        if (
            self.own.undecided == "warning"
            and self.policy.undecided == "error"
            and not self.allow.lower_severities
        ):
            self.refuse("undecided", "undecided: warning", "the organisation's level is error")
            return "error"
        return self.own.undecided

    def prices(self) -> str | None:
        if self.own.prices is None or self.allow.prices:
            return self.own.prices or self.policy.prices
        self.refuse("prices", "prices", "price files are the organisation's")
        return self.policy.prices

    def described(self, section: str, theirs: Any, own: Any) -> Any:
        """What only describes: the repository knows it best."""
        changed = {
            field: getattr(own, field)
            for field in own.__struct_fields__
            if f"{section}.{camel(field)}" in self.given
        }
        return msgspec.structs.replace(theirs, **changed)


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Decimal | int):
        return number(value)
    return "none" if value is None else str(value)
