"""OData version 2 as SAP Gateway speaks it: literals and keys in addresses, dates and decimals in JSON."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from urllib.parse import quote, unquote, urlsplit

from system_apis.errand import Errand

_DAY_MS = 86_400_000
_LONGEST_ADDRESS = 16_384
_DATE = re.compile(r"/Date\((-?\d{1,15})([+-]\d{4})?\)/\Z")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def text(value: str) -> str:
    """A string literal, not yet percent-encoded: the quote is doubled (`'O''Neil'`)."""
    return "'" + value.replace("'", "''") + "'"


def entity(entity_set: str, **keys: str) -> str:
    """The address of one entity below the service root, escaped. A single key is written without its name."""
    if len(keys) == 1:
        return f"{entity_set}({_escaped(text(next(iter(keys.values()))))})"
    return f"{entity_set}({','.join(f'{name}={_escaped(text(value))}' for name, value in keys.items())})"


def query(**options: str) -> str:
    """System query options, escaped: `query(filter="…")` gives `?$filter=…`. A space is %20; a plus stays a plus."""
    return "?" + "&".join(f"${name}={_escaped(value)}" for name, value in options.items())


def _escaped(value: str) -> str:
    return quote(value, safe="'(),$*-._~")


def function(name: str, **literals: str) -> str:
    """The address of a function import: its parameters stand in the query as literals, escaped."""
    return f"{name}?" + "&".join(f"{parameter}={_escaped(literal)}" for parameter, literal in literals.items())


def either(field: str, number: str, width: int) -> str:
    """A condition on a document number. Some services keep its leading zeros in what they compare, some do not."""
    padded = number.zfill(width) if number.isascii() and number.isdigit() else number
    return f"({' or '.join(f'{field} eq {text(one)}' for one in dict.fromkeys((stripped(number), padded)))})"


def next_page(address: str, root: str, errand: Errand) -> str:
    """The path below the service root that a `__next` link means.

    Whatever host it names, it is asked of the configured one: our credentials go nowhere else, and behind a proxy SAP
    prints its inner name. A link that leaves the service is not followed at all.
    """
    try:
        parts = urlsplit(address)
    except ValueError:
        raise errand.unreadable("the next page has no address that can be read") from None
    if not address.isprintable() or len(address) > _LONGEST_ADDRESS:
        raise errand.unreadable("the next page has no address that can be asked")
    path = parts.path
    if f"{root}/" in path:
        path = path.partition(f"{root}/")[2]
    elif parts.netloc or path.startswith("/"):
        raise errand.unreadable("the next page lies outside the service")
    if not path or ".." in unquote(path).split("/"):
        raise errand.unreadable("the next page lies outside the service")
    return f"{path}?{parts.query}" if parts.query else path


_MOST_DAYS = 2000
_days: dict[str, date] = {}
"""Days as SAP writes them, read before: an answer of a hundred lines says the same few of them hundreds of times."""


def day(value: str, errand: Errand) -> date:
    """`/Date(ms)/` of an Edm.DateTime that is shown as a date: midnight UTC, or it would be a guess which day."""
    known = _days.get(value)
    if known is not None:
        return known
    milliseconds = _milliseconds(value, errand)
    if milliseconds % _DAY_MS:
        raise errand.unreadable("a date of the ERP is not midnight UTC")
    read = instant(value, errand).date()
    if len(_days) >= _MOST_DAYS:
        _days.clear()
    _days[value] = read
    return read


def instant(value: str, errand: Errand) -> datetime:
    """`/Date(ms)/` or `/Date(ms+0000)/`. The milliseconds are UTC whatever the offset says; that is for display."""
    try:
        return _EPOCH + timedelta(milliseconds=_milliseconds(value, errand))
    except OverflowError:
        raise errand.unreadable("a time of the ERP is out of range") from None


def _milliseconds(value: str, errand: Errand) -> int:
    matched = _DATE.match(value)
    if matched is None:
        raise errand.unreadable("a date of the ERP is not written as /Date(…)/")
    return int(matched[1])


def written_day(value: date) -> str:
    midnight = datetime(value.year, value.month, value.day, tzinfo=UTC)
    return f"/Date({(midnight - _EPOCH) // timedelta(milliseconds=1)})/"


def written_decimal(value: Decimal) -> str:
    """A decimal string without exponent: an Edm.Decimal is a JSON string, in both directions."""
    return format(value, "f")


def decimal_literal(value: Decimal) -> str:
    """`120m`: a decimal in an address."""
    return f"{written_decimal(value)}m"


def instant_literal(value: datetime) -> str:
    """`datetimeoffset'2030-01-01T00:00:00Z'`: a moment in an address, in UTC. Whole seconds, as SAP keeps them."""
    return f"datetimeoffset'{value.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}'"


def stripped(number: str) -> str:
    """A number as people write it. SAP keeps leading zeros inside (ALPHA conversion) and prints them here and there."""
    return number.lstrip("0") or "0" if number.isascii() and number.isdigit() else number
