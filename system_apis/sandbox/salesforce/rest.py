"""The REST resources under /services/data/vXX.X, apart from transport and session: a call in, an answer out."""

from __future__ import annotations

import re
from datetime import datetime
from email.utils import format_datetime, parsedate_to_datetime
from urllib.parse import unquote

from system_apis.sandbox.salesforce import collections, soql
from system_apis.sandbox.salesforce.errors import CrmError, Row, SeveralMatch
from system_apis.sandbox.salesforce.records import Crm, attributes, the_object
from system_apis.sandbox.salesforce.schema import OBJECTS, SObject, describe
from system_apis.sandbox.salesforce.wire import Answer, Call

FIRST_VERSION, LAST_VERSION = 41, 68
DAILY_LIMIT = 100_000
_UPSERT_ANSWERS_SINCE = 46
_VERSIONED = re.compile(r"/services/data/v(\d{1,3})\.0(/.*)?")


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
        case ["query" | "queryAll", *locator]:
            return _query(crm, call, locator)
        case ["composite", "sobjects", *by] if call.method in ("PATCH", "POST"):
            return collections.save(crm, call, by)
        case ["sobjects", name] if call.method == "POST":
            return _created(crm.create(the_object(name), call.values()), call)
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
        case ["sobjects"]:
            listed = [{"name": one.name, "keyPrefix": one.prefix, "queryable": True} for one in OBJECTS.values()]
            return {"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": listed}
        case ["sobjects", name]:
            one = the_object(name)
            return {"objectDescribe": {"name": one.name, "keyPrefix": one.prefix}, "recentItems": []}
        case ["sobjects", name, "describe"]:
            return describe(the_object(name), f"{call.base}/sobjects")
    raise not_found()


def limits(used: int) -> Answer:
    return Answer(200, {"DailyApiRequests": {"Max": DAILY_LIMIT, "Remaining": DAILY_LIMIT - used}})


def _query(crm: Crm, call: Call, locator: list[str]) -> Answer:
    """A query's first page, or the one that a locator stands for."""
    if not locator:
        found = soql.run(crm, call.query.get("q", ""), call.version)
        return Answer(200, crm.cursors.first(found, call.base, call.headers.get("sforce-query-options", "")))
    page = crm.cursors.next(locator[-1], call.base)
    if page is None:
        raise CrmError(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
    return Answer(200, page)


def _row(crm: Crm, call: Call, one: SObject, row_id: str) -> Answer:
    match call.method:
        case "GET" | "HEAD":
            row = crm.row(one, row_id)
            changed = _instant(row["LastModifiedDate"])
            stamp = {"Last-Modified": format_datetime(changed, usegmt=True)}
            since = _condition(call, "if-modified-since")
            if since is not None and changed <= since:
                return Answer(304, None, stamp)
            return Answer(200, _read(crm, call, one, row), stamp)
        case "PATCH":
            since = _condition(call, "if-unmodified-since")
            if since is not None and _instant(crm.row(one, row_id)["LastModifiedDate"]) > since:
                return Answer(412)
            crm.update(one, row_id, call.values())
        case "DELETE":
            crm.delete(one, row_id)
        case _:
            raise _method_not_allowed(call)
    return Answer(204)


def _condition(call: Call, name: str) -> datetime | None:
    """The instant of a conditional header. On a write one that cannot be read is a bad request, else it is ignored."""
    try:
        return parsedate_to_datetime(call.headers[name])
    except KeyError:
        return None
    except ValueError:
        if call.method == "GET":
            return None
        raise CrmError(400, "INVALID_HEADER", f"The value of {name} is no HTTP date.") from None


def _instant(stamp: str) -> datetime:
    return datetime.strptime(stamp, "%Y-%m-%dT%H:%M:%S.000%z")


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
        return _created(crm.create(one, call.values() | {key: value}), call, {"created": True})
    crm.update(one, found["Id"], call.values())
    if int(float(call.version)) < _UPSERT_ANSWERS_SINCE:
        return Answer(204)
    return Answer(200, {"id": found["Id"], "success": True, "errors": [], "created": False})


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


def not_found() -> CrmError:
    return CrmError(404, "NOT_FOUND", "The requested resource does not exist")


def _method_not_allowed(call: Call) -> CrmError:
    return CrmError(405, "METHOD_NOT_ALLOWED", f"HTTP Method '{call.method}' not allowed.")
