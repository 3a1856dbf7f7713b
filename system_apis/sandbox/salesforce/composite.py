"""Composite and graphs: many sub-requests in one call, with references among them and, if asked, all or none."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from system_apis.sandbox.salesforce.errors import CrmError
from system_apis.sandbox.salesforce.records import Crm
from system_apis.sandbox.salesforce.rest import serve, split
from system_apis.sandbox.salesforce.wire import Answer, Call

_MAX, _MAX_QUERIES = 25, 5
_MAX_GRAPHS, _MAX_NODES = 75, 500
_REFERENCE = re.compile(r"@\{(\w+)((?:\.\w+|\[\d+\])+)\}")
_HALTED = "PROCESSING_HALTED"
_ROLLED_BACK = "The transaction was rolled back since another operation in the same transaction failed."
_FORBIDDEN = {"accept", "authorization", "content-type"}
_FIRST_FAILURE = 300


def run(crm: Crm, body: Any) -> Answer:
    """Always 200 once the request as a whole is understood; each part tells its own status."""
    parts = _parts(body)
    if len(parts) > _MAX or sum("/query" in str(part.get("url")) for part in parts) > _MAX_QUERIES:
        raise CrmError(400, "LIMIT_EXCEEDED", f"At most {_MAX} sub-requests, {_MAX_QUERIES} of them queries.")
    return Answer(200, _done(crm, parts, all_or_none=bool(body.get("allOrNone")))[0])


def graphs(crm: Crm, body: Any) -> Answer:
    """Each graph is done as a whole or not at all, whatever becomes of the others; only rows may be touched."""
    wanted = body.get("graphs") if isinstance(body, dict) else None
    if not isinstance(wanted, list) or not all(isinstance(one, dict) and one.get("graphId") for one in wanted):
        raise CrmError(400, "JSON_PARSER_ERROR", "The member graphs is required: objects with a graphId each.")
    parts = {str(one["graphId"]): _parts(one) for one in wanted}
    if len(parts) < len(wanted):
        raise CrmError(400, "INVALID_INPUT", "Each graph needs a graphId of its own.")
    if len(parts) > _MAX_GRAPHS or sum(map(len, parts.values())) > _MAX_NODES:
        raise CrmError(400, "LIMIT_EXCEEDED", f"At most {_MAX_GRAPHS} graphs with {_MAX_NODES} nodes in all.")
    if any("/sobjects/" not in str(part.get("url")) for each in parts.values() for part in each):
        raise CrmError(400, "INVALID_INPUT", "A graph holds sObject requests only.")
    told = []
    for name, each in parts.items():
        response, successful = _done(crm, each, all_or_none=True)
        told.append({"graphId": name, "graphResponse": response, "isSuccessful": successful})
    return Answer(200, {"graphs": told})


RESOURCES = {"/composite": run, "/composite/graph": graphs}


def _done(crm: Crm, parts: list[dict[str, Any]], *, all_or_none: bool) -> tuple[dict[str, Any], bool]:
    saved = crm.snapshot()
    answers: dict[str, Answer] = {}
    for part in parts:
        answer = _one(crm, part, answers)
        answers[part["referenceId"]] = answer
        if all_or_none and answer.status >= _FIRST_FAILURE:
            crm.restore(saved)
            told = Answer(400, [{"errorCode": _HALTED, "message": _ROLLED_BACK}])
            answers = {p["referenceId"]: told for p in parts} | {part["referenceId"]: answer}
            break
    shown = [_shown(part["referenceId"], answers[part["referenceId"]]) for part in parts]
    return {"compositeResponse": shown}, all(answer.status < _FIRST_FAILURE for answer in answers.values())


def _parts(body: Any) -> list[dict[str, Any]]:
    parts = body.get("compositeRequest") if isinstance(body, dict) else None
    if not isinstance(parts, list) or not all(isinstance(part, dict) for part in parts):
        raise CrmError(
            400, "JSON_PARSER_ERROR", "The member compositeRequest is required, and must be an array of objects."
        )
    names = [part.get("referenceId") for part in parts]
    if not all(isinstance(name, str) and name for name in names) or len(set(names)) != len(names):
        raise CrmError(400, "INVALID_INPUT", "Each sub-request needs a referenceId of its own.")
    if any(_FORBIDDEN & {name.lower() for name in part.get("httpHeaders") or {}} for part in parts):
        raise CrmError(400, "INVALID_INPUT", "Sub-requests must not carry Accept, Authorization or Content-Type.")
    return parts


def _one(crm: Crm, part: dict[str, Any], answers: dict[str, Answer]) -> Answer:
    try:
        url = urlsplit(str(_filled(str(part.get("url")), answers)))
        version, below = split(url.path)
        filled = _filled(part.get("body"), answers)
    except CrmError as wrong:
        return Answer(wrong.status, wrong.body())
    headers = {str(name).lower(): str(value) for name, value in (part.get("httpHeaders") or {}).items()}
    return serve(crm, Call(str(part.get("method")), version, below, dict(parse_qsl(url.query)), filled, headers))


def _filled(value: Any, answers: dict[str, Answer]) -> Any:
    """The value with every @{reference} in it replaced."""
    if isinstance(value, dict):
        return {name: _filled(inner, answers) for name, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, answers) for inner in value]
    return _REFERENCE.sub(lambda found: _looked_up(found, answers), value) if isinstance(value, str) else value


def _looked_up(found: re.Match[str], answers: dict[str, Answer]) -> str:
    at: Any = answers[found[1]].body if found[1] in answers else None
    for name, index in re.findall(r"\.(\w+)|\[(\d+)\]", found[2]):
        if index:
            at = at[int(index)] if isinstance(at, list) and int(index) < len(at) else None
        else:
            at = at.get(name) if isinstance(at, dict) else None
    if at is None:
        told = f"Invalid reference specified. No value for {found[1]}{found[2]} found in {found[1]}."
        raise CrmError(400, _HALTED, told)
    return str(at)


def _shown(name: str, answer: Answer) -> dict[str, Any]:
    return {"body": answer.body, "httpHeaders": answer.headers, "httpStatusCode": answer.status, "referenceId": name}
