"""From the options of a command to an audit: what `audit` and `adopt` do alike."""

from __future__ import annotations

import datetime
import os
from pathlib import Path
from typing import TYPE_CHECKING

from zerofloor.cli.inputs import Chosen, settings_for
from zerofloor.cli.output import say
from zerofloor.cli.progress import progress
from zerofloor.structs import Value

if TYPE_CHECKING:
    from zerofloor.estates.values import Audit


class AuditOptions(Value, frozen=True, kw_only=True):
    """What the options say."""

    url: str | None
    """None: the backend that `pulumi` itself would use."""
    today: datetime.date
    max_bytes: int
    stacks: tuple[str, ...] = ()
    since: Path | None = None
    owner_tags: tuple[str, ...] = ()
    settings: Path | None = None
    policy: Path | None = None
    jobs: int | None = None
    executor: str | None = None


def run_audit(options: AuditOptions) -> Audit:
    """The audit, with progress on a terminal; what could not be judged is named on stderr.

    Raises InputError where the backend or the settings can't be used.
    """
    from zerofloor.cost.owners import OWNER_KEYS
    from zerofloor.estates.audit import Asked, audit
    from zerofloor.estates.judging import How
    from zerofloor.estates.opening import login_url, shown
    from zerofloor.estates.since import compared, read_audit

    url = options.url or login_url(os.environ)
    earlier = read_audit(options.since) if options.since is not None else None
    chosen = Chosen(options.settings, options.policy, options.today)
    settings, _ = settings_for(chosen, ())
    asked = Asked(
        how=How(
            url=url,
            settings=settings,
            today=options.today,
            most=options.max_bytes,
            owner_tags=options.owner_tags or OWNER_KEYS,
        ),
        patterns=options.stacks,
        executor=options.executor,
        jobs=options.jobs,
    )
    done = [0, 0]

    def count(some: int, of: int) -> None:
        done[:] = some, of

    def what() -> str:
        return f"auditing {shown(url)}: {done[0]} of {done[1]} stacks"

    with progress(what):
        found = audit(asked, count)
    for problem in found.problems:
        say(f"{problem.stack or found.backend}: {problem.why}")
    if earlier is None:
        return found
    return compared(found, earlier, str(options.since))
