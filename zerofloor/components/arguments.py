"""Reading a component's arguments: what is judged must be plain, what is passed on may be an
Output, and an error names its argument."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, TypeVar

import pulumi
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic_core import ErrorDetails

from zerofloor.spelling import did_you_mean
from zerofloor.values import Impossible, quantity


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with one argument. Neither part ever holds a value that could be
    secret."""

    path: str
    """The argument as Python spells it, e.g. `max_replicas` or `env.HF_TOKEN`."""
    why: str
    """What is wrong; names of arguments stand in backticks."""

    def elsewhere(self) -> Problem:
        """The same as other languages spell it: `maxReplicas`."""
        head, rest = re.fullmatch(r"([^.\[]*)(.*)", self.path, re.DOTALL).groups()  # type: ignore[union-attr]
        return Problem(
            camel(head) + rest, re.sub(r"`([a-z_]+)`", lambda name: f"`{camel(name[1])}`", self.why)
        )


class SpecError(ValueError, pulumi.RunError):
    """A component's arguments are refused: one line for each problem.

    As a `RunError` it ends a Pulumi program with its message alone, without a stack trace.
    """

    def __init__(self, component: str, name: str, problems: Sequence[Problem]):
        self.problems = tuple(problems)
        super().__init__(
            "\n".join(
                f'{component} "{name}": {problem.path}: {problem.why}' for problem in problems
            )
        )


class Spec(BaseModel):
    """The arguments of one component, checked one by one; `problems` has what only several of them
    together decide."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        arbitrary_types_allowed=True,
        hide_input_in_errors=True,
        protected_namespaces=(),
    )
    stand_ins: ClassVar[Mapping[str, Any]] = {}
    """For each required argument a value that contradicts no other: with it the rest is checked
    although it is missing or wrong."""

    replacing: ClassVar[frozenset[str]] = frozenset()
    """Arguments whose change replaces objects, or declares others in their place; a change of any
    other updates in place. The engine's tests hold it against the real provider."""

    def problems(self) -> Iterator[Problem]:
        """What is wrong though each argument for itself is right."""
        return iter(())

    def warnings(self) -> Iterator[str]:
        """What is allowed and probably not meant."""
        return iter(())


S = TypeVar("S", bound=Spec)


def read(kind: type[S], component: str, name: str, args: Mapping[str, Any] | None) -> S:
    """The spec in `args` (Python's names, None counts as absent).

    Raises:
        SpecError: an argument is unknown, missing or impossible.
    """
    given = {key: value for key, value in (args or {}).items() if value is not None}
    try:
        spec = kind.model_validate({"name": name, **given})
    except ValidationError as error:
        problems = _told(kind, error)
        wrong = {re.split(r"[.\[]", problem.path, maxsplit=1)[0] for problem in problems}
        rest = {key: value for key, value in given.items() if key not in wrong}
        # What is right is checked against each other all the same, so that all is told at once.
        stands = kind.model_validate({"name": "a", **kind.stand_ins, **rest})
        problems += [p for p in stands.problems() if not wrong & _named(p)]
    else:
        problems = list(spec.problems())
        if not problems:
            return spec
    raise SpecError(component, name, problems)


def _named(problem: Problem) -> set[str]:
    """The arguments that a problem is about."""
    return {
        re.split(r"[.\[]", problem.path, maxsplit=1)[0],
        *re.findall(r"`([a-z_]+)`", problem.why),
    }


def _told(kind: type[Spec], error: ValidationError) -> list[Problem]:
    details = error.errors(include_url=False, include_input=False)
    return [_problem(kind, one) for one in details]


def camel(name: str) -> str:
    """`min_replicas` → `minReplicas`, the name in the engine and in other languages."""
    head, *rest = name.split("_")
    return head + "".join(part.title() for part in rest)


def unknown_argument(name: str, known: Sequence[str]) -> str:
    """Why an argument of this name is refused, with the nearest that exists."""
    return f"is not an argument of this component{did_you_mean(name, known)}"


