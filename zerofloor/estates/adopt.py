"""From an audit to what a platform team merges: from then on only new waste is blocked."""

from __future__ import annotations

import datetime
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import ROUND_CEILING, Decimal
from importlib import resources
from typing import Final, Literal

from zerofloor.errors import InputError
from zerofloor.estates.values import Audit, Seen
from zerofloor.gate.baseline import PRICES_MOVED, SCHEMA, most_of
from zerofloor.gate.waivers import NEVER_WAIVED, concerns, refusal
from zerofloor.money import Money
from zerofloor.report import Finding, Severity
from zerofloor.reports.json_report import dump
from zerofloor.reports.markdown import code, escaped
from zerofloor.reports.visible import visible
from zerofloor.settings import Waiver
from zerofloor.structs import Value
from zerofloor.words import counted, dollars

CI = Literal["github", "gitlab", "none"]

WAIVERS: Final = "policy/waivers.yaml"

BASELINE: Final = "policy/baseline.json"

IN_FORCE: Final = "policy/audited.yaml"

NO_OWNER: Final = "unassigned"

_BLOCKS: Final = Severity.ERROR


class File(Value, frozen=True):
    """A file to merge."""

    path: str
    """Relative to the folder that is asked for."""
    text: str
    reason: str
    """Why it is there, as a sentence."""


class Plan(Value, frozen=True, kw_only=True):
    """What to write, and what it can't do."""

    files: tuple[File, ...]
    waivers: tuple[Waiver, ...]
    blocking: tuple[Seen, ...]
    """The findings that fail a gate today: each must be permitted by a waiver."""


class Terms(Value, frozen=True, kw_only=True):
    """On what terms today's waste is permitted."""

    today: datetime.date
    days: int
    """How long the waivers hold."""
    owner: str = NO_OWNER
    """Of what has no owner by its tags."""
    ci: CI = "github"


def plan(audit: Audit, terms: Terms) -> Plan:
    """The files for an audit, the same for the same audit and terms.

    Raises InputError where its costs are in a currency that waivers can't limit.
    """
    if audit.currency != "USD":
        raise InputError(
            f"waivers limit costs in USD, and the audit is in {audit.currency}: audit it without "
            "prices of your own"
        )
    blocking = tuple(seen for seen in audit.findings if seen.blocks)
    waivers = tuple(_waivers(audit, blocking, terms))
    known = [
        seen
        for seen, _ in uncovered(blocking, waivers, terms.today)
        if seen.name not in NEVER_WAIVED
    ]
    files = [
        File(WAIVERS, _waivers_text(audit, waivers, blocking), _WHY["waivers"]),
        File("policy/zerofloor.yaml", _POLICY, _WHY["policy"]),
        File("repository/zerofloor.yaml", _REPOSITORY, _WHY["repository"]),
        *_ci_files(audit, terms.ci, baseline=bool(known)),
    ]
    if audit.in_force:
        files.append(File(IN_FORCE, _in_force_text(audit), _WHY["in force"]))
    if known:
        files.insert(1, File(BASELINE, _baseline_text(audit, known), _WHY["baseline"]))
    readme = File("README.md", _readme(audit, files, waivers, blocking, terms), _WHY["readme"])
    return Plan(files=(readme, *files), waivers=waivers, blocking=blocking)


def uncovered(
    blocking: Iterable[Seen], waivers: Sequence[Waiver], today: datetime.date
) -> Iterator[tuple[Seen, str]]:
    """The findings that no waiver permits, with the reason."""
    for seen in blocking:
        finding = _finding(seen)
        mine = [waiver for waiver in waivers if concerns(waiver, finding)]
        whys = [refusal(waiver, finding, today) for waiver in mine]
        if not mine:
            yield seen, "no waiver is for it"
        elif None not in whys:
            yield seen, f"its waiver {whys[0]}"


