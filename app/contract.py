"""The documents of both doors: OpenAPI 3.1, made of the routes, their sheets and msgspec's schemas, never by hand."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from app.contract_examples import REQUEST, examples_of
from app.contract_flat import flat
from app.contract_problems import Problems, header_refs
from app.contract_schemas import Schemas
from app.contract_words import (
    API_KEY_SCHEME,
    EVERY_ANSWER,
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
from app.internal_routes import INTERNAL
from app.problems import JSON, Problem
from app.route import Route
from app.routes import PUBLIC
from policies.versioning import major_of

DOCUMENT_PATH = "/openapi/v1.json"
FLAT_FILE = "v1-3.0.json"
FLAT_DOCUMENT_PATH = f"/openapi/{FLAT_FILE}"
INTERNAL_DOCUMENT_PATH = "/openapi/internal-v1.json"
ACCEPTED = 202
NOT_MODIFIED = 304
LIMITED = 429

Json = dict[str, Any]


def text(routes: Sequence[Route] = PUBLIC) -> str:
    """The document as it is kept in `openapi/v1.json` and served."""
    return _written(document(routes))


def texts_by_path(routes: Sequence[Route]) -> dict[str, Callable[[], str]]:
    """A document for each major that the routes have, by the path where it is served; each is made when it is asked
    for."""
    majors = dict.fromkeys(major_of(route.path) for route in routes)
    return {f"/openapi/{major}.json": functools.partial(_major, major, routes) for major in majors}


def _major(major: str, routes: Sequence[Route]) -> str:
    chosen = [route for route in routes if major_of(route.path) == major]
    return _written(document(chosen, {**INFO, "version": f"{major[1:]}.0.0"}))


def flat_text() -> str:
    """The public document in OpenAPI 3.0, for those who read no newer one."""
    return _written(flat(document()))


def internal_text() -> str:
    """The document of the internal door, as it is kept in `openapi/internal-v1.json` and served there."""
    return _written(document(INTERNAL, INTERNAL_INFO))


def texts() -> dict[str, str]:
    """Every document by the name of its file."""
    return {"v1.json": text(), FLAT_FILE: flat_text(), "internal-v1.json": internal_text()}


def _written(content: Json) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def document(routes: Sequence[Route] = PUBLIC, info: Json = INFO) -> Json:
    schemas = Schemas(
        asked=[kind for route in routes for kind in (route.takes, route.query) if kind],
        told=[*(kind for route in routes for kind in route.returns), Problem],
    )
    problems = Problems(routes)
    paths: dict[str, Json] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schemas, problems)
    return {
        "openapi": "3.1.0",
        "info": info,
        "servers": [{"url": "/", "description": "The gateway that serves this document"}],
        "tags": [{"name": tag, "description": TAGS[tag]} for tag in dict.fromkeys(route.tag for route in routes)],
        "paths": paths,
        "components": {
            "schemas": schemas.components({route.query.__name__ for route in routes if route.query}),
            "parameters": _header_parameters(routes),
            "headers": _used_headers((paths, problems.shared())),
            "responses": problems.shared(),
            "examples": problems.examples(),
            "securitySchemes": {"oauth": _security_scheme(routes), "apiKey": API_KEY_SCHEME},
        },
    }


def _operation(route: Route, schemas: Schemas, problems: Problems) -> Json:
    operation: Json = {
        "operationId": route.operation_id,
        "tags": [route.tag],
        "summary": route.summary,
        "description": _description(route),
        "security": [{"oauth": [route.sheet.scope]}, {"apiKey": []}],
        "parameters": [
            *_path_parameters(route),
            *schemas.parameters(route.query),
            *map(_parameter_ref, _headers(route)),
        ],
        "responses": {
            **{str(status): _answer(route, status, schemas) for status in route.statuses},
            **({str(NOT_MODIFIED): _not_modified()} if _is_conditional(route) else {}),
            **problems.of(route),
        },
    }
    if route.sheet.ending is not None:
        operation["deprecated"] = True
    if route.takes is not None:
        content: Json = {"schema": schemas.ref(route.takes)}
        if shown := examples_of(route.operation_id).get(REQUEST):
            content["examples"] = shown
        operation["requestBody"] = {"required": not route.body_optional, "content": {JSON: content}}
    return operation


def _description(route: Route) -> str:
    parts = [route.description]
    if route.sheet.once:
        hours = int(route.sheet.kept.total_seconds() // 3600)
        parts.append(f"A repeat with the same Idempotency-Key gets the same answer for {hours} hours.")
    if ending := route.sheet.ending:
        until = f", served until {ending.sunset_at:%Y-%m-%d}" if ending.sunset_at else ""
        instead = f"; its successor is `{ending.successor}`" if ending.successor else ""
        parts.append(f"Deprecated since {ending.deprecated_at:%Y-%m-%d}{until}{instead}.")
    if route.sheet.roles:
        parts.append(f"For clients with the role {' or '.join(f'`{role}`' for role in route.sheet.roles)}.")
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
    headers = [*EVERY_ANSWER, "RateLimit", "RateLimit-Policy", *_ending_headers(route)]
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
    content: Json = {"schema": schemas.answer(route.returns)}
    if shown := examples_of(route.operation_id).get(str(status)):
        content["examples"] = shown
    return {"description": PHRASES[status], "headers": header_refs(headers), "content": {JSON: content}}


def _ending_headers(route: Route) -> list[str]:
    ending = route.sheet.ending
    if ending is None:
        return []
    return ["Deprecation", *(["Sunset"] if ending.sunset_at else []), "Link"]


def _not_modified() -> Json:
    headers = [*EVERY_ANSWER, "RateLimit", "RateLimit-Policy", "ETag"]
    return {"description": PHRASES[NOT_MODIFIED], "headers": header_refs(headers)}


def _security_scheme(routes: Iterable[Route]) -> Json:
    scopes = sorted({route.sheet.scope for route in routes})
    return {
        "type": "oauth2",
        "description": "Access tokens of RFC 9068. /.well-known/oauth-protected-resource names the issuer (RFC 9728).",
        "flows": {"clientCredentials": {"tokenUrl": TOKEN_URL, "scopes": {scope: SCOPES[scope] for scope in scopes}}},
    }
