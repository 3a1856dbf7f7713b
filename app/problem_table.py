"""The table: each error of every layer, its HTTP status and its sentence. Nothing else maps errors to HTTP.

A title is constant per code; a detail may hold facts of the occurrence, never text of a neighbour.
"""

from __future__ import annotations

from app import errors as edge
from app.problem_rows import (
    QUOTA_EXCEEDED,
    REDUCED_CAPACITY,
    SYSTEM_WORDS,
    Row,
    api_key,
    bearer,
    faults,
    named_system,
    of_neighbour,
    parameter,
    sentence,
    wait,
)
from policies import errors as policy
from process_apis import errors as business
from system_apis import errors as upstream

_SCOPE_CHALLENGE = bearer("insufficient_scope", "a scope is missing", scope=lambda e: e.scope)

NOTHING_HERE = "Nothing that you may see has this id."
"""One sentence for unknown and foreign ids, so that they cannot be told apart."""

_NOT_FOUND = Row(404, "not-found", "Not found", NOTHING_HERE)
_STALE = "Read it again, look at what changed, and send the version you then see."

EDGE: dict[type[BaseException], Row] = {
    edge.CallUnreadable: Row(
        400,
        "call-unreadable",
        "This is no HTTP call",
        "The request line, a header, or the framing of the body cannot be read.",
        headers=lambda _: {"connection": "close"},
    ),
    edge.ServerFull: Row(
        503,
        "server-full",
        "Too many calls at once",
        "This process takes no further call now. Keep connections open and use them again.",
        headers=lambda _: {"connection": "close"},
        retry_after=lambda _: 1,
    ),
    edge.RouteUnknown: Row(404, "route-unknown", "No such address", "Nothing is served under this path."),
    edge.MethodUnknown: Row(
        405,
        "method-unknown",
        "Method not allowed",
        lambda e: f"This path knows {', '.join(e.allowed)}.",
        headers=lambda e: {"allow": ", ".join(e.allowed)},
    ),
    edge.BodyMalformed: Row(
        400,
        "body-malformed",
        "The body is not what the document says",
        lambda e: f"{e.fault.pointer}: {e.fault.detail}",
        facts=lambda e: {"errors": (e.fault,)},
    ),
    edge.ParameterMalformed: Row(
        400,
        "parameter-malformed",
        "A parameter cannot be read",
        lambda e: f"{e.place} {e.name}: {e.reason}",
        facts=parameter,
    ),
    edge.BodyTooLarge: Row(
        413, "body-too-large", "The body is too large", lambda e: f"A body has at most {e.limit} bytes."
    ),
    edge.BodyTooSlow: Row(
        408,
        "body-too-slow",
        "The body came too slowly",
        lambda e: f"A body arrives within {e.limit_s:g} seconds.",
        headers=lambda _: {"connection": "close"},
    ),
    edge.FramingUnclear: Row(
        400,
        "framing-unclear",
        "The end of the body is unclear",
        lambda e: f"{e.name}: {e.reason}.",
        facts=lambda e: {"parameter": e.name},
        headers=lambda _: {"connection": "close"},
    ),
    edge.HeadersTooLarge: Row(431, "headers-too-large", "The headers are too large", lambda e: f"{e}."),
    edge.TargetTooLong: Row(414, "target-too-long", "The address is too long", lambda e: f"{e}."),
    edge.MediaTypeUnsupported: Row(
        415,
        "media-type-unsupported",
        "The body is not JSON",
        "Send application/json in UTF-8.",
        headers=lambda _: {"accept": "application/json"},
    ),
    edge.EncodingUnsupported: Row(
        415,
        "encoding-unsupported",
        "The body is compressed",
        "Send the body as it is: no content encoding is taken.",
        headers=lambda _: {"accept-encoding": "identity"},
    ),
    edge.DeadlinePassed: Row(
        504, "deadline-passed", "The time given is over", "The answer was not ready within the time you gave."
    ),
}

