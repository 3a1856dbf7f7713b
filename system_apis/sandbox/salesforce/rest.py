"""The REST resources under /services/data/vXX.X, apart from transport and session: a call in, an answer out."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

import msgspec

from system_apis.sandbox.salesforce import soql
from system_apis.sandbox.salesforce.records import Crm, CrmError, Row, SeveralMatch, attributes, the_object
from system_apis.sandbox.salesforce.schema import OBJECTS, SObject, describe

FIRST_VERSION, LAST_VERSION = 41, 68
_UPSERT_ANSWERS_SINCE = 46
_MAX_COLLECTION = 200
_VERSIONED = re.compile(r"/services/data/v(\d{1,3})\.0(/.*)?")


@dataclass(frozen=True)
class Call:
    """`path` is raw, below the version; `body` is decoded JSON, or nothing."""

    method: str
    version: str
    path: str
    query: dict[str, str]
    body: Any = None

    @property
    def base(self) -> str:
        return f"/services/data/v{self.version}"


@dataclass(frozen=True)
class Answer:
    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


def versions() -> list[dict[str, str]]:
    return [_version(number) for number in range(FIRST_VERSION, LAST_VERSION + 1)]


def _version(number: int) -> dict[str, str]:
    back = LAST_VERSION - number  # three releases a year, Winter '27 being the last
    label = f"{('Winter', 'Summer', 'Spring')[back % 3]} '{27 - (back + 2) // 3:02d}"
    return {"label": label, "url": f"/services/data/v{number}.0", "version": f"{number}.0"}


def split(path: str) -> tuple[str, str]:
    """The version a path names, and what lies below it; refuses versions that are retired or not there yet."""
    found = _VERSIONED.fullmatch(path)
    if found is None or int(found[1]) > LAST_VERSION:
        raise not_found()
    if int(found[1]) < FIRST_VERSION:
        raise CrmError(410, "UNSUPPORTED_API_VERSION", "The requested API version has been retired.")
    return f"{found[1]}.0", (found[2] or "").rstrip("/")


def serve(crm: Crm, call: Call) -> Answer:
    """Any resource but composite, which is made of these."""
    try:
        return _route(crm, call)
    except SeveralMatch as several:
        return Answer(300, [row_url(row, call) for row in several.rows])
    except CrmError as wrong:
        return Answer(wrong.status, wrong.body())


def _route(crm: Crm, call: Call) -> Answer:
    match [unquote(part) for part in call.path.strip("/").split("/")]:
        case ["query"]:
            return Answer(200, soql.run(crm, call.query.get("q", ""), call.version))
        case ["composite", "sobjects"] if call.method in ("PATCH", "POST"):
            return _collection(crm, call)
        case ["sobjects", name] if call.method == "POST":
            return _created(crm.create(the_object(name), _values(call)), call)
        case ["sobjects", name, row_id] if row_id != "describe":
            return _row(crm, call, the_object(name), row_id)
        case ["sobjects", name, key, value]:
            return _external(crm, call, the_object(name), key, value)
        case path:
            return Answer(200, _listing(call, path))


def _listing(call: Call, path: list[str]) -> Row:
    """What is there, rather than what is in it."""
    if call.method != "GET":
        raise _method_not_allowed(call)
    match path:
        case [""]:
            return {name: f"{call.base}/{name}" for name in ("sobjects", "query", "composite", "limits")}
        case ["limits"]:
            return {"DailyApiRequests": {"Max": 100_000, "Remaining": 99_000}}
        case ["sobjects"]:
            listed = [{"name": one.name, "keyPrefix": one.prefix, "queryable": True} for one in OBJECTS.values()]
            return {"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": listed}
        case ["sobjects", name]:
            one = the_object(name)
            return {"objectDescribe": {"name": one.name, "keyPrefix": one.prefix}, "recentItems": []}
        case ["sobjects", name, "describe"]:
            return describe(the_object(name), f"{call.base}/sobjects")
    raise not_found()


def _row(crm: Crm, call: Call, one: SObject, row_id: str) -> Answer:
    match call.method:
        case "GET" | "HEAD":
            return Answer(200, _read(crm, call, one, crm.row(one, row_id)))
        case "PATCH":
            crm.update(one, row_id, _values(call))
        case "DELETE":
            crm.delete(one, row_id)
        case _:
            raise _method_not_allowed(call)
    return Answer(204)


def _external(crm: Crm, call: Call, one: SObject, key: str, value: str) -> Answer:
    """By external id. The upsert answers with a body from v46.0 on."""
    found = crm.by_external_id(one, key, value)
    if call.method == "GET" and found:
        return Answer(200, _read(crm, call, one, found))
    if call.method != "PATCH":
        raise not_found() if call.method == "GET" else _method_not_allowed(call)
    if found is None:
        if call.query.get("updateOnly") == "true":
            raise not_found()
        return _created(crm.create(one, _values(call) | {key: value}), call, {"created": True})
    crm.update(one, found["Id"], _values(call))
    if int(float(call.version)) < _UPSERT_ANSWERS_SINCE:
        return Answer(204)
    return Answer(200, {"id": found["Id"], "success": True, "errors": [], "created": False})


def _collection(crm: Crm, call: Call) -> Answer:
    """Up to 200 rows in one call: always 200, with a result per row."""
    wanted = _values(call)
    records = wanted.get("records")
    if not isinstance(records, list) or not 0 < len(records) <= _MAX_COLLECTION:
        raise CrmError(
            400, "EXCEEDED_ID_LIMIT", f"record limit reached. cannot submit more than {_MAX_COLLECTION} records"
        )
    saved = crm.snapshot()
    results = [_saved(crm, call, record) for record in records]
    if wanted.get("allOrNone") and not all(result["success"] for result in results):
        crm.restore(saved)
        told = "Record rolled back because not all records were valid and the request was using AllOrNone header"
        halted = {"statusCode": "ALL_OR_NONE_OPERATION_ROLLED_BACK", "message": told, "fields": []}
        results = [{"success": False, "errors": [halted]} if result["success"] else result for result in results]
    return Answer(200, results)


def _saved(crm: Crm, call: Call, record: Row) -> dict[str, Any]:
    try:
        one = the_object(record.get("attributes", {}).get("type", ""))
        values = {name: value for name, value in record.items() if name not in ("attributes", "id")}
        row = crm.create(one, values) if call.method == "POST" else crm.update(one, str(record.get("id")), values)
    except CrmError as wrong:
        return {
            "success": False,
            "errors": [{"statusCode": wrong.code, "message": wrong.message, "fields": wrong.fields or []}],
        }
    return {"id": row["Id"], "success": True, "errors": []}


def _read(crm: Crm, call: Call, one: SObject, row: Row) -> Row:
    asked = [name for name in call.query.get("fields", "").split(",") if name]
    unknown = [name for name in asked if one.find(name) is None]
    if unknown:
        raise CrmError(400, "INVALID_FIELD", f"No such column '{unknown[0]}' on sobject of type {one.name}")
    names = dict.fromkeys([f.name for name in asked if (f := one.find(name))] + ["Id"]) if asked else one.fields
    return {"attributes": attributes(one, row, call.version)} | {name: crm.value(one, row, name) for name in names}


def _created(row: Row, call: Call, more: Row | None = None) -> Answer:
    return Answer(
        201, {"id": row["Id"], "success": True, "errors": []} | (more or {}), {"Location": row_url(row, call)}
    )


def row_url(row: Row, call: Call) -> str:
    name = next(one.name for one in OBJECTS.values() if row["Id"].startswith(one.prefix))
    return f"{call.base}/sobjects/{name}/{row['Id']}"


def _values(call: Call) -> Row:
    if not isinstance(call.body, dict):
        raise CrmError(400, "JSON_PARSER_ERROR", "The HTTP entity body is required, and must be a JSON object.")
    return call.body


def decode(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body) if body else None
    except msgspec.DecodeError as wrong:
        raise CrmError(400, "JSON_PARSER_ERROR", str(wrong)) from wrong


def not_found() -> CrmError:
    return CrmError(404, "NOT_FOUND", "The requested resource does not exist")


def _method_not_allowed(call: Call) -> CrmError:
    return CrmError(405, "METHOD_NOT_ALLOWED", f"HTTP Method '{call.method}' not allowed.")