def _waivers(audit: Audit, blocking: Sequence[Seen], terms: Terms) -> Iterator[Waiver]:
    """One for each rule and resource: seen alone or with its cluster's other stacks, the larger
    cost is permitted, since either gate may see it."""
    by_place: dict[tuple[str, str], list[Seen]] = defaultdict(list)
    for seen in blocking:
        if seen.urn and seen.name not in NEVER_WAIVED:
            by_place[seen.urn, seen.rule].append(seen)
    for (urn, rule), some in sorted(by_place.items()):
        costs = [seen.up_to or seen.monthly or Decimal(0) for seen in some]
        gpus = [seen.gpus for seen in some if seen.gpus is not None]
        yield Waiver(
            rule=rule,
            urn=urn,
            reason=f"Idle when zerofloor was adopted (audit of {audit.today.isoformat()})",
            owner=next((seen.owner for seen in some if seen.owner), terms.owner),
            expires=terms.today + datetime.timedelta(days=terms.days),
            max_monthly_usd=(max(costs) * PRICES_MOVED).to_integral_value(ROUND_CEILING),
            max_gpus=max(gpus) if len(gpus) == len(some) else None,
        )


def _baseline_text(audit: Audit, known: Iterable[Seen]) -> str:
    """The findings that no waiver can permit, as `zerofloor baseline` writes them."""
    by_print = {seen.fingerprint: seen for seen in known}
    findings = [
        {
            "fingerprint": fingerprint,
            "rule": seen.rule,
            "urn": seen.urn,
            "stack": seen.identity,
            "message": seen.message,
            "monthly": None
            if seen.monthly is None
            else {"amount": f"{seen.monthly:f}", "currency": audit.currency},
            "most": most_of(_finding(seen)),
            "gpus": None if seen.gpus is None else str(seen.gpus),
            "cost_unknown": seen.cost_unknown,
        }
        for fingerprint, seen in sorted(by_print.items())
    ]
    return dump({"schema": SCHEMA, "snapshot": audit.snapshot, "findings": findings})


def _finding(seen: Seen) -> Finding:
    return Finding(
        rule=seen.rule,
        name=seen.name,
        severity=_BLOCKS,
        urn=seen.urn,
        message=seen.message,
        fix="",
        monthly=None if seen.monthly is None else Money(seen.monthly),
        up_to=None if seen.up_to is None else Money(seen.up_to),
        cost_unknown=seen.cost_unknown,
        gpus=seen.gpus,
    )


def _in_force_text(audit: Audit) -> str:
    named = ", ".join(map(visible, audit.settings))
    return f"# The settings of {named}, under which the audit was made.\n{dump(audit.in_force)}"


def _waivers_text(audit: Audit, waivers: Sequence[Waiver], blocking: Sequence[Seen]) -> str:
    said = {(seen.urn, seen.rule): seen for seen in blocking}
    lines = [
        "# What idled on the day of adoption. A waiver has an owner, a last day and a cap: a day",
        "# later, or above the cap, its finding blocks again. Remove a waiver with its waste.",
    ]
    if audit.in_force:
        lines.append(f"extends: {IN_FORCE.rpartition('/')[2]}")
    if not waivers:
        return "\n".join([*lines, "waivers: []"]) + "\n"
    lines.append("waivers:")
    for one in waivers:
        seen = said[one.urn or "", one.rule]
        lines += [
            f"  # {visible(f'{seen.stack}: {seen.message}')}",
            f"  - rule: {one.rule}",
            f"    urn: {json.dumps(one.urn)}",
            f"    reason: {json.dumps(one.reason)}",
            f"    owner: {json.dumps(one.owner)}",
            f"    expires: {one.expires.isoformat()}",
            f"    maxMonthlyUsd: {one.max_monthly_usd:f}",
        ]
        if one.max_gpus is not None:
            lines.append(f"    maxGpus: {one.max_gpus.normalize():f}")
    return "\n".join(lines) + "\n"


