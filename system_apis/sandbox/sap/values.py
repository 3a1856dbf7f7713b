"""OData V2 values: how they stand in JSON bodies, in URLs and in an ETag."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation

from system_apis.sandbox.sap.errors import Refused, refused
from system_apis.sandbox.sap.model import Property
from system_apis.sandbox.world.orders import Value

_JSON_DATE = re.compile(r"/Date\((-?\d+)([+-]\d{4})?\)/")
_DECIMAL = re.compile(r"-?\d+(\.\d+)?")
_LITERAL = {
    "Edm.String": re.compile(r"'((?:[^']|'')*)'"),
    "Edm.DateTime": re.compile(r"datetime'([^']*)'"),
    "Edm.DateTimeOffset": re.compile(r"datetimeoffset'([^']*)'"),
    "Edm.Decimal": re.compile(r"(-?\d+(?:\.\d+)?)[mM]?"),
    "Edm.Boolean": re.compile(r"(true|false)"),
}
# Numbers that SAP stores with leading zeros and shows without (conversion exit ALPHA).
_PADDED = frozenset(
    {"SalesOrder", "SalesOrderItem", "ScheduleLine", "SoldToParty", "Customer", "BusinessPartner", "ManufacturingOrder"}
    | {"ReferenceSDDocument", "ReferenceSDDocumentItem", "DeliveryDocument", "DeliveryDocumentItem"}
)

_STORED = 12


def to_json(value: Value) -> str | bool | int | None:
    """Decimals are strings, days and instants `/Date(milliseconds)/`, instants with their offset."""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):
        # With an offset it is Edm.DateTimeOffset, without one Edm.DateTime, which is UTC here.
        offset, utc = ("+0000", value) if value.tzinfo else ("", value.replace(tzinfo=UTC))
        return f"/Date({round(utc.timestamp() * 1000)}{offset})/"
    if isinstance(value, date):
        return f"/Date({_midnight(value)})/"
    return value


def from_json(prop: Property, value: object) -> Value:
    """What a request body says for `prop`; None clears a day. Refused where SAP's parser refuses."""
    if value is None:
        return prop.unset
    wrong = refused(400, "CX_SXML_PARSE_ERROR", f"Property '{prop.name}' has invalid value '{value}'")
    if prop.type == "Edm.Boolean":
        if not isinstance(value, bool):
            raise wrong
        return value
    if not isinstance(value, str):
        raise wrong
    if prop.type == "Edm.String":
        if len(value) > prop.max_length:
            raise wrong
        return comparable(prop, value)
    if prop.type == "Edm.Decimal":
        return _decimal(prop, value, wrong)
    return _day(value, wrong)


def from_literal(prop: Property, text: str) -> Value:
    """A literal of a URL: `'x'`, `datetime'…'`, `datetimeoffset'…'`, `1.5m`, `true`."""
    found = _LITERAL[prop.type].fullmatch(text)
    wrong = refused(400, "/IWBEP/CM_MGW_RT/176", f"Invalid literal {text} for property '{prop.name}'")
    if found is None:
        raise wrong
    inner = found.group(1)
    if prop.type == "Edm.String":
        return comparable(prop, inner.replace("''", "'"))
    if prop.type == "Edm.Decimal":
        return Decimal(inner)
    if prop.type == "Edm.Boolean":
        return inner == "true"
    try:
        moment = datetime.fromisoformat(inner)
    except ValueError:
        raise wrong from None
    return moment.date() if prop.type == "Edm.DateTime" else (moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def etag(version: datetime | str) -> str:
    """An instant with seven fraction digits, colons escaped, as Gateway has it; or a text as it is."""
    if isinstance(version, str):
        return f"W/\"'{version}'\""
    stamp = f"{version.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}0Z".replace(":", "%3A")
    return f"W/\"datetimeoffset'{stamp}'\""


def comparable(prop: Property, value: Value) -> Value:
    """Keys and filters know no leading zeros where SAP stores them and its services show them or not."""
    return value.lstrip("0") if isinstance(value, str) and prop.name in _PADDED else value


def stored(prop: Property, value: Value) -> Value:
    """As the database has it, by which it orders: numbers with leading zeros sort as numbers do."""
    return value.zfill(_STORED) if isinstance(value, str) and value.isdecimal() and prop.name in _PADDED else value


def _decimal(prop: Property, text: str, wrong: Refused) -> Decimal:
    if not _DECIMAL.fullmatch(text):
        raise wrong
    try:
        number = Decimal(text)
        fits = abs(number) < Decimal(10) ** (prop.precision - prop.scale) and number == round(number, prop.scale)
    except InvalidOperation:
        raise wrong from None
    if not fits:
        raise wrong
    return number


def _day(text: str, wrong: Refused) -> date:
    stamped = _JSON_DATE.fullmatch(text)
    try:
        if stamped:
            return datetime.fromtimestamp(int(stamped.group(1)) / 1000, UTC).date()
        return datetime.fromisoformat(text).date()
    except (ValueError, OverflowError, OSError):
        raise wrong from None


def _midnight(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1000