def _problem(kind: type[Spec], details: ErrorDetails) -> Problem:
    head, *rest = details["loc"] or ("",)
    context = details.get("ctx", {})
    path = str(head) + "".join(
        f"[{part}]" if isinstance(part, int) else f".{part}" for part in rest
    )
    match details["type"]:
        case "missing":
            why = "is required"
        case "extra_forbidden":
            return Problem(str(head), unknown_argument(str(head), list(kind.model_fields)))
        case "greater_than_equal":
            why = f"must be at least {context['ge']}"
        case "less_than_equal":
            why = f"must be at most {context['le']}"
        case "value_error":
            why = str(context["error"])
        case "too_long":
            why = f"must name at most {context['max_length']}"
        case "tuple_type":
            why = "must be a list"
        case "string_type" if rest[-1:] == ["[key]"]:
            return Problem(str(head), "must have text for its keys")
        case "enum":
            why = f"must be one of {context['expected']}"
        case _:
            why = details["msg"][:1].lower() + details["msg"][1:]
    return Problem(path, why)


def plain(value: Any) -> Any:
    if isinstance(value, pulumi.Output):
        raise ValueError(
            "must be a plain value, not an Output: it is checked in the preview, where an "
            "Output may be unknown; use configuration"
        )
    return value


def _whole(value: Any) -> int:
    plain(value)
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or value != value
        or value in (float("inf"), float("-inf"))
    ):
        raise ValueError("must be a number")
    if value != int(value):
        raise ValueError("must be a whole number")
    return int(value)


def _flag(value: Any) -> bool:
    if not isinstance(plain(value), bool):
        raise ValueError("must be true or false")
    return bool(value)


def _plain_text(value: Any) -> str:
    if not isinstance(plain(value), str) or not value.strip():
        raise ValueError("must be text, and not empty")
    return str(value)


def _text(value: Any) -> Any:
    return value if isinstance(value, pulumi.Output) else _plain_text(value)


def _list(value: Any) -> Sequence[Any]:
    if isinstance(value, str) or not isinstance(plain(value), Sequence):
        raise ValueError("must be a list")
    return value  # type: ignore[no-any-return]


def _some(value: Any) -> Sequence[Any]:
    if not _list(value):
        raise ValueError("must name at least one")
    return value  # type: ignore[no-any-return]


def _map(value: Any) -> Mapping[str, Any]:
    if not isinstance(plain(value), Mapping):
        raise ValueError("must be a map; its values may be Outputs, the map itself may not")
    return value  # type: ignore[no-any-return]


def _or_output(value: Any, check: ValidatorFunctionWrapHandler) -> Any:
    return value if isinstance(value, pulumi.Output) else check(value)


def _name(value: Any) -> str:
    if not re.fullmatch(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?", _plain_text(value)) or len(value) > 50:
        raise ValueError(
            "must be lower-case letters, digits and dashes, at most 50, as Kubernetes "
            "names are: set name"
        )
    return str(value)


def _quantity(value: Any) -> str:
    amount = quantity(_plain_text(value))
    if isinstance(amount, Impossible) or not amount:
        raise ValueError("must be a Kubernetes quantity above zero, such as 500m or 16Gi")
    return str(value)


Whole = Annotated[int, BeforeValidator(_whole)]
"""A whole number; 3.0 is 3, since other languages send numbers as floats."""
Flag = Annotated[bool, BeforeValidator(_flag)]
"""A switch that is judged: never an Output."""
PlainText = Annotated[str, BeforeValidator(_plain_text)]
"""Text that is judged or names something: never an Output."""
Name = Annotated[str, BeforeValidator(_name)]
"""A Kubernetes name that leaves room for the suffixes that KEDA and the component add."""
Quantity = Annotated[str, BeforeValidator(_quantity)]
"""A Kubernetes quantity above zero."""
Some = BeforeValidator(_some)
"""For a list that must not be empty."""
PlainTexts = Annotated[tuple[PlainText, ...], BeforeValidator(_list)]
"""A list of texts that are judged."""
Text = Annotated[Any, BeforeValidator(_text)]
"""Text that is only passed on: an Output, unknown or secret, goes through untouched."""
Texts = Annotated[tuple[Text, ...], BeforeValidator(_list), WrapValidator(_or_output)]
"""A list that is only passed on; it or its items may be Outputs."""
SomeTexts = Annotated[tuple[Text, ...], BeforeValidator(_some), WrapValidator(_or_output)]
"""Such a list that must not be empty where it is no Output."""
TextMap = Annotated[Mapping[str, Text], BeforeValidator(_map), WrapValidator(_or_output)]
"""A map that is only passed on; it or its values may be Outputs."""
PlainMap = Annotated[Mapping[str, Any], BeforeValidator(_map)]
"""A map that is judged; values within may be Outputs where that is said."""
TextItems = Annotated[Mapping[str, Text], BeforeValidator(_map)]
"""A map that others are merged with: its values may be Outputs, the map itself may not."""
