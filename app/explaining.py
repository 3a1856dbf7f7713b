"""Why a call was refused, for the operator who is asked about it: the policy that decided, its facts, what would help.

The caller's problem stays short on purpose. Here stands what it leaves out and an operator may know: that an id does
exist but is not this client's, which scopes the token had, where the limit stood.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import msgspec

from app import errors as edge
from app.problems import Problem
from app.shell.trace import Trail
from policies import errors as policy
from policies.clients import Client
from policies.explain import LONGEST_TEXT, Explanation
from policies.limit_fields import POLICY_FIELD, STATE_FIELD
from process_apis import errors as business
from system_apis.errors import UpstreamError

FIRST_REFUSAL, FIRST_FAILURE, UNAVAILABLE = 400, 500, 503
MOST_FAULTS = 20

DECIDERS: dict[type[BaseException], str] = {
    policy.CredentialsMissing: "authentication",
    policy.CredentialsMalformed: "authentication",
    policy.TokenInvalid: "authentication",
    policy.KeyInvalid: "authentication",
    policy.IssuerUnavailable: "authentication",
    policy.ScopeMissing: "access: scopes",
    policy.ClientKindRefused: "access: kinds of clients",
    policy.RoleMissing: "access: roles",
    policy.NotVisible: "access: whose it is",
    policy.PreconditionMissing: "preconditions",
    policy.LimitSpent: "limits",
    policy.WeightAboveLimit: "limits",
    policy.CountersUnavailable: "limits",
    policy.VersionGone: "versions",
    policy.IdempotencyKeyMissing: "idempotency",
    policy.IdempotencyKeyMalformed: "idempotency",
    policy.IdempotencyKeyReused: "idempotency",
    policy.IdempotencyKeyInFlight: "idempotency",
    policy.StoreUnavailable: "store",
}
LAYERS: tuple[tuple[type[BaseException], str], ...] = (
    (policy.PolicyRefusal, "policies"),
    (business.BusinessRefusal, "the process behind the route"),
    (edge.EdgeRefusal, "the edge"),
    (UpstreamError, "a neighbour"),
)

REMEDIES = {
    "credentials-missing": "The caller sends `Authorization: Bearer <token>`; the resource metadata names the issuer.",
    "token-invalid": "The caller takes a fresh token from an issuer we trust, for our audience.",
    "key-invalid": "The caller sends a key that lives; `ordergate keys list` shows which do.",
    "scope-missing": "Grant the client the scope, in the registry and at the issuer, or let it stop asking.",
    "client-kind-refused": "Use a client of a kind that the route lets in.",
    "role-missing": "Give the client one of the roles, if that is its job.",
    "quota-exceeded": "Wait as long as Retry-After says; raise the client's limit if this is its normal load.",
    "weight-above-limit": "Send fewer lines per call, or raise the client's limit.",
    "idempotency-key-missing": "The caller sends a key of its own making, and the same one when it repeats the call.",
    "idempotency-key-reused": "Either a repeat was changed on its way, or keys are not unique at the caller.",
    "idempotency-key-in-flight": "Nothing is wrong: the repeat came while the first call was still at work.",
    "precondition-missing": "The caller reads the thing first and sends its etag as If-Match.",
    "version-stale": "The caller reads again: somebody else, or a process of ours, changed it in between.",
    "version-gone": "The caller moves to the successor; `ordergate versions usage` says who else has to.",
    "events-forgotten": "The reader stayed away for too long: it begins anew, or `[retention] events_days` is raised.",
    "lines-already-converted": "Look at the operation that holds the lines; a repeat needs the first call's key.",
    "change-request-open": "Decide or withdraw the open change request first.",
    "quote-version-moved": "The caller reads the quote again and converts the version it then sees.",
}
_NOT_YOURS = "It exists, and is not this client's: compare the client's customers with whose it is."
_NOT_THERE = "Nothing with this id was found: a wrong id, or one of another system or environment."


def explanation_of(error: BaseException, problem: Problem, trail: Trail, now: datetime) -> Explanation | None:
    """The explanation of a refusal; None for what is no refusal of a call but a failure of ours."""
    if not (FIRST_REFUSAL <= problem.status < FIRST_FAILURE or problem.status == UNAVAILABLE):
        return None
    credential = trail.credential
    return Explanation(
        instance=problem.instance,
        at=now,
        status=problem.status,
        code=problem.code,
        decided_by=_decider(error),
        because=_clipped(problem.detail if isinstance(error, UpstreamError) else str(error) or problem.detail),
        operation=trail.call.operation if trail.call else trail.route,
        client_id=trail.client_id or None,
        credential=credential.name if credential else None,
        correlation_id=problem.correlation_id,
        facts=dict(_facts(error, trail, credential.client if credential else None)),
        remedy=_remedy(error, problem),
    )


def _decider(error: BaseException) -> str:
    own = DECIDERS.get(type(error))
    return own or next((name for kind, name in LAYERS if isinstance(error, kind)), "the edge")


def _remedy(error: BaseException, problem: Problem) -> str:
    if isinstance(error, policy.NotVisible):
        return _NOT_YOURS
    if isinstance(error, business.NoSuchThing):
        return _NOT_THERE
    return REMEDIES.get(problem.code, problem.detail)


def _facts(error: BaseException, trail: Trail, client: Client | None) -> Iterator[tuple[str, Any]]:
    """What the error itself carries, then what only makes sense beside it. Nothing here comes from another client."""
    for name, value in vars(error).items():
        if isinstance(value, str | int | float | bool | datetime):
            yield _camel(name), _clipped(value)
        elif isinstance(value, tuple) and all(isinstance(each, str) for each in value):
            yield _camel(name), list(map(_clipped, value))
    for kind, more in _BESIDE.items():
        if isinstance(error, kind):
            yield from more(error, trail, client)


def _scopes(_error: Any, _trail: Trail, client: Client | None) -> Iterator[tuple[str, Any]]:
    if client:
        yield "hadScopes", sorted(client.scopes)


def _roles(_error: Any, _trail: Trail, client: Client | None) -> Iterator[tuple[str, Any]]:
    if client:
        yield "hadRoles", sorted(client.roles)


def _whose(_error: Any, _trail: Trail, client: Client | None) -> Iterator[tuple[str, Any]]:
    if client:
        yield "clientSpeaksFor", list(client.customers[:MOST_FAULTS])


def _standing(error: Any, trail: Trail, _client: Client | None) -> Iterator[tuple[str, Any]]:
    fields = {**trail.answer_headers, **{name.lower(): value for name, value in getattr(error, "headers", ())}}
    for name, field in (("limits", POLICY_FIELD), ("standing", STATE_FIELD)):
        if field in fields:
            yield name, fields[field]


def _if_match(_error: Any, trail: Trail, _client: Client | None) -> Iterator[tuple[str, Any]]:
    if trail.call:
        yield "seenEtag", _clipped(trail.call.headers.get("if-match", ""))


def _key(_error: Any, trail: Trail, _client: Client | None) -> Iterator[tuple[str, Any]]:
    if trail.call:
        yield "idempotencyKey", _clipped(trail.call.headers.get("idempotency-key", ""))


def _faults(error: Any, _trail: Trail, _client: Client | None) -> Iterator[tuple[str, Any]]:
    faults = getattr(error, "faults", None) or (error.fault,)
    yield "faults", [msgspec.to_builtins(each) for each in faults[:MOST_FAULTS]]


def _presented(_error: Any, trail: Trail, _client: Client | None) -> Iterator[tuple[str, Any]]:
    """Which scheme was used, never what came after it."""
    if trail.call:
        sent = list(trail.call.every("authorization"))
        yield "authorizationHeaders", len(sent)
        yield "schemes", sorted({_clipped(each.partition(" ")[0], 20) for each in sent if " " in each})


_BESIDE: dict[type[BaseException], Callable[[Any, Trail, Client | None], Iterator[tuple[str, Any]]]] = {
    policy.ScopeMissing: _scopes,
    policy.RoleMissing: _roles,
    policy.NotVisible: _whose,
    policy.LimitSpent: _standing,
    policy.WeightAboveLimit: _standing,
    business.VersionStale: _if_match,
    policy.IdempotencyKeyReused: _key,
    policy.IdempotencyKeyInFlight: _key,
    business.RequestFaulty: _faults,
    edge.BodyMalformed: _faults,
    policy.CredentialsMissing: _presented,
    policy.CredentialsMalformed: _presented,
}


def _clipped(value: Any, length: int = LONGEST_TEXT) -> Any:
    return value[:length] if isinstance(value, str) else value


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(each.capitalize() for each in rest)
