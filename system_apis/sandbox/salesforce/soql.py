"""SOQL as far as our flows and common clients speak it: parents, one level of children, AND, ORDER BY, LIMIT."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from operator import ge, gt, le, lt
from typing import Any

from system_apis.sandbox.salesforce.errors import CrmError, Row
from system_apis.sandbox.salesforce.records import Crm, attributes, full_id
from system_apis.sandbox.salesforce.schema import OBJECTS, Field, SObject, find_object

_TOKEN = re.compile(r"\s*('(?:[^'\\]|\\.)*'|[<>!]=|[=<>(),]|[\w.:+\-]+|$)", re.DOTALL)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", '"': '"', "'": "'", "\\": "\\"}


@dataclass
class Query:
    """`fields` holds paths and, for children, queries. `conditions`: path, operator, value."""

    fields: list[str | Query]
    source: str
    conditions: list[tuple[str, str, Any]] = field(default_factory=list)
    order: list[tuple[str, bool]] = field(default_factory=list)
    limit: int | None = None


def malformed(message: str) -> CrmError:
    return CrmError(400, "MALFORMED_QUERY", message)


class _Reader:
    def __init__(self, text: str) -> None:
        self.tokens: list[str] = []
        at = 0
        while at < len(text):
            found = _TOKEN.match(text, at)
            if found is None:
                raise malformed(f"line 1:{at} no viable alternative at character '{text[at]}'")
            self.tokens.append(found[1])
            at = found.end()
        self.tokens = [token for token in self.tokens if token]

    def peek(self) -> str:
        return self.tokens[0].upper() if self.tokens else ""

    def next(self) -> str:
        if not self.tokens:
            raise malformed("unexpected token: '<EOF>'")
        return self.tokens.pop(0)

    def take(self, *words: str) -> bool:
        """Takes the words if all of them come next."""
        if [t.upper() for t in self.tokens[: len(words)]] != list(words):
            return False
        del self.tokens[: len(words)]
        return True

    def need(self, word: str) -> None:
        if not self.take(word):
            raise malformed(f"unexpected token: '{self.tokens[0] if self.tokens else '<EOF>'}'")

    def query(self) -> Query:
        self.need("SELECT")
        fields = [self.field()]
        while self.take(","):
            fields.append(self.field())
        self.need("FROM")
        query = Query(fields, self.next())
        if self.take("WHERE"):
            query.conditions.append(self.condition())
            while self.take("AND"):
                query.conditions.append(self.condition())
        if self.take("ORDER", "BY"):
            query.order.append(self.ordering())
            while self.take(","):
                query.order.append(self.ordering())
        if self.take("LIMIT"):
            query.limit = int(self.literal(self.next()))
        return query

    def field(self) -> str | Query:
        if self.take("("):
            query = self.query()
            self.need(")")
            return query
        return "COUNT()" if self.take("COUNT", "(", ")") else self.next()

    def condition(self) -> tuple[str, str, Any]:
        path, operator = self.next(), self.next().upper()
        if operator == "NOT":
            operator = "NOT " + self.next().upper()
        if operator in ("IN", "NOT IN"):
            self.need("(")
            values = [self.literal(self.next())]
            while self.take(","):
                values.append(self.literal(self.next()))
            self.need(")")
            return path, operator, values
        if operator not in ("=", "!=", "<", "<=", ">", ">="):
            raise malformed(f"unexpected token: '{operator}'")
        return path, operator, self.literal(self.next())

    def ordering(self) -> tuple[str, bool]:
        path = self.next()
        down = self.take("DESC") or (self.take("ASC") and False)
        _ = self.take("NULLS", "FIRST") or self.take("NULLS", "LAST")
        return path, down

    def literal(self, token: str) -> Any:
        if token.startswith("'"):
            return re.sub(r"\\(u[0-9A-Fa-f]{4}|.)", _unescape, token[1:-1], flags=re.DOTALL)
        named = {"null": None, "true": True, "false": False}
        if token.lower() in named:
            return named[token.lower()]
        if re.fullmatch(r"-?\d+(\.\d+)?", token):
            return float(token) if "." in token else int(token)
        if re.fullmatch(r"\d{4}-\d\d-\d\d(T[\d:.]+(Z|[+-]\d\d:?\d\d))?", token):
            return token
        raise malformed(f"unexpected token: '{token}'")


def _unescape(found: re.Match[str]) -> str:
    mark = found[1]
    if mark.startswith("u") and len(mark) > 1:
        return chr(int(mark[1:], 16))
    if mark not in _ESCAPES:
        raise malformed(f"Illegal character sequence '\\{mark}' in string literal")
    return _ESCAPES[mark]


def run(crm: Crm, text: str, version: str) -> dict[str, Any]:
    """The answer body of a query resource. Everything fits one page here."""
    reader = _Reader(text)
    query = reader.query()
    if reader.tokens:
        raise malformed(f"unexpected token: '{reader.tokens[0]}'")
    one = find_object(query.source)
    if one is None:
        raise CrmError(400, "INVALID_TYPE", f"sObject type '{query.source}' is not supported.")
    return _Run(crm, version).answer(query, one, list(crm.tables[one.name].values()))


@dataclass(frozen=True)
class _Run:
    """One query against one organisation; `version` shows in the rows' own addresses."""

    crm: Crm
    version: str

    def answer(self, query: Query, one: SObject, rows: list[Row]) -> dict[str, Any]:
        self.check(query, one)
        found = [row for row in rows if all(self.holds(one, row, *c) for c in query.conditions)]
        for path, down in reversed(query.order):
            found.sort(key=lambda row: _sortable(self.follow(one, row, path)[1]), reverse=down)
        found = found[: query.limit]
        records = [] if query.fields == ["COUNT()"] else [self.shape(query.fields, one, row) for row in found]
        return {"totalSize": len(found), "done": True, "records": records}

    def check(self, query: Query, one: SObject) -> None:
        """A wrong field is wrong even where no row would show it."""
        for wanted in query.fields:
            if isinstance(wanted, Query):
                self.answer(wanted, _child(one, wanted.source)[1], [])
            elif wanted != "COUNT()":
                self.follow(one, None, wanted)
        for path in [c[0] for c in query.conditions] + [o[0] for o in query.order]:
            self.follow(one, None, path)

    def shape(self, fields: list[str | Query], one: SObject, row: Row) -> dict[str, Any]:
        record: dict[str, Any] = {"attributes": attributes(one, row, self.version)}
        for wanted in fields:
            if isinstance(wanted, Query):
                name, child, key = _child(one, wanted.source)
                rows = [r for r in self.crm.tables[child.name].values() if r[key] == row["Id"]]
                answer = self.answer(wanted, child, rows)
                record[name] = answer if answer["records"] else None
            else:
                self.set(record, one, row, wanted.split("."))
        return record

    def set(self, record: dict[str, Any], one: SObject, row: Row, path: list[str]) -> None:
        if len(path) == 1:
            f, record_value = self.follow(one, row, path[0])
            record[f.name] = record_value
            return
        parent, up, name = self.up(one, row, path[0])
        if up is None:
            record[name] = None
            return
        inner = record.setdefault(name, {"attributes": attributes(parent, up, self.version)})
        self.set(inner, parent, up, path[1:])

    def up(self, one: SObject, row: Row | None, relationship: str) -> tuple[SObject, Row | None, str]:
        link = one.parent(relationship)
        if link is None or link.refers_to is None or link.relationship is None:
            raise CrmError(400, "INVALID_FIELD", f"Didn't understand relationship '{relationship}' in field path.")
        up = self.crm.tables[link.refers_to].get(row[link.name]) if row and row[link.name] else None
        return OBJECTS[link.refers_to], up, link.relationship

    def follow(self, one: SObject, row: Row | None, path: str) -> tuple[Field, Any]:
        *above, last = path.split(".")
        for step in above:
            one, row, _ = self.up(one, row, step)
        f = one.find(last)
        if f is None:
            told = (
                "If you are attempting to use a custom field, be sure to append the '__c' after the custom field name"
            )
            raise CrmError(400, "INVALID_FIELD", f"No such column '{last}' on entity '{one.name}'. {told}")
        return f, None if row is None else self.crm.value(one, row, f.name)

    def holds(self, one: SObject, row: Row, path: str, operator: str, wanted: Any) -> bool:
        f, value = self.follow(one, row, path)
        found = _comparable(value)
        if f.type in ("id", "reference"):
            wanted = [_id(w) for w in wanted] if isinstance(wanted, list) else _id(wanted)
        if operator in ("IN", "NOT IN"):
            return (found in [_comparable(w) for w in wanted]) == (operator == "IN")
        wanted = _comparable(wanted)
        if operator in ("=", "!="):
            return bool(found == wanted) == (operator == "=")
        if found is None or wanted is None:
            return False
        try:
            return bool({"<": lt, "<=": le, ">": gt, ">=": ge}[operator](found, wanted))
        except TypeError as wrong:
            raise CrmError(400, "INVALID_FIELD", f"filter criteria must be of the type of field {path}") from wrong


def _id(given: Any) -> Any:
    full = full_id(given) if isinstance(given, str) else None
    if given is not None and full is None:
        raise CrmError(400, "INVALID_QUERY_FILTER_OPERATOR", f"invalid ID field: {given}")
    return full


def _comparable(value: Any) -> Any:
    """Text compares without regard to case, as it does in SOQL."""
    return value.casefold() if isinstance(value, str) else value


def _sortable(value: Any) -> tuple[bool, Any]:
    return (False, "") if value is None else (True, _comparable(value))


def _child(one: SObject, relationship: str) -> tuple[str, SObject, str]:
    for name, (child, key) in one.children.items():
        if name.lower() == relationship.lower():
            return name, OBJECTS[child], key
    raise CrmError(400, "INVALID_TYPE", f"Didn't understand relationship '{relationship}' in FROM part of query call.")