POLICY: dict[type[BaseException], Row] = {
    policy.CredentialsMissing: Row(
        401,
        "credentials-missing",
        "Who is calling?",
        "Send an access token as Bearer, or an API key as ApiKey.",
        headers=bearer(or_key=True),
    ),
    policy.CredentialsMalformed: Row(
        400,
        "credentials-malformed",
        "The credentials cannot be read",
        lambda e: sentence(e.reason),
        headers=bearer("invalid_request", lambda e: e.reason),
    ),
    policy.TokenInvalid: Row(
        401,
        "token-invalid",
        "The token is not accepted",
        lambda e: sentence(e.reason),
        headers=bearer("invalid_token", lambda e: e.reason),
    ),
    policy.KeyInvalid: Row(
        401, "key-invalid", "The key is not accepted", lambda e: sentence(e.reason), headers=api_key
    ),
    policy.ScopeMissing: Row(
        403,
        "scope-missing",
        "The scope does not allow this",
        lambda e: f"The scope {e.scope} is needed.",
        facts=lambda e: {"scope": e.scope},
        headers=lambda e: {} if e.presented == "apiKey" else _SCOPE_CHALLENGE(e),
    ),
    policy.ClientKindRefused: Row(
        403,
        "client-kind-refused",
        "Not for this kind of client",
        lambda e: f"This is for clients of the kind {' or '.join(e.kinds)}.",
    ),
    policy.RoleMissing: Row(
        403, "role-missing", "The role does not allow this", lambda e: f"The role {' or '.join(e.roles)} is needed."
    ),
    policy.IssuerUnavailable: Row(
        503,
        "issuer-unavailable",
        "Tokens cannot be checked now",
        "The issuer's keys cannot be read; this says nothing about your token.",
        retry_after=wait,
    ),
    policy.LimitSpent: Row(
        429,
        "quota-exceeded",
        "The limit is spent",
        lambda e: f"The limit {', '.join(e.violated)} is spent; nothing was charged for this call.",
        facts=lambda e: {"violated_policies": e.violated},
        headers=lambda e: {name.lower(): value for name, value in e.headers},
        retry_after=wait,
        type_uri=QUOTA_EXCEEDED,
    ),
    policy.WeightAboveLimit: Row(
        422,
        "weight-above-limit",
        "The call is heavier than its limit",
        lambda e: f"The call weighs {e.weight}, the window holds {e.quota}: send fewer lines.",
    ),
    policy.IdempotencyKeyMissing: Row(
        400,
        "idempotency-key-missing",
        "The Idempotency-Key is missing",
        "Send a key of your own in the header Idempotency-Key, and the same one when you repeat the call.",
        facts=lambda _: {"parameter": "Idempotency-Key"},
    ),
    policy.IdempotencyKeyMalformed: Row(
        400,
        "idempotency-key-malformed",
        "The Idempotency-Key cannot be read",
        "A key has 1 to 255 printable characters, quoted or bare.",
        facts=lambda _: {"parameter": "Idempotency-Key"},
    ),
    policy.IdempotencyKeyReused: Row(
        422,
        "idempotency-key-reused",
        "The key belongs to another call",
        "This key was used with other content; take a new key for a new wish.",
    ),
    policy.IdempotencyKeyInFlight: Row(
        409,
        "idempotency-key-in-flight",
        "The first call is still at work",
        "Repeat the call with the same key to get its answer.",
        retry_after=wait,
    ),
    policy.PreconditionMissing: Row(
        428,
        "precondition-missing",
        "The version is missing",
        "Send the etag that you saw in the header If-Match.",
        facts=lambda _: {"parameter": "If-Match"},
    ),
    policy.VersionGone: Row(
        410,
        "version-gone",
        "This version is not served any more",
        lambda e: f"It ended on {e.sunset_at:%Y-%m-%d}; the Link field names what takes its place, if anything does.",
    ),
    policy.NotVisible: _NOT_FOUND,
    policy.CountersUnavailable: Row(
        503,
        "capacity-reduced",
        "Less is let through for a while",
        "The counters of limits do not answer, and this replica alone may not let this call through. Repeat it, or "
        "send fewer lines.",
        retry_after=wait,
        type_uri=REDUCED_CAPACITY,
    ),
    policy.StoreUnavailable: Row(
        503,
        "store-unavailable",
        "The operation store does not answer",
        "Repeat the call in a while, with the same key if it had one.",
        retry_after=wait,
    ),
}

