"""The pack on the engine's Analyzer protocol: it collects what the engine says of each resource and
hands the stack to `judge`.

`Analyze` comes before each resource's step and carries its inputs; `AnalyzeStack` comes after all
of them and carries outputs and links. So
inputs are remembered from the one and judged in the other, as `zerofloor check` would. What a
resource alone decides is reported in
`Analyze` already: an `up` without preview reaches `AnalyzeStack` only when everything is created.
"""

from __future__ import annotations

import datetime
import json
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from google.protobuf import empty_pb2

from zerofloor import __version__, rules
from zerofloor.documents.properties import SENTINELS, inputs_of
from zerofloor.engine.properties import plain
from zerofloor.engine.stubs import pb, plugin_pb
from zerofloor.errors import InputError
from zerofloor.gate.organisation import Written, combined
from zerofloor.judge import judge, judge_resource
from zerofloor.prices.book import PriceBook
from zerofloor.prices.opening import open_for
from zerofloor.report import Finding, Severity
from zerofloor.reports.phrases import cost_of, money_line
from zerofloor.settings import Settings
from zerofloor.settings.finding import POLICY_VARIABLE, read_settings, settings_in
from zerofloor.settings.nodes import Node, node_of
from zerofloor.stack import Resource, Stack

NAME = "zerofloor"
"""The pack's name, and the policy that carries what is no rule's: limits, and failures of our
own."""

PROVIDER = "pulumi:providers:"
"""How the types of providers begin."""

LIMITS = ("maxFloorHourly", "maxDesiredHourly", "maxCeilingHourly")
"""Limits that are properties of their own, beside `settings`."""

ENDS = ("Pulumi.yaml", "Pulumi.yml", "PulumiPolicy.yaml")
"""A folder with one of these is the last in which settings are looked for."""

SCHEMA: Mapping[str, Any] = {
    "settings": {
        "type": "object",
        "description": (
            "The organisation's settings, as in zerofloor.yaml: limits, waivers, hints, and in "
            "`allow` what a repository's own settings may do."
        ),
    },
    "undecided": {
        "type": "string",
        "enum": ["mandatory", "advisory"],
        "description": "What a GPU counts as whose floor can't be decided.",
    },
    **{
        name: {
            "type": "number",
            "minimum": 0,
            "description": "The most that it may cost an hour, in USD.",
        }
        for name in LIMITS
    },
}
"""Configuration of the policy `zerofloor`; the engine checks it, and adds the enforcement level of
each rule by itself."""

DEFAULT_OF_ERRORS = pb.REMEDIATE
"""Blocks as MANDATORY does, since nothing is ever remediated. The engine sends a level for every
policy: so what an organisation set to mandatory can be told from what isn't set."""

SETTING_OF_LEVEL = {
    pb.ADVISORY: "warning",
    pb.MANDATORY: "error",
    pb.REMEDIATE: "error",
    pb.DISABLED: "off",
}


@dataclass(slots=True)
class _Run:
    """One operation on one stack."""

    project: str = ""
    stack: str = ""
    config: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    """Texts that no output may contain, the longest first."""
    judged_by: tuple[PriceBook, Settings, datetime.date] | None = None
    resources: dict[str, Resource] = field(default_factory=dict)
    """By URN, as `Analyze` told them."""
    providers: list[Resource] = field(default_factory=list)
    money: str = ""
    """The totals in a line; empty where there is nothing to count."""
    reported: set[tuple[str, str, bool]] = field(default_factory=set)
    """Rule, URN and whether it blocks, of what was reported already."""


