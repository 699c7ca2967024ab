"""What every format of an audit says in words."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from zerofloor.estates.values import Audit, Line
from zerofloor.money import Money
from zerofloor.words import counted, dollars, sentence, short, verb


def money(audit: Audit, amount: Decimal) -> str:
    """`$32.77`."""
    return dollars(Money(amount, audit.currency))


def cost(audit: Audit, line: Line) -> str:
    """`$32.77`, `undecided`, `$32.77, undecided`."""
    state = "" if line.state == "held" else line.state
    amount = money(audit, line.monthly) if line.monthly or not state else ""
    return ", ".join(filter(None, (amount, state)))


def headline(audit: Audit) -> str:
    """What idles in one sentence."""
    held = [line for line in audit.lines if line.state != "undecided"]
    stacks = len({line.stack for line in held})
    of = f"{counted(len(audit.stacks), 'stack')}"
    if not audit.lines:
        return f"No idle GPU in {of}"
    if not held:
        open_stacks = len({line.stack for line in audit.lines})
        return f"Can't determine whether GPUs idle in {open_stacks} of {of}"
    unpriced = any(line.state == "unpriced" for line in held)
    return f"{counted(audit.gpus, 'idle GPU')} in {stacks} of {of}: {_sum(audit, unpriced)}"


def _sum(audit: Audit, unpriced: bool) -> str:
    """What idles a month; a missing price is never $0."""
    if not unpriced:
        return f"{money(audit, audit.monthly)} a month"
    return f"at least {money(audit, audit.monthly)} a month" if audit.monthly else "cost unknown"


def remarks(audit: Audit) -> Iterator[str]:
    """What must be known of the sum, as sentences."""
    if audit.waived:
        yield f"{money(audit, audit.waived)} a month of it is waived."
    fresh = audit.fresh
    if fresh is not None:
        more = audit.monthly - fresh.before
        sign = "+" if more >= 0 else "−"
        yield (
            f"Since {fresh.day.isoformat()}: {sign}{money(audit, abs(more))} a month; "
            f"{len(fresh.new)} new, {len(fresh.worse)} grown, {len(fresh.gone)} gone."
        )
    unpriced = sum(line.state == "unpriced" for line in audit.lines)
    if unpriced:
        yield f"{counted(unpriced, 'resource')} without a price: not in the sum."
    undecided = sum(line.state == "undecided" for line in audit.lines)
    if undecided:
        yield f"{counted(undecided, 'resource')} undecided: what may idle is not in the sum."
    unread = sum(not one.judged for one in audit.stacks)
    if unread:
        whose = verb(unread, "its", "their")
        yield f"{counted(unread, 'stack')} could not be judged: {whose} cost is not in the sum."


def title(by: str) -> str:
    """A heading for the rows of a sum: `owner`, `tag team`."""
    return by.replace(":", " ", 1)


def place(line: Line) -> str:
    """Which resource to change, and in which stack."""
    return f"{line.holder} {short(line.held_by)}"


def gate_lines(audit: Audit) -> Iterator[str]:
    """What fails the gate of a stack without being one of the lines: a limit, an expired lease, a
    price that only the ceiling lacks."""
    told = {line.fingerprint for line in audit.lines}
    of_lines = {(line.rule, line.held_by) for line in audit.lines}
    unpriced = {("GPU202", line.urn) for line in audit.lines if line.state == "unpriced"}
    for one in audit.findings:
        known = one.fingerprint in told or (one.rule, one.urn) in of_lines | unpriced
        if one.blocks and not known:
            yield f"{one.stack}: {one.rule} {one.name}. {sentence(one.message)}"


def problem_lines(audit: Audit) -> Iterator[str]:
    for problem in audit.problems:
        yield sentence(f"{problem.stack or 'the backend'}: {problem.why}")


def notice_lines(audit: Audit) -> Iterator[str]:
    for notice in audit.notices:
        yield f"{notice.stack}: {notice.what}."


def assumption_lines(audit: Audit) -> Iterator[str]:
    for one in audit.assumptions:
        yield sentence(f"{one.what} ({counted(one.stacks, 'stack')}): {one.because}")
