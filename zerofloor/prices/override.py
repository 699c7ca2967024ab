"""Prices that a user knows better (negotiated rates, savings plans, private clouds), and the form
in which live ones are kept."""

from __future__ import annotations

import datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AliasGenerator, BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from zerofloor.capacity import Market
from zerofloor.errors import InputError
from zerofloor.money import Money
from zerofloor.prices.book import Key, Origin, Price, normal
from zerofloor.settings.nodes import shown_key

if TYPE_CHECKING:
    from zerofloor.prices.book import Table


class _Model(BaseModel):
    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=AliasGenerator(alias=to_camel),
        populate_by_name=True,
    )


class Line(_Model):
    """One price."""

    item: Annotated[str, Field(min_length=1)]
    """An instance type (`p5.48xlarge`, `ml.g5.xlarge`), a managed service's GPU (`H100 80GB`), or a
    residual (`NAT gateway`)."""
    cloud: Annotated[str, Field(min_length=1)] = "aws"
    region: Annotated[str, Field(min_length=1)] = "*"
    """`*`: every region."""
    market: Market = Market.ON_DEMAND
    service: str = ""
    """The service that sells it (`sagemaker`) where it is not the cloud's plain machine."""
    os: str = "linux"
    price: Annotated[Decimal, Field(gt=0, le=10**9)]
    """For one unit, above zero: a price of nothing would hide what is held."""
    unit: str = "hour"
    source: Annotated[str, Field(min_length=3)]
    """Where it comes from: a contract, a price list, a SKU."""
    as_of: datetime.date | Literal["unknown"] = "unknown"


class Unsold(_Model):
    """Something that live prices were asked for and that is not on the list."""

    item: str
    region: str
    market: Market
    service: str = ""


class PriceFile(_Model):
    """A file of prices."""

    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "USD"
    """Of all its prices. With another than USD only these prices can be summed; everything else is
    unpriced."""
    fetched: datetime.date | None = None
    """The day on which live prices were fetched; None in a file that a person wrote."""
    prices: tuple[Line, ...]
    unsold: tuple[Unsold, ...] = ()


def load(path: Path) -> Table:
    """The prices in a user's file (YAML or JSON).

    Raises InputError where it can't be read or decoded, where a field is not known or not valid, or
    a price is set twice.
    """
    return table(read(path), str(path), "override")


def read(path: Path) -> PriceFile:
    """A file of prices, decoded. Raises InputError as `load` does."""
    import yaml

    try:
        data: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: can't be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: can't be read: it is not UTF-8 text") from None
    except yaml.YAMLError as error:
        # The parser's own words quote the file, and the settings may name any file.
        mark = getattr(error, "problem_mark", None)
        raise InputError(f"{path}{f':{mark.line + 1}' if mark else ''}: not YAML") from None
    except (RecursionError, ValueError):
        raise InputError(f"{path}: not YAML") from None
    try:
        return PriceFile.model_validate(data)
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(shown_key(str(part)) for part in e['loc']) or 'document'}: {e['msg']}"
            for e in error.errors(include_input=False)[:5]
        )
        raise InputError(f"{path}: {problems}") from None


def table(file: PriceFile, name: str, origin: Origin) -> Table:
    """The prices of a decoded file by what they are for. InputError where one is set twice."""
    found: dict[Key, Price] = {}
    for line in file.prices:
        service = "sagemaker" if line.item.startswith("ml.") and not line.service else line.service
        item = line.item.removeprefix("ml.") if service == "sagemaker" else line.item
        key = normal(Key(line.cloud, item, line.region, line.market, service, line.os))
        if key in found:
            raise InputError(f"{name}: two prices for {line.item} in {line.region} ({line.market})")
        found[key] = Price(
            key, Money(line.price, file.currency), line.unit, line.source, str(line.as_of), origin
        )
    return found