class Pack:
    """Answers the engine's calls. One failure of ours is one blocking diagnostic, never a trace and
    never a pass."""

    def __init__(self, folder: Path, today: datetime.date) -> None:
        self._folder = folder
        self._today = today
        self._config: Mapping[str, Any] = {}
        self._run = _Run()
        self._lock = threading.Lock()

    def Handshake(self, request: Any, context: Any) -> Any:
        return pb.AnalyzerHandshakeResponse()

    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        return plugin_pb.PluginInfo(version=__version__)

    def GetAnalyzerInfo(self, request: Any, context: Any) -> Any:
        own = pb.PolicyInfo(
            name=NAME,
            displayName="Limits and undecided GPUs",
            description="A stack stays within its hourly limits, and its floor can be decided.",
            enforcementLevel=pb.MANDATORY,
            policy_type=pb.POLICY_TYPE_STACK,
        )
        own.configSchema.properties.update(SCHEMA)
        return pb.AnalyzerInfo(
            name=NAME,
            displayName=NAME,
            version=__version__,
            supportsConfig=True,
            policies=[own, *map(_policy, rules.all_rules())],
        )

    def Configure(self, request: Any, context: Any) -> Any:
        with self._lock:
            self._config = {
                name: (one.enforcementLevel, plain(one.properties))
                for name, one in request.policyConfig.items()
            }
            self._run.judged_by = None
        return empty_pb2.Empty()

    def ConfigureStack(self, request: Any, context: Any) -> Any:
        hidden = set(request.config_secret_keys)
        with self._lock:
            self._run = _Run(
                project=request.project,
                stack=request.stack,
                config={key: value for key, value in request.config.items() if key not in hidden},
                secrets=_secret_texts(
                    value for key, value in request.config.items() if key in hidden
                ),
            )
        return pb.AnalyzerStackConfigureResponse()

    def Analyze(self, request: Any, context: Any) -> Any:
        return self._answer(lambda: self._judge_resource(request))

    def AnalyzeStack(self, request: Any, context: Any) -> Any:
        answer = self._answer(lambda: self._judge_stack(request))
        key = (NAME, "totals", False)
        if self._run.money and key not in self._run.reported:
            self._run.reported.add(key)
            answer.diagnostics.append(self._totals(self._run.money))
        return answer

    def Remediate(self, request: Any, context: Any) -> Any:
        return pb.RemediateResponse()

    def Cancel(self, request: Any, context: Any) -> Any:
        return empty_pb2.Empty()

    def _judge_resource(self, request: Any) -> Sequence[Finding]:
        resource = _resource(request)
        if resource is None:
            return ()
        self._run.resources[resource.urn] = resource
        if resource.type.startswith(PROVIDER):
            self._run.providers.append(resource)
        # Of the stack so far only providers and configuration matter: they say the region.
        return judge_resource(resource, self._stack(self._run.providers), *self._judged_by())

    def _judge_stack(self, request: Any) -> Sequence[Finding]:
        resources = []
        for linked in request.resources:
            known = self._run.resources.get(linked.urn) or _resource(linked)
            if known is not None:
                links = {
                    name: tuple(sorted(found.urns))
                    for name, found in sorted(linked.propertyDependencies.items())
                }
                resources.append(
                    replace(
                        known, parent=linked.parent or known.parent, property_dependencies=links
                    )
                )
        report = judge((self._stack(resources),), *self._judged_by())
        if report.gate == "fail" and not any(map(_blocks, report.findings)):
            raise InputError("the gate fails and no finding says why")
        self._run.money = money_line(report)
        return report.findings

    def _stack(self, resources: Sequence[Resource]) -> Stack:
        ordered = tuple(sorted(resources, key=lambda resource: resource.urn))
        return Stack(
            "program",
            ordered,
            self._run.project,
            self._run.stack,
            self._run.config,
            previewed_by="engine",
        )

    def _judged_by(self) -> tuple[PriceBook, Settings, datetime.date]:
        """What to judge by; read once in an operation."""
        if self._run.judged_by is None:
            settings, folder = _settings(self._folder, self._config, self._today)
            self._run.judged_by = (open_for(settings, folder), settings, self._today)
        return self._run.judged_by

    def _answer(self, find: Callable[[], Sequence[Finding]]) -> Any:
        with self._lock:
            try:
                # What a resource alone was only warned for may block once the whole stack is known.
                new = [
                    finding
                    for finding in find()
                    if not {_key(finding), (finding.rule, finding.urn, True)} & self._run.reported
                ]
                answers = [self._diagnostic(finding) for finding in new]
                self._run.reported |= {_key(finding) for finding in new}
            except InputError as error:
                answers = self._failure(str(error))
            except Exception as error:
                # Its text may quote a value: the kind and the place are enough to find it.
                trace = error.__traceback__
                while trace is not None and trace.tb_next is not None:
                    trace = trace.tb_next
                place = (
                    f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"
                    if trace is not None
                    else "unknown place"
                )
                answers = self._failure(
                    f"{type(error).__name__} in {place}; nothing was judged, please report it"
                )
        return pb.AnalyzeResponse(diagnostics=answers)

    def _failure(self, what: str) -> list[Any]:
        if (NAME, what, True) in self._run.reported:
            return []
        self._run.reported.add((NAME, what, True))
        message = self._scrubbed(
            f"zerofloor failed: {what}. Blocked, since a stack that was not judged may hold GPUs."
        )
        return [
            pb.AnalyzeDiagnostic(
                policyName=NAME,
                policyPackName=NAME,
                policyPackVersion=__version__,
                message=message,
                enforcementLevel=pb.MANDATORY,
            )
        ]

    def _diagnostic(self, finding: Finding) -> Any:
        return pb.AnalyzeDiagnostic(
            policyName=finding.rule,
            policyPackName=NAME,
            policyPackVersion=__version__,
            description=finding.name,
            message=self._scrubbed(_text(finding)),
            enforcementLevel=pb.MANDATORY if _blocks(finding) else pb.ADVISORY,
            urn=finding.urn,
        )

    def _totals(self, text: str) -> Any:
        return pb.AnalyzeDiagnostic(
            policyName=NAME,
            policyPackName=NAME,
            policyPackVersion=__version__,
            description="what it costs",
            message=text,
            enforcementLevel=pb.ADVISORY,
        )

    def _scrubbed(self, text: str) -> str:
        for secret in self._run.secrets:
            text = text.replace(secret, "[secret]")
        return text