_POLICY: Final = """\
# The organisation's settings: pass them to every run (--policy, ZEROFLOOR_POLICY, or the pack's
# configuration). They are a floor: a repository may only be stricter.
extends: waivers.yaml
undecided: error          # what can't be determined blocks, too
noticedAfterDays: 7       # the audit of each Monday finds what is forgotten
# Left out: a repository may write no waivers, hints or prices of its own. To allow some:
# allow:
#   waivers: {maxMonthlyUsd: 500, maxDays: 30}
"""

_REPOSITORY: Final = """\
# The settings of one repository, beside its Pulumi.yaml. It may raise severities, lower limits and
# describe its traffic, for example:
# traffic: {busyHoursPerWeek: 40}
# limits: {maxCeilingHourly: 50}
{}
"""

_WHY: Final[Mapping[str, str]] = {
    "readme": "Names every file with its reason, and who owns what idles.",
    "waivers": "Permits what idles today, each with an owner, a last day and a cap, so that no "
    "stack fails on the first day.",
    "baseline": "Knows what no waiver can permit, since its cost is unknown in its stack alone; "
    "what grows or is new still fails (--baseline-findings).",
    "policy": "The organisation's settings, which hold for every repository; they add the waivers.",
    "in force": "The settings under which the audit was made, so that each gate judges as it did.",
    "repository": "The settings of one repository: copy it beside each Pulumi.yaml.",
    "gate": "Judges each pull request: only what is new fails. Copy it into each repository.",
    "audit": "Audits the backend each Monday and keeps one issue with what idles.",
}


def _ci_files(audit: Audit, ci: CI, *, baseline: bool) -> Iterator[File]:
    if ci == "github":
        gate = _template("github_gate")
        if baseline:
            gate += f"          baseline-findings: .policies/{BASELINE}\n"
        yield File("repository/.github/workflows/zerofloor.yml", gate, _WHY["gate"])
        text = _template("github_audit").replace("BACKEND-ADDRESS", json.dumps(audit.backend))
        yield File(".github/workflows/zerofloor-audit.yml", text, _WHY["audit"])
    elif ci == "gitlab":
        gate = _template("gitlab_gate")
        if baseline:
            gate += f"      baseline-findings: {BASELINE}\n"
        yield File("repository/.gitlab-ci.yml", gate, _WHY["gate"])


def _template(name: str) -> str:
    folder = resources.files("zerofloor.estates").joinpath("templates")
    return folder.joinpath(f"{name}.yaml").read_text(encoding="utf-8")


def _readme(
    audit: Audit,
    files: Sequence[File],
    waivers: Sequence[Waiver],
    blocking: Sequence[Seen],
    terms: Terms,
) -> str:
    last = terms.today + datetime.timedelta(days=terms.days)
    lines = [
        "# Adopting zerofloor",
        "",
        f"From the audit of {code(audit.backend)} on {audit.today.isoformat()}: "
        f"{counted(len(audit.stacks), 'stack')}, {dollars(Money(audit.monthly))} a month idle. "
        f"Its findings are waived until {last.isoformat()}; what is new or larger is blocked.",
        "",
        "| file | reason |",
        "|---|---|",
        *(f"| {code(file.path)} | {escaped(file.reason)} |" for file in files),
        "",
        "1. Replace `YOUR-ORG` and `COMMIT` in the workflow files.",
        "2. Merge this folder into the repository of your policies.",
        "3. Copy `repository/` into each repository with a Pulumi program.",
        "4. Ask each owner below to fix what they own before the last day, largest first.",
        "",
        "| owner | waivers | a month |",
        "|---|--:|--:|",
    ]
    costs = {(seen.urn, seen.rule): seen.monthly or Decimal(0) for seen in blocking}
    by_owner: dict[str, list[Waiver]] = defaultdict(list)
    for waiver in waivers:
        by_owner[waiver.owner].append(waiver)
    for owner, some in sorted(by_owner.items()):
        total = sum((costs[one.urn or "", one.rule] for one in some), Decimal(0))
        lines.append(f"| {escaped(owner)} | {len(some)} | {escaped(dollars(Money(total)))} |")
    return "\n".join(lines) + "\n"
