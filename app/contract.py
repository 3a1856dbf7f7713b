"""The documents of both doors: OpenAPI 3.1, made of the routes, their sheets and msgspec's schemas, never by hand."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from app.contract_schemas import Schemas
from app.contract_words import (
    EVERY_ANSWER,
    EXAMPLES,
    INFO,
    INTERNAL_INFO,
    PATH_PARAMETERS,
    PHRASES,
    REQUEST_HEADERS,
    RESPONSE_HEADERS,
    SCOPES,
    TAGS,
    TOKEN_URL,
)
from app.errors import (
    BodyMalformed,
    BodyTooLarge,
    DeadlinePassed,
    EncodingUnsupported,
    MediaTypeUnsupported,
    ParameterMalformed,
)
from app.internal_routes import INTERNAL
from app.problem_rows import Row
from app.problem_table import ROWS
from app.problems import JSON, PROBLEM_JSON, TYPE_BASE, UNFORESEEN, Problem
from app.route import Route
from app.routes import PUBLIC
from policies import errors as policy
from process_apis.errors import NoSuchThing, VersionStale
from system_apis.errors import SystemTimeout, SystemUnavailable, UnreadableAnswer

DOCUMENT_PATH = "/openapi/v1.json"
INTERNAL_DOCUMENT_PATH = "/openapi/internal-v1.json"
ACCEPTED = 202
NOT_MODIFIED = 304
LIMITED = 429

Json = dict[str, Any]


def text(routes: Sequence[Route] = PUBLIC) -> str:
    """The document as it is kept in `openapi/v1.json` and served."""
    return _written(document(routes))


def internal_text() -> str:
    """The document of the internal door, as it is kept in `openapi/internal-v1.json` and served there."""
    return _written(document(INTERNAL, INTERNAL_INFO))


def texts() -> dict[str, str]:
    """Every document by the name of its file."""
    return {"v1.json": text(), "internal-v1.json": internal_text()}


def _written(content: Json) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def document(routes: Sequence[Route] = PUBLIC, info: Json = INFO) -> Json:
    schemas = Schemas(
        asked=[kind for route in routes for kind in (route.takes, route.query) if kind],
        told=[*(kind for route in routes for kind in route.returns), Problem],
    )
    paths: dict[str, Json] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schemas)
    used = sorted(_used_problems(routes).items())
    problems = {_name(status): _problem_response(status, rows) for status, rows in used}
    return {
        "openapi": "3.1.0",
        "info": info,
        "servers": [{"url": "/", "description": "The gateway that serves this document"}],
        "tags": [{"name": tag, "description": TAGS[tag]} for tag in dict.fromkeys(route.tag for route in routes)],
        "paths": paths,
        "components": {
            "schemas": schemas.components({route.query.__name__ for route in routes if route.query}),
            "parameters": _header_parameters(routes),
            "headers": _used_headers((paths, problems)),
            "responses": problems,
            "securitySchemes": {"oauth": _security_scheme(routes)},
        },
    }


def _operation(route: Route, schemas: Schemas) -> Json:
    operation: Json = {
        "operationId": route.operation_id,
        "tags": [route.tag],
        "summary": route.summary,
        "description": _description(route),
        "security": [{"oauth": [route.sheet.scope]}],
        "parameters": [
            *_path_parameters(route),
            *schemas.parameters(route.query),
            *map(_parameter_ref, _headers(route)),
        ],
        "responses": {
            **{str(status): _answer(route, status, schemas) for status in route.statuses},
            **({str(NOT_MODIFIED): _not_modified()} if _is_conditional(route) else {}),
            **{str(status): {"$ref": f"#/components/responses/{_name(status)}"} for status in _problems(route)},
        },
    }
    if route.takes is not None:
        content: Json = {"schema": schemas.ref(route.takes)}
        if route.operation_id in EXAMPLES:
            content["examples"] = EXAMPLES[route.operation_id]
        operation["requestBody"] = {"required": not route.body_optional, "content": {JSON: content}}
    return operation


def _description(route: Route) -> str:
    parts = [route.description]
    if route.sheet.once:
        hours = int(route.sheet.kept.total_seconds() // 3600)
        parts.append(f"A repeat with the same Idempotency-Key gets the same answer for {hours} hours.")
    if route.sheet.if_match:
        parts.append("If-Match names the version you saw; an older one is refused with 412.")
    return "\n\n".join(parts)


def _path_parameters(route: Route) -> list[Json]:
    return [{"name": name, "in": "path", "required": True, **PATH_PARAMETERS[name]} for name in route.parameters]


def _headers(route: Route) -> list[str]:
    """The headers a caller may or must send, by the keys of REQUEST_HEADERS."""
    names = ["XCorrelationId", "XRequestTimeoutMs"]
    if route.sheet.once:
        names.append("IdempotencyKey")
    if route.sheet.if_match:
        names.append("IfMatch")
    if _is_conditional(route):
        names.append("IfNoneMatch")
    if ACCEPTED in route.statuses:
        names.append("Prefer")
    return names


def _has_etag(route: Route) -> bool:
    return any("etag" in getattr(kind, "__struct_fields__", ()) for kind in route.returns)


def _is_conditional(route: Route) -> bool:
    return route.method == "GET" and _has_etag(route)


def _used_headers(told: object) -> Json:
    """The headers that an answer refers to: a document that defines more is linted."""
    text = json.dumps(told)
    return {name: said for name, said in RESPONSE_HEADERS.items() if f'"#/components/headers/{name}"' in text}


def _header_parameters(routes: Iterable[Route]) -> Json:
    used = {name for route in routes for name in _headers(route)}
    return {name: said for name, said in REQUEST_HEADERS.items() if name in used}


def _parameter_ref(name: str) -> Json:
    return {"$ref": f"#/components/parameters/{name}"}


def _answer(route: Route, status: int, schemas: Schemas) -> Json:
    headers = [*EVERY_ANSWER, "RateLimit", "RateLimit-Policy"]
    if _has_etag(route):
        headers.append("ETag")
    if route.method == "POST" and status in (201, 202):
        headers.append("Location")
    if status == ACCEPTED:
        headers.append("Retry-After")
    if ACCEPTED in route.statuses:
        headers.append("Preference-Applied")
    if route.sheet.once:
        headers.append("Idempotency-Replayed")
    return {
        "description": PHRASES[status],
        "headers": _header_refs(headers),
        "content": {JSON: {"schema": schemas.answer(route.returns)}},
    }


def _not_modified() -> Json:
    headers = [*EVERY_ANSWER, "RateLimit", "RateLimit-Policy", "ETag"]
    return {"description": PHRASES[NOT_MODIFIED], "headers": _header_refs(headers)}


def _header_refs(names: Iterable[str]) -> Json:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _errors(route: Route) -> list[type[BaseException]]:
    """What the route may refuse with: by its sheet, by what it takes, and what it says itself."""
    kinds: list[type[BaseException]] = [
        policy.CredentialsMissing, policy.CredentialsMalformed, policy.TokenInvalid, policy.ScopeMissing,
        policy.IssuerUnavailable, policy.LimitSpent, ParameterMalformed,
        SystemUnavailable, SystemTimeout, UnreadableAnswer, DeadlinePassed,
    ]  # fmt: skip
    if route.takes is not None:
        kinds += [BodyMalformed, BodyTooLarge, MediaTypeUnsupported, EncodingUnsupported, policy.WeightAboveLimit]
    if route.parameters:
        kinds.append(NoSuchThing)
    if route.sheet.kinds:
        kinds.append(policy.ClientKindRefused)
    if route.sheet.once:
        kinds += [policy.IdempotencyKeyMissing, policy.IdempotencyKeyMalformed, policy.IdempotencyKeyReused,
                  policy.IdempotencyKeyInFlight, policy.StoreUnavailable]  # fmt: skip
    if route.sheet.if_match:
        kinds += [policy.PreconditionMissing, VersionStale]
    return [*kinds, *route.refuses]


def _problems(route: Route) -> list[int]:
    return sorted({*(ROWS[kind].status for kind in _errors(route)), UNFORESEEN.status})


def _used_problems(routes: Iterable[Route]) -> dict[int, list[Row]]:
    used: dict[int, list[Row]] = {UNFORESEEN.status: [UNFORESEEN]}
    for kind in dict.fromkeys(kind for route in routes for kind in _errors(route)):
        rows = used.setdefault(ROWS[kind].status, [])
        if ROWS[kind] not in rows:
            rows.append(ROWS[kind])
    return used


def _problem_response(status: int, rows: Sequence[Row]) -> Json:
    content: Json = {
        "schema": {"$ref": "#/components/schemas/Problem"},
        "examples": {row.code: {"value": _example_problem(row)} for row in rows},
    }
    headers = list(EVERY_ANSWER)
    if any(row.retry_after for row in rows):
        headers.append("Retry-After")
    if status == LIMITED:
        headers += ["RateLimit", "RateLimit-Policy"]
    if any("www-authenticate" in row.headers(_Anything()) for row in rows if status in (401, 403)):
        headers.append("WWW-Authenticate")
    codes = ", ".join(f"`{row.code}`" for row in rows)
    return {
        "description": f"{PHRASES[status]}: {codes}",
        "headers": _header_refs(headers),
        "content": {PROBLEM_JSON: content, JSON: content},
    }


class _Anything:
    """Stands for the facts of an error where only the shape of its answer matters."""

    def __getattr__(self, _name: str) -> str:
        return "…"


def _example_problem(row: Row) -> Json:
    return {
        "type": row.type_uri or TYPE_BASE + row.code,
        "title": row.title,
        "status": row.status,
        "detail": row.detail if isinstance(row.detail, str) else row.title,
        "instance": "urn:uuid:6f1ed002-ab55-4f0e-8a29-0c1c0d1b7a10",
        "code": row.code,
        "traceId": "0af7651916cd43dd8448eb211c80319c",
        "correlationId": "7b0c9a52-6e0a-4d38-b8a5-3f0c2d6e9a11",
    }


def _security_scheme(routes: Iterable[Route]) -> Json:
    scopes = sorted({route.sheet.scope for route in routes})
    return {
        "type": "oauth2",
        "description": "Access tokens of RFC 9068. /.well-known/oauth-protected-resource names the issuer (RFC 9728).",
        "flows": {"clientCredentials": {"tokenUrl": TOKEN_URL, "scopes": {scope: SCOPES[scope] for scope in scopes}}},
    }


def _name(status: int) -> str:
    """`TooManyRequests` for 429: a name that generators can use."""
    return "".join(word.capitalize() for word in PHRASES[status].split())
