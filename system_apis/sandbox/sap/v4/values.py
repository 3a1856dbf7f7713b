"""OData V4 values: how they stand in JSON bodies, in URLs and in an ETag."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation

from system_apis.sandbox.sap.errors import Refused
from system_apis.sandbox.sap.model import Property
from system_apis.sandbox.sap.v4.errors import misread, unreadable
from system_apis.sandbox.sap.values import comparable
from system_apis.sandbox.world.orders import Value

_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_TEXT = re.compile(r"'((?:[^']|'')*)'")


def to_json(value: Value) -> str | bool | int | Decimal | None:
    """Days are ISO, instants have seven digits after the second as the metadata promises; decimals stay decimals."""
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}0Z"
    return value.isoformat() if isinstance(value, date) else value


def from_json(prop: Property, value: object, offset: int, *, decimals_are_texts: bool) -> Value:
    """What a request body says for `prop`, at `offset`. A decimal is a number, or a text if it is IEEE754Compatible."""
    wrong = misread(f"Property '{prop.name}' at offset '{offset}' has invalid value '{value}'")
    if value is None:
        if not prop.nullable:
            raise misread(f"Property '{prop.name}' must not be null")
        return prop.unset
    if prop.type == "Edm.Boolean":
        if not isinstance(value, bool):
            raise wrong
        return value
    if prop.type == "Edm.Decimal":
        return _decimal(prop, value, wrong, texts=decimals_are_texts)
    if not isinstance(value, str):
        raise wrong
    if prop.type == "Edm.String":
        if len(value) > prop.max_length:
            raise wrong
        return comparable(prop, value)
    return _day(value, wrong)


def from_literal(prop: Property, text: str) -> Value:
    """A literal of a URL: `'x'`, `2030-01-01`, `2030-01-01T00:00:00Z`, `1.5`, `true`, `null`."""
    wrong = unreadable(f"Invalid literal {text} for property '{prop.name}'")
    if text == "null":
        return None
    if prop.type == "Edm.String":
        found = _TEXT.fullmatch(text)
        if found is None:
            raise wrong
        return comparable(prop, found.group(1).replace("''", "'"))
    if prop.type == "Edm.Boolean" and text in ("true", "false"):
        return text == "true"
    if prop.type == "Edm.Decimal" and _NUMBER.fullmatch(text):
        return Decimal(text)
    if prop.type == "Edm.DateTimeOffset":
        return _instant(text, wrong)
    if prop.type == "Edm.Date":
        return _day(text, wrong)
    raise wrong


def etag(version: datetime) -> str:
    """As SAP's runtime for published data models makes it of an instant: once without the point, once with it."""
    stamp = f"{version.astimezone(UTC):%Y%m%d%H%M%S.%f}0"
    return f'W/"SADL-{stamp.replace(".", "")}C~{stamp}"'


def _decimal(prop: Property, value: object, wrong: Refused, *, texts: bool) -> Decimal:
    kinds: tuple[type, ...] = (str,) if texts else (int, Decimal)
    if not isinstance(value, kinds) or isinstance(value, bool) or not _NUMBER.fullmatch(str(value)):
        raise wrong
    try:
        number = Decimal(str(value))
        fits = abs(number) < Decimal(10) ** (prop.precision - prop.scale) and number == round(number, prop.scale)
    except InvalidOperation:
        raise wrong from None
    if not fits:
        raise wrong
    return number


def _day(text: str, wrong: Refused) -> date:
    if not _DAY.fullmatch(text):
        raise wrong
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise wrong from None


def _instant(text: str, wrong: Refused) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise wrong from None
    if moment.tzinfo is None:
        raise wrong
    return moment