def _blocks(finding: Finding) -> bool:
    return finding.severity is Severity.ERROR and finding.waived_by is None


def _key(finding: Finding) -> tuple[str, str, bool]:
    return (finding.rule, finding.urn, _blocks(finding))


def _policy(rule: Any) -> Any:
    return pb.PolicyInfo(
        name=rule.id,
        displayName=rule.name,
        description=rule.title,
        message=rule.why,
        enforcementLevel=DEFAULT_OF_ERRORS if rule.severity is Severity.ERROR else pb.ADVISORY,
        policy_type=pb.POLICY_TYPE_RESOURCE if rule.scope == "resource" else pb.POLICY_TYPE_STACK,
        remediation_steps=rule.fix,
    )


def _resource(request: Any) -> Resource | None:
    """The resource in an AnalyzeRequest or an AnalyzerResource; None for a default provider, which
    no document shows either."""
    provider_itself = request.type.startswith(PROVIDER)
    if provider_itself and request.name.partition("_")[0] == "default":
        return None
    provided = request.HasField("provider")
    return Resource(
        urn=request.urn,
        type=request.type,
        name=request.name,
        inputs=inputs_of(request.type, plain(request.properties)),
        parent=request.options.parent or None,
        provider=f"{request.provider.urn}::{SENTINELS[0]}" if provided else None,
        ignore_changes=tuple(request.options.ignoreChanges),
        custom=provided or provider_itself,
    )


def _text(finding: Finding) -> str:
    lines = [f"{finding.message} ({finding.source})" if finding.source else finding.message]
    if finding.monthly is not None:
        lines.append(f"Costs {cost_of(finding)}.")
    if finding.waived_by is not None:
        lines.append(f"Waived by {finding.waived_by}.")
    elif finding.fix:
        lines.append(f"Fix: {finding.fix}")
    return "\n".join(lines)


def _secret_texts(values: Any) -> tuple[str, ...]:
    """The texts of secret config values, and of each leaf where one is an object; very short ones
    would be found in any text."""
    found: set[str] = set()

    def collect(value: Any) -> None:
        if isinstance(value, Mapping):
            for part in value.values():
                collect(part)
        elif isinstance(value, list):
            for part in value:
                collect(part)
        elif len(str(value)) >= 4:
            found.add(str(value))

    for text in values:
        collect(text)
        if text[:1] in "[{":
            try:
                collect(json.loads(text))
            except (ValueError, RecursionError):
                continue
    return tuple(sorted(found, key=lambda text: (-len(text), text)))


def _settings(
    folder: Path, config: Mapping[str, tuple[int, Mapping[str, Any]]], today: datetime.date
) -> tuple[Settings, Path]:
    """The settings in force, and the folder of the repository's own.

    The organisation's are the file that ZEROFLOOR_POLICY names and the engine's configuration of
    the pack; the repository's stand in the program's folder or above it, up to the project's.
    """
    organisation = []
    policy = os.environ.get(POLICY_VARIABLE)
    if policy:
        path = Path(policy)
        organisation.append(Written(node=read_settings(path), folder=path.parent))
    configured = _configured(config)
    if configured is not None:
        organisation.append(Written(node=configured, folder=folder))
    found = _settings_near(folder)
    own = None if found is None else Written(node=found[0], folder=found[1])
    settings = combined(organisation, own, rules.known_rules(), today)
    return settings, folder if found is None else found[1]


def _settings_near(folder: Path) -> tuple[Node, Path] | None:
    for place in (folder, *folder.parents):
        node = settings_in(place)
        if node is not None:
            return node, place
        if any((place / name).is_file() for name in ENDS):
            break
    return None


def _configured(config: Mapping[str, tuple[int, Mapping[str, Any]]]) -> Node | None:
    """What an organisation configured the pack with, as settings; None where it did not."""
    default = {rule.id: _policy(rule).enforcementLevel for rule in rules.all_rules()}
    levels = {
        name: SETTING_OF_LEVEL[level]
        for name, (level, _) in config.items()
        if name in default and level != default[name]
    }
    properties = dict(config.get(NAME, (0, {}))[1])
    settings = dict(properties.get("settings") or {})
    limits = {name: properties[name] for name in LIMITS if name in properties}
    undecided = {"mandatory": "error", "advisory": "warning"}.get(properties.get("undecided", ""))
    if levels:
        settings["rules"] = {**(settings.get("rules") or {}), **levels}
    if limits:
        settings["limits"] = {**(settings.get("limits") or {}), **limits}
    if undecided:
        settings["undecided"] = undecided
    return node_of(settings, "the policy pack's configuration") if settings else None
