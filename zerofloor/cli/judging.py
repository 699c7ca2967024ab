"""From stacks to a report, with the prices and the baseline that the options ask for."""

from __future__ import annotations

import datetime
import os
from collections.abc import Sequence
from pathlib import Path

from zerofloor.cli.inputs import Reading, open_prices, read_documents
from zerofloor.cli.output import say
from zerofloor.cost.baseline import Baseline, of_estimate, of_report
from zerofloor.cost.choice import machine_keys
from zerofloor.errors import InputError
from zerofloor.gate import baseline as findings_baseline
from zerofloor.gate.baseline import Baseline as KnownFindings
from zerofloor.gate.baseline import FailOn
from zerofloor.judge import judge
from zerofloor.prices.book import Table
from zerofloor.report import Report
from zerofloor.settings import Settings
from zerofloor.stack import Stack
from zerofloor.structs import Value


class Asked(Value, frozen=True):
    """What the options say about prices and comparison."""

    today: datetime.date
    live: bool = False
    offline_ok: bool = False
    """With `live`: where AWS can't be asked, the run goes on with the snapshot."""
    against: Path | None = None
    """A JSON report or a stack export to compare with."""
    known: KnownFindings | None = None
    """Findings that were there before."""
    fail_on: FailOn = "worse"


def known_findings(path: Path | None) -> KnownFindings | None:
    """The baseline of findings in a file. Raises InputError where it is none."""
    return None if path is None else findings_baseline.read(path)


def report_on(stacks: Sequence[Stack], settings: Settings, folder: Path, asked: Asked) -> Report:
    """The report on one estate; `folder` is that of the settings.

    Raises InputError where the settings, the user's prices or the baseline can't be read, or live
    prices can't be had and must be.
    """
    baseline = (
        _baseline(asked.against, settings, folder, asked.today)
        if asked.against is not None
        else None
    )
    report = judge(stacks, open_prices(settings, folder), settings, asked.today, baseline=baseline)
    live = _live(report, asked) if asked.live else None
    if live is not None:
        prices = open_prices(settings, folder, live, asked.today.isoformat())
        report = judge(stacks, prices, settings, asked.today, baseline=baseline)
    if asked.known is None:
        return report
    return findings_baseline.compared(report, asked.known, asked.fail_on)


def _live(report: Report, asked: Asked) -> Table | None:
    """Today's prices of what the report's entries run on: from the user-side book where it has
    them, else fetched into it."""
    from zerofloor.prices.live import LiveFailed, boto_clients
    from zerofloor.prices.update import cached, default_path, update

    keys = machine_keys(report.floor)
    if not keys:
        return None
    path = default_path(os.environ)
    try:
        found = cached(path, keys, asked.today)
        return (
            update(path, keys, boto_clients(), datetime.datetime.now(datetime.UTC))
            if found is None
            else found
        )
    except LiveFailed as error:
        if not asked.offline_ok:
            raise
        say(f"{error}; going on with the snapshot")
        return None


def _baseline(path: Path, settings: Settings, folder: Path, today: datetime.date) -> Baseline:
    import json

    try:
        decoded = json.loads(path.read_bytes())
    except OSError as error:
        raise InputError(f"{path}: can't be read: {error.strerror or error}") from None
    except (ValueError, RecursionError):
        decoded = None
    if decoded is None or (isinstance(decoded, dict) and "schema" in decoded):
        return of_report(decoded, str(path))
    stacks = read_documents(str(path), Reading())
    return of_estimate(
        judge(stacks, open_prices(settings, folder), settings, today).estimate, str(path)
    )
