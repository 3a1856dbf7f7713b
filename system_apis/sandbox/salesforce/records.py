"""The rows of the CRM and the rules for writing them. Values are kept as they go over the wire."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any

from system_apis.sandbox.locks import LOCKED
from system_apis.sandbox.salesforce import lifecycle
from system_apis.sandbox.salesforce.cursors import Cursors
from system_apis.sandbox.salesforce.errors import CrmError, Row, SeveralMatch
from system_apis.sandbox.salesforce.schema import OBJECTS, Field, SObject, find_object

_ID = re.compile(r"\b[A-Za-z0-9]{18}\b")
_MARKS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_WIRE_TIME = "%Y-%m-%dT%H:%M:%S.000+0000"


def with_checksum(first15: str) -> str:
    """The 18-character id: three marks say which of the fifteen characters are upper case."""
    bits = [sum(c.isupper() << n for n, c in enumerate(first15[at : at + 5])) for at in (0, 5, 10)]
    return first15 + "".join(_MARKS[b] for b in bits)


def full_id(given: str) -> str | None:
    """An id of 15 or 18 characters in its 18-character form; nothing if it is malformed."""
    if re.fullmatch(r"[A-Za-z0-9]{15}([A-Za-z0-9]{3})?", given) is None:
        return None
    full = with_checksum(given[:15])
    return full if given in (given[:15], full) else None


def wire_time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime(_WIRE_TIME)


class Crm:
    """One organisation's rows, by object and id."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        self.cursors = Cursors()
        self.tables: dict[str, dict[str, Row]] = {name: {} for name in OBJECTS}
        self._deleted: set[str] = set()
        self._numbers = {name: count(1001 if name == "Quote" else 1) for name in OBJECTS}

    def snapshot(self) -> tuple[dict[str, dict[str, Row]], set[str]]:
        return {name: {key: dict(row) for key, row in rows.items()} for name, rows in self.tables.items()}, set(
            self._deleted
        )

    def restore(self, saved: tuple[dict[str, dict[str, Row]], set[str]]) -> None:
        self.tables, self._deleted = saved

    def row(self, one: SObject, given: str) -> Row:
        key = full_id(given)
        if key is None:
            raise CrmError(400, "MALFORMED_ID", f"malformed id {given}", ["Id"])
        if key in self._deleted:
            raise CrmError(404, "ENTITY_IS_DELETED", "entity is deleted", [])
        if key not in self.tables[one.name]:
            raise CrmError(404, "NOT_FOUND", "The requested resource does not exist")
        return self.tables[one.name][key]

    def by_external_id(self, one: SObject, name: str, value: str) -> Row | None:
        key = one.find(name)
        if key is None or not key.external_id:
            raise CrmError(404, "NOT_FOUND", "Provided external ID field does not exist or is not accessible: " + name)
        found = [row for row in self.tables[one.name].values() if row[key.name] == value]
        if len(found) > 1:
            raise SeveralMatch(found)
        return found[0] if found else None

    def insert(self, name: str, values: Row) -> Row:
        """Creates a row past the rules of access, as an administrator's import would; the seed uses it too."""
        one, number, stamp = OBJECTS[name], next(self._numbers[name]), wire_time(datetime.now(UTC))
        key = values.get("Id") or with_checksum(f"{one.prefix}Hp{number:010d}")
        row: Row = {f.name: False if f.type == "boolean" else None for f in one.fields.values()}
        row |= {"CurrencyIsoCode": "USD", "CreatedDate": stamp, "LastModifiedDate": stamp, "SystemModstamp": stamp}
        row |= values | {"Id": key, "IsDeleted": False}
        if name == "Quote":
            row |= {"QuoteNumber": f"{number:08d}", "Status": row["Status"] or "Draft"}
            row["AccountId"] = self.tables["Opportunity"][row["OpportunityId"]]["AccountId"]
        elif name == "Order":
            row |= {"OrderNumber": f"{number:08d}"}
        elif name == "Ordergate_Exception__c":
            row |= {"Name": f"EXC-{number:06d}"}
        elif name in ("QuoteLineItem", "OrderItem"):
            row |= {"LineNumber" if name == "QuoteLineItem" else "OrderItemNumber": f"{number:08d}"}
            row["Product2Id"] = self.tables["PricebookEntry"][row["PricebookEntryId"]]["Product2Id"]
        self.tables[name][key] = row
        return row

    def create(self, one: SObject, values: Row) -> Row:
        clean = self._clean(one, values, creating=True)
        _refuse_if_locked(
            next((str(clean[f.name]) for f in one.fields.values() if f.refers_to and clean.get(f.name)), "")
        )
        missing = [f.name for f in one.fields.values() if f.required and clean.get(f.name) is None]
        if missing:
            raise CrmError(
                400, "REQUIRED_FIELD_MISSING", f"Required fields are missing: [{', '.join(missing)}]", missing
            )
        self._refuse_duplicates(one, clean, None)
        lifecycle.check_new(self, one, clean)
        return self.insert(one.name, clean)

    def update(self, one: SObject, given: str, values: Row) -> Row:
        """Omitted fields stay, null clears. A write moves the stamps, by one second (their resolution) at least."""
        row = self.row(one, given)
        _refuse_if_locked(row["Id"])
        clean = self._clean(one, values, creating=False)
        self._refuse_duplicates(one, clean, row["Id"])
        lifecycle.check_change(self, one, row, clean)
        row |= clean
        self._touch(row)
        return row

    def _touch(self, row: Row) -> None:
        last = datetime.strptime(row["SystemModstamp"], "%Y-%m-%dT%H:%M:%S.000%z")
        stamp = wire_time(max(datetime.now(UTC), last + timedelta(seconds=1)))
        row |= {"LastModifiedDate": stamp, "SystemModstamp": stamp}

    def delete(self, one: SObject, given: str) -> None:
        key = self.row(one, given)["Id"]
        lifecycle.check_delete(self, one, self.tables[one.name][key])
        del self.tables[one.name][key]
        self._deleted.add(key)

    def edited_by_hand(self, path: str, body: bytes) -> None:
        """Somebody saves every row that a request names, just before the request is handled."""
        for given in dict.fromkeys(_ID.findall(path + " " + body.decode("latin-1"))):
            name = next((name for name, rows in self.tables.items() if given in rows), None)
            if name:
                self._touch(self.tables[name][given])

    def value(self, one: SObject, row: Row, name: str) -> Any:
        """A field's value; what Salesforce computes is computed here."""
        if one.name in ("QuoteLineItem", "OrderItem") and name == "TotalPrice":
            return row["Quantity"] * row["UnitPrice"]
        if (one.name, name) == ("Order", "StatusCode"):
            return lifecycle.CODES[row["Status"]]
        if name in ("Subtotal", "TotalPrice", "GrandTotal", "TotalAmount", "LineItemCount"):
            lines = self.lines(one, row["Id"])
            return len(lines) if name == "LineItemCount" else sum((n["Quantity"] * n["UnitPrice"] for n in lines), 0.0)
        return row[name]

    def lines(self, one: SObject, key: str) -> list[Row]:
        """The line items of a quote or an order."""
        child, link = one.children["QuoteLineItems" if one.name == "Quote" else "OrderItems"]
        return [line for line in self.tables[child].values() if line[link] == key]

    def _refuse_duplicates(self, one: SObject, clean: Row, own: str | None) -> None:
        for name in (f.name for f in one.fields.values() if f.unique and clean.get(f.name) is not None):
            for key, row in self.tables[one.name].items():
                if key != own and row[name] == clean[name]:
                    told = f"duplicate value found: {name} duplicates value on record with id: {key}"
                    raise CrmError(400, "DUPLICATE_VALUE", told, [])

    def _clean(self, one: SObject, values: Row, *, creating: bool) -> Row:
        clean: Row = {}
        for name, value in values.items():
            if name == "attributes":
                continue
            f = one.find(name)
            if f is None:
                raise CrmError(400, "INVALID_FIELD", f"No such column '{name}' on sobject of type {one.name}")
            if f.access == "read" or (f.access == "create" and not creating):
                told = "Please check the security settings of this field and verify that it is read/write."
                raise CrmError(
                    400,
                    "INVALID_FIELD_FOR_INSERT_UPDATE",
                    f"Unable to create/update fields: {f.name}. {told}",
                    [f.name],
                )
            clean[f.name] = None if value is None or value == "" else self._typed(f, value)
            if f.type == "boolean" and clean[f.name] is None:
                clean[f.name] = False
            if f.required and clean[f.name] is None:
                raise CrmError(400, "REQUIRED_FIELD_MISSING", f"Required fields are missing: [{f.name}]", [f.name])
        return clean

    def _typed(self, f: Field, value: Any) -> Any:
        try:
            if f.type in ("double", "currency") and not isinstance(value, bool):
                return float(value)
            if f.type == "int" and not isinstance(value, bool):
                return int(value)
            if f.type == "boolean" and isinstance(value, bool):
                return value
            if f.type == "date" and isinstance(value, str):
                return date.fromisoformat(value[:10] if value[10:11] == "T" else value).isoformat()
            if f.type == "datetime" and isinstance(value, str):
                return wire_time(datetime.fromisoformat(value))
            if f.type in ("string", "picklist", "reference") and isinstance(value, str):
                return self._text(f, value)
        except (ValueError, TypeError, OverflowError):
            pass
        kind = "NUMBER" if isinstance(value, int | float) else "STRING" if isinstance(value, str) else "OBJECT"
        told = f"Cannot deserialize instance of {f.type} from VALUE_{kind} value {value}"
        raise CrmError(400, "JSON_PARSER_ERROR", told)

    def _text(self, f: Field, value: str) -> str:
        if len(value) > f.length:
            told = f"{f.name}: data value too large: {value} (max length={f.length})"
            raise CrmError(400, "STRING_TOO_LONG", told, [f.name])
        if f.refers_to is None:
            return value
        key = full_id(value)
        if key is None:
            raise CrmError(400, "MALFORMED_ID", f"{f.name}: id value of incorrect type: {value}", [f.name])
        if key not in self.tables[f.refers_to]:
            raise CrmError(400, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", [f.name])
        return key


def _refuse_if_locked(key: str) -> None:
    """Writing a row locks it, and creating one its parent."""
    if key and LOCKED.get():
        told = f"unable to obtain exclusive access to this record or 1 records: {key}"
        raise CrmError(400, "UNABLE_TO_LOCK_ROW", told, [])


def the_object(name: str) -> SObject:
    one = find_object(name)
    if one is None:
        raise CrmError(404, "NOT_FOUND", "The requested resource does not exist")
    return one


def attributes(one: SObject, row: Row, version: str) -> dict[str, str]:
    return {"type": one.name, "url": f"/services/data/v{version}/sobjects/{one.name}/{row['Id']}"}
