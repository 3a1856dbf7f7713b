"""Composite: up to 25 sub-requests in one call, with references among them and, if asked, all or none."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from system_apis.sandbox.salesforce.records import Crm, CrmError
from system_apis.sandbox.salesforce.rest import Answer, Call, serve, split

_MAX, _MAX_QUERIES = 25, 5
_REFERENCE = re.compile(r"@\{(\w+)((?:\.\w+|\[\d+\])+)\}")
_HALTED = "PROCESSING_HALTED"
_ROLLED_BACK = "The transaction was rolled back since another operation in the same transaction failed."
_FORBIDDEN = {"accept", "authorization", "content-type"}
_FIRST_FAILURE = 300


def run(crm: Crm, body: Any) -> Answer:
    """Always 200 once the request as a whole is understood; each part tells its own status."""
    parts = _parts(body)
    saved = crm.snapshot()
    answers: dict[str, Answer] = {}
    for part in parts:
        answer = _one(crm, part, answers)
        answers[part["referenceId"]] = answer
        if body.get("allOrNone") and answer.status >= _FIRST_FAILURE:
            crm.restore(saved)
            told = Answer(400, [{"errorCode": _HALTED, "message": _ROLLED_BACK}])
            answers = {p["referenceId"]: told for p in parts} | {part["referenceId"]: answer}
            break
    return Answer(
        200, {"compositeResponse": [_shown(name, answers[name]) for name in (p["referenceId"] for p in parts)]}
    )


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
    if len(parts) > _MAX or sum("/query" in str(part.get("url")) for part in parts) > _MAX_QUERIES:
        raise CrmError(400, "LIMIT_EXCEEDED", f"At most {_MAX} sub-requests, {_MAX_QUERIES} of them queries.")
    return parts


def _one(crm: Crm, part: dict[str, Any], answers: dict[str, Answer]) -> Answer:
    try:
        url = urlsplit(str(_filled(str(part.get("url")), answers)))
        version, below = split(url.path)
        filled = _filled(part.get("body"), answers)
    except CrmError as wrong:
        return Answer(wrong.status, wrong.body())
    return serve(crm, Call(str(part.get("method")), version, below, dict(parse_qsl(url.query)), filled))


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
