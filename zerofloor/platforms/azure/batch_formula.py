"""Batch autoscale formulas at rest: what they leave once no task waits or runs (Azure Batch,
"Create a formula to automatically scale compute nodes")."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Final

_TOKEN: Final = re.compile(
    r"\s*(?:(\d+(?:\.\d+)?)|(\$?[A-Za-z_]\w*(?:\.\w+)?)|(<=|>=|==|!=|&&|\|\||[-+*/<>!?:=();,]))"
)
_TASKS: Final = frozenset({"$ActiveTasks", "$RunningTasks", "$PendingTasks"})
_CURRENT: Final = {
    "$CurrentDedicatedNodes": "$TargetDedicatedNodes",
    "$CurrentDedicated": "$TargetDedicatedNodes",
    "$CurrentLowPriorityNodes": "$TargetLowPriorityNodes",
}
_TARGETS: Final = {
    "$TargetDedicatedNodes": "$TargetDedicatedNodes",
    "$TargetDedicated": "$TargetDedicatedNodes",
    "$TargetLowPriorityNodes": "$TargetLowPriorityNodes",
}
_CONSTANTS: Final = {
    "TimeInterval_Zero": 0,
    "TimeInterval_100ns": 0,
    "TimeInterval_Microsecond": 0,
    "TimeInterval_Millisecond": 0,
    "TimeInterval_Second": 1,
    "TimeInterval_Minute": 60,
    "TimeInterval_Hour": 3600,
    "TimeInterval_Day": 86400,
    "TimeInterval_Week": 604800,
}


class _UnreadableError(ValueError):
    """A part of the language that is not worked out here."""


def nodes_at_rest(formula: str, busy: int) -> Decimal | None:
    """The nodes of both kinds that the formula leaves while nothing is asked for, after a busy hour
    with so many of each kind; None where that can't be worked out."""
    nodes = dict.fromkeys(("$TargetDedicatedNodes", "$TargetLowPriorityNodes"), Decimal(busy))
    try:
        statements = [part for part in _plain(formula).split(";") if part.strip()]
        for _ in range(200):
            after = _after(statements, nodes)
            if after == nodes:
                total = sum(nodes.values(), Decimal(0))
                return total if total == int(total) else None
            nodes = after
    except (_UnreadableError, ArithmeticError, RecursionError):
        return None
    return None


def _plain(formula: str) -> str:
    return re.sub(r"//[^\n]*|/\*.*?\*/", "", formula, flags=re.DOTALL)


def _after(statements: list[str], nodes: Mapping[str, Decimal]) -> dict[str, Decimal]:
    # A target that the formula does not assign is 0 (the default of both).
    found = dict.fromkeys(("$TargetDedicatedNodes", "$TargetLowPriorityNodes"), Decimal(0))
    known: dict[str, Decimal] = {name: Decimal(value) for name, value in _CONSTANTS.items()}
    known |= {current: nodes[target] for current, target in _CURRENT.items()}
    for statement in statements:
        name, sign, body = statement.strip().partition("=")
        name = name.strip()
        if not sign or not re.fullmatch(r"\$?[A-Za-z_]\w*", name):
            raise _UnreadableError(statement)
        if name == "$NodeDeallocationOption":
            continue
        value = _Expression(body, known).value()
        known[name] = value
        if name in _TARGETS:
            found[_TARGETS[name]] = max(value, Decimal(0))
    return found


class _Expression:
    """A recursive descent over one expression."""

    def __init__(self, text: str, known: Mapping[str, Decimal]) -> None:
        self._tokens = _tokens(text)
        self._at = 0
        self._known = known

    def value(self) -> Decimal:
        found = self._choice()
        if self._at != len(self._tokens):
            raise _UnreadableError(self._next())
        return found

    def _next(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _take(self, *wanted: str) -> str:
        token = self._next()
        if token and token in wanted:
            self._at += 1
            return token
        return ""

    def _need(self, wanted: str) -> None:
        if not self._take(wanted):
            raise _UnreadableError(self._next())

    def _choice(self) -> Decimal:
        condition = self._compared()
        if not self._take("?"):
            return condition
        yes = self._choice()
        self._need(":")
        no = self._choice()
        return yes if condition else no

    def _compared(self) -> Decimal:
        left = self._summed()
        sign = self._take("<=", ">=", "==", "!=", "<", ">")
        if not sign:
            return left
        right = self._summed()
        truth = {
            "<": left < right,
            ">": left > right,
            "<=": left <= right,
            ">=": left >= right,
            "==": left == right,
            "!=": left != right,
        }
        return Decimal(truth[sign])

    def _summed(self) -> Decimal:
        left = self._multiplied()
        while sign := self._take("+", "-"):
            right = self._multiplied()
            left = left + right if sign == "+" else left - right
        return left

    def _multiplied(self) -> Decimal:
        left = self._single()
        while sign := self._take("*", "/"):
            right = self._single()
            left = left * right if sign == "*" else left / right
        return left

    def _single(self) -> Decimal:
        if self._take("-"):
            return -self._single()
        if self._take("("):
            found = self._choice()
            self._need(")")
            return found
        token = self._next()
        self._at += 1
        if re.fullmatch(r"\d+(?:\.\d+)?", token):
            return Decimal(token)
        if self._take("("):
            return self._call(token, self._arguments())
        if token in self._known:
            return self._known[token]
        raise _UnreadableError(token)

    def _arguments(self) -> list[Decimal]:
        found: list[Decimal] = []
        while not self._take(")"):
            found.append(self._choice())
            if not self._take(","):
                self._need(")")
                break
        return found

    def _call(self, name: str, given: list[Decimal]) -> Decimal:
        source, _, method = name.partition(".")
        if source in _TASKS and method in ("GetSample", "GetSampleMean"):
            return Decimal(0)
        if source in _TASKS and method == "GetSamplePercent":
            return Decimal(100)
        if source in _CURRENT and method == "GetSample":
            return self._known[source]
        if not given or method:
            raise _UnreadableError(name)
        match name:
            case "avg" if len(given) == 1:
                return given[0]
            case "min":
                return min(given)
            case "max":
                return max(given)
            case "ceil" | "floor" | "round" if len(given) == 1:
                return given[0].to_integral_value(
                    {"ceil": "ROUND_CEILING", "floor": "ROUND_FLOOR"}.get(name, "ROUND_HALF_UP")
                )
            case _:
                raise _UnreadableError(name)


def _tokens(text: str) -> list[str]:
    found: list[str] = []
    at = 0
    text = text.strip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise _UnreadableError(text[at:])
        found.append(match[1] or match[2] or match[3])
        at = match.end()
    return found