BUSINESS: dict[type[BaseException], Row] = {
    business.RequestFaulty: Row(
        422,
        "request-faulty",
        "The request breaks rules",
        lambda e: f"{len(e.faults)} fault(s), each named under errors.",
        facts=faults,
    ),
    business.NoSuchThing: _NOT_FOUND,
    business.QuoteNotConvertible: Row(
        409, "quote-not-convertible", "The quote cannot become an order", lambda e: sentence(e.reason)
    ),
    business.QuoteVersionMoved: Row(
        409,
        "quote-version-moved",
        "The quote was revised",
        lambda e: f"The quote stands at version {e.current}.",
        facts=lambda e: {"current_version": e.current},
    ),
    business.EventsForgotten: Row(
        410,
        "events-forgotten",
        "Events that you have not seen are not kept any more",
        "Begin anew without `after`, at the oldest event there is. What happened before it, your operations and orders "
        "tell.",
        facts=lambda _: {"parameter": "after"},
    ),
    business.LinesAlreadyConverted: Row(
        409,
        "lines-already-converted",
        "The lines are converted already",
        lambda e: f"The operation {e.operation_id} holds them: a quote line becomes an order item once.",
        facts=lambda e: {"operation_id": e.operation_id, "href": f"/v1/operations/{e.operation_id}"},
    ),
    business.QuoteLinesOrdered: Row(
        409,
        "lines-already-ordered",
        "The lines are ordered already",
        lambda e: f"{len(e.line_ids)} line(s) of the quote are items of an order: change that order instead.",
        facts=lambda e: {"order_id": e.order_id, "href": f"/v1/orders/{e.order_id}"} if e.order_id else {},
    ),
    business.QueueFull: Row(
        503,
        "queue-full",
        "Too much is waiting",
        lambda e: (
            f"{e.waiting} operation(s) wait for the {SYSTEM_WORDS.get(e.system, 'gateway')} already; nothing was "
            "stored."
        ),
        facts=lambda e: {"system": SYSTEM_WORDS.get(e.system, "gateway")},
        retry_after=wait,
    ),
    business.ChangeRequestOpen: Row(
        409,
        "change-request-open",
        "The order has an open change request",
        lambda e: f"Decide or withdraw {e.change_request_id} first.",
        facts=lambda e: {"change_request_id": e.change_request_id},
    ),
    business.OrderInTheMaking: Row(
        409,
        "order-in-the-making",
        "The order is still being made",
        lambda e: f"The operation {e.operation_id} still works on it; ask again when it has ended.",
        facts=lambda e: {"operation_id": e.operation_id},
    ),
    business.VersionStale: Row(
        412,
        "version-stale",
        "Somebody was faster",
        _STALE,
        facts=lambda e: {"current_etag": e.current_etag} if e.current_etag else {},
    ),
    business.DecisionNotPossible: Row(
        409,
        "decision-not-possible",
        "There is nothing to decide",
        lambda e: f"It is {e.state}.",
        facts=lambda e: {"state": e.state},
    ),
    business.ClientExists: Row(
        409,
        "client-exists",
        "The client is registered already",
        lambda e: f"The client {e.client_id} is there already; choose another id, or change that one.",
    ),
    business.ClientOfFile: Row(
        409,
        "client-of-file",
        "The configuration file manages this client",
        lambda e: f"Change {e.client_id} in the configuration file; it is read at the start.",
    ),
    business.TooManyKeys: Row(
        409,
        "too-many-keys",
        "The client has two living keys",
        lambda e: f"Revoke one of {', '.join(e.living)} first.",
    ),
    business.KeyNotLive: Row(
        409,
        "key-not-live",
        "The key is not alive",
        lambda e: f"It is {e.state}: make a new one instead.",
        facts=lambda e: {"state": e.state},
    ),
    business.KeysNotTaken: Row(
        409,
        "keys-not-taken",
        "No API keys are taken here",
        "An operator has to set ORDERGATE_KEY_PEPPERS first.",
    ),
    business.RoleNotYours: Row(
        403,
        "role-not-yours",
        "Nobody hands out what he has not",
        lambda e: f"A key of {e.client_id} would open what your own client may not; ask somebody with its roles.",
    ),
    business.NoSourceAnswered: Row(
        503,
        "no-source-answered",
        "No system answered",
        "None of the systems that could tell answered; nothing is guessed.",
        retry_after=wait,
    ),
}

UPSTREAM: dict[type[BaseException], Row] = {
    upstream.SystemUnavailable: Row(
        503,
        "system-unavailable",
        "A system cannot be reached",
        of_neighbour("cannot be reached; nothing was done there."),
        facts=named_system,
        retry_after=wait,
    ),
    upstream.SystemTimeout: Row(
        504,
        "system-timeout",
        "A system did not answer in time",
        of_neighbour("did not answer in time."),
        facts=named_system,
        retry_after=wait,
    ),
    upstream.OutcomeUnknown: Row(
        502,
        "outcome-unknown",
        "It is not known whether it happened",
        of_neighbour("took the change and did not say what became of it; look before you ask again."),
        facts=named_system,
    ),
    upstream.SystemRefused: Row(
        502,
        "system-refused",
        "A system refused",
        of_neighbour("does not accept this."),
        facts=named_system,
    ),
    upstream.NotFoundInSystem: _NOT_FOUND,
    upstream.VersionMoved: Row(412, "version-stale", "Somebody was faster", _STALE),
    upstream.VersionRequired: Row(
        502,
        "system-wants-version",
        "A system wants a version named",
        of_neighbour("changes this only for who names the version it has seen."),
        facts=named_system,
    ),
    upstream.OwnerViolation: Row(
        409,
        "owner-violation",
        "The field belongs to another system",
        of_neighbour("owns what this would have written; nothing was sent."),
        facts=named_system,
    ),
    upstream.ObjectLocked: Row(
        409,
        "object-locked",
        "Somebody is editing it",
        of_neighbour("holds a lock on it; nothing was done."),
        facts=named_system,
        retry_after=wait,
    ),
    upstream.CredentialsRefused: Row(
        502,
        "system-refused-us",
        "A system does not let the gateway in",
        of_neighbour("does not accept the gateway's own credentials; its operators have to act."),
        facts=named_system,
    ),
    upstream.NotAllowed: Row(
        502,
        "system-refused-us",
        "A system does not let the gateway in",
        of_neighbour("does not let the gateway's own user do this; its operators have to act."),
        facts=named_system,
    ),
    upstream.UnreadableAnswer: Row(
        502,
        "answer-unreadable",
        "A system answered strangely",
        of_neighbour("gave an answer that is not what its contract says."),
        facts=named_system,
    ),
}

ROWS: dict[type[BaseException], Row] = {**EDGE, **POLICY, **BUSINESS, **UPSTREAM}
