"""What an operation may refuse with: the problems of its sheet, of what it takes, and of its own process."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from app.contract_words import EVERY_ANSWER, PHRASES
from app.errors import (
    BodyMalformed,
    BodyTooLarge,
    DeadlinePassed,
    EncodingUnsupported,
    MediaTypeUnsupported,
    ParameterMalformed,
)
from app.problem_rows import Row
from app.problem_table import ROWS
from app.problems import JSON, PROBLEM_JSON, TYPE_BASE, UNFORESEEN
from app.route import Route
from policies import errors as policy
from process_apis.errors import NoSuchThing, VersionStale
from system_apis.errors import SystemTimeout, SystemUnavailable, UnreadableAnswer

LIMITED = 429

Json = dict[str, Any]
Codes = tuple[str, ...]


class Problems:
    """The problem responses of a document. What most operations with a status have in common stands once; an operation
    with other codes says its own, so that nobody writes code for what cannot come."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self._rows = {route.operation_id: _rows(route) for route in routes}
        self._common = {status: self._commonest(status) for rows in self._rows.values() for status in rows}

    def of(self, route: Route) -> Json:
        own = self._rows[route.operation_id]
        return {str(status): self._response(status, own[status]) for status in sorted(own)}

    def shared(self) -> Json:
        return {_name(status): _described(status, self._common[status]) for status in sorted(self._common)}

    def examples(self) -> Json:
        used = {row.code: row for rows in self._rows.values() for each in rows.values() for row in each}
        return {code: {"summary": used[code].title, "value": _example(used[code])} for code in sorted(used)}

    def _commonest(self, status: int) -> list[Row]:
        sets = [tuple(rows[status]) for rows in self._rows.values() if status in rows]
        return list(Counter(sets).most_common(1)[0][0])

    def _response(self, status: int, rows: list[Row]) -> Json:
        if rows == self._common[status]:
            return {"$ref": f"#/components/responses/{_name(status)}"}
        return _described(status, rows)


def _rows(route: Route) -> dict[int, list[Row]]:
    """By status, in the order of their codes."""
    rows = {ROWS[kind].code: ROWS[kind] for kind in _errors(route)} | {UNFORESEEN.code: UNFORESEEN}
    by_status: dict[int, list[Row]] = {}
    for code in sorted(rows):
        by_status.setdefault(rows[code].status, []).append(rows[code])
    return by_status


def _errors(route: Route) -> list[type[BaseException]]:
    """What the route may refuse with: by its sheet, by what it takes, and what it says itself."""
    kinds: list[type[BaseException]] = [
        policy.CredentialsMissing, policy.CredentialsMalformed, policy.TokenInvalid, policy.KeyInvalid,
        policy.ScopeMissing, policy.IssuerUnavailable, policy.StoreUnavailable, policy.LimitSpent, ParameterMalformed,
        policy.CountersUnavailable,
        SystemUnavailable, SystemTimeout, UnreadableAnswer, DeadlinePassed,
    ]  # fmt: skip
    if route.takes is not None:
        kinds += [BodyMalformed, BodyTooLarge, MediaTypeUnsupported, EncodingUnsupported, policy.WeightAboveLimit]
    if route.parameters:
        kinds.append(NoSuchThing)
    if route.sheet.ending and route.sheet.ending.sunset_at:
        kinds.append(policy.VersionGone)
    if route.sheet.kinds:
        kinds.append(policy.ClientKindRefused)
    if route.sheet.roles:
        kinds.append(policy.RoleMissing)
    if route.sheet.once:
        kinds += [policy.IdempotencyKeyMissing, policy.IdempotencyKeyMalformed, policy.IdempotencyKeyReused,
                  policy.IdempotencyKeyInFlight, policy.StoreUnavailable]  # fmt: skip
    if route.sheet.if_match:
        kinds += [policy.PreconditionMissing, VersionStale]
    return [*kinds, *route.refuses]


def _described(status: int, rows: Sequence[Row]) -> Json:
    content: Json = {
        "schema": {"$ref": "#/components/schemas/Problem"},
        "examples": {row.code: {"$ref": f"#/components/examples/{row.code}"} for row in rows},
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
        "headers": header_refs(headers),
        "content": {PROBLEM_JSON: content, JSON: content},
    }


class _Anything:
    """Stands for the facts of an error where only the shape of its answer matters."""

    def __getattr__(self, _name: str) -> str:
        return "…"


def _example(row: Row) -> Json:
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


def header_refs(names: Iterable[str]) -> Json:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _name(status: int) -> str:
    """`TooManyRequests` for 429: a name that generators can use."""
    return "".join(word.capitalize() for word in PHRASES[status].split())
