"""The words of the public document that no type and no sheet can say."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

PHRASES = {
    200: "OK",
    201: "Created",
    202: "Accepted",
    304: "Not Modified",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    408: "Request Timeout",
    409: "Conflict",
    410: "Gone",
    412: "Precondition Failed",
    413: "Content Too Large",
    415: "Unsupported Media Type",
    422: "Unprocessable Content",
    428: "Precondition Required",
    429: "Too Many Requests",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}
"""RFC 9110's, kept here because Python's own change with its version, and the document must not."""

TOKEN_URL = "https://login.manufacturer.example/token"  # noqa: S105  an address; each installation has its own

API_KEY_SCHEME: Json = {
    "type": "apiKey",
    "in": "header",
    "name": "X-API-Key",
    "description": "A key that an operator made for your client, in this header or as `Authorization: ApiKey <key>`, "
    "never beside a token. It has scopes as a token has.",
}

INFO: Json = {
    "title": "Ordergate",
    "version": "1.0.0",
    "summary": "The one governed door between CRM, ERP and production scheduler.",
    "description": (
        "Can we promise this, when, and how sure are we? Turn an accepted quote into exactly one order. Change a "
        "running order without losing or doubling anything.\n\n"
        "Members are camelCase. Quantities are decimal strings with a UN/ECE Rec 20 unit, money is a decimal string "
        "with an ISO 4217 currency, days end in `Date`, instants are RFC 3339 UTC and end in `At`. Unknown members of "
        "a request are refused; answers may gain members and enum values. Every refusal is a problem (RFC 9457), as "
        "application/json for those who accept only that. `traceparent` (W3C) is taken and sent on."
    ),
    "contact": {"name": "The integration desk of the manufacturer", "url": "https://ordergate.example/contact"},
    "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
}

INTERNAL_INFO: Json = {
    **INFO,
    "title": "Ordergate, internal door",
    "summary": "What operators of the gateway may look at.",
    "description": (
        "Served on the internal listener only, for clients of the kind `operator`. Each system can be read through the "
        "gateway by its instance: in our words, with the time of reading, and with nothing added.\n\n"
        "The conventions are those of the public document. This one may change with every release."
    ),
}

TAGS = {
    "Promises": "What can be promised, when, and how sure that is. Reserves nothing.",
    "Operations": "A quote on its way to an order, and how far it is.",
    "Orders": "An order as ERP, scheduler and CRM see it, and changes that are shown before they are made.",
    "Events": "What happened, in order, to be read again and again.",
    "Operating": "What is under way, what stands in its way, and stepping in where nothing moves by itself.",
    "Exceptions": "What has to be worked off, by whom and by when.",
    "Oversight": "What was done, by whom; why something was refused; who calls what.",
    "Clients": "Who may call, and what each may do and see.",
    "API keys": "What a client may call with instead of a token: made, rotated, revoked.",
    "Systems": "ERP, CRM and schedulers, one question to one of them at a time.",
}

SCOPES = {
    "atp:read": "Ask what can be promised",
    "orders:read": "Read operations, orders and events",
    "orders:write": "Convert quotes, change orders, decide",
    "ops:read": "Look at systems, operations and clients",
    "ops:write": "Step in at operations, work exceptions off",
    "ops:keys": "Register clients, make and revoke their keys",
    "ops:audit": "Read the audit and prove that it is whole",
}


def _string(description: str, longest: int, **more: Any) -> Json:
    return {"description": description, "schema": {"type": "string", "minLength": 1, "maxLength": longest, **more}}


PATH_PARAMETERS: dict[str, Json] = {
    "quoteId": _string("The CRM's record id of the quote.", 128, examples=["0Q0Qy000000Q1001AA"]),
    "operationId": _string("The id of the operation.", 128, examples=["op_01JDA7Q4Z5W9X2Y3V4T5S6R7Q8"]),
    "orderId": _string("`<ERP instance>.<number>`.", 128, examples=["s4-1710.4711"]),
    "instance": _string("The name of the instance, from the configuration.", 64, examples=["s4-1710"]),
    "orderNumber": _string("The ERP's order number.", 35, examples=["4711"]),
    "orderReference": _string("The order number that the plan knows the order by.", 35, examples=["4711"]),
    "clientId": _string("The id of the client.", 64, examples=["dealer-north"]),
    "keyId": _string("The id of the key.", 40, examples=["key_01JDA7Q4Z5W9X2Y3V4T5S6R7Q8"]),
    "problemInstance": _string("The `instance` of the problem, `urn:uuid:` or the bare id.", 128),
    "exceptionId": _string("The id of the exception.", 64, examples=["exc_01JDA7Q4Z5W9X2Y3V4T5S6R7Q8"]),
    "changeRequestId": _string("The id of the change request.", 128, examples=["ocr_01JDA7Q4Z5W9X2Y3V4T5S6R7Q8"]),
}

REQUEST_HEADERS: Json = {
    "XCorrelationId": {
        "name": "X-Correlation-ID",
        "in": "header",
        "required": False,
        **_string("Yours, to find the call again in every system; made if missing, echoed always.", 128),
    },
    "XRequestTimeoutMs": {
        "name": "X-Request-Timeout-Ms",
        "in": "header",
        "required": False,
        "description": "How long you wait; what is left of it goes along to every system.",
        "schema": {"type": "integer", "format": "int32", "minimum": 100, "maximum": 30000},
    },
    "IdempotencyKey": {
        "name": "Idempotency-Key",
        "in": "header",
        "required": True,
        **_string("A key of yours for this one wish, quoted or bare; repeat the wish with the same key.", 257),
    },
    "IfMatch": {
        "name": "If-Match",
        "in": "header",
        "required": True,
        **_string("The `etag` of the version you saw.", 8192),
    },
    "IfNoneMatch": {
        "name": "If-None-Match",
        "in": "header",
        "required": False,
        **_string("The `etag` you hold: 304 if it is still the current one.", 8192),
    },
    "Prefer": {
        "name": "Prefer",
        "in": "header",
        "required": False,
        **_string(
            "`wait=N`: wait up to N seconds for the end; `respond-async`: do not wait.", 128, examples=["wait=10"]
        ),
    },
}

EVERY_ANSWER = ("X-Correlation-ID", "X-Request-ID")

RESPONSE_HEADERS: Json = {
    "X-Correlation-ID": _string("Yours, or the one made for you.", 128),
    "X-Request-ID": _string("The id of this call; the `instance` of a problem.", 64),
    "RateLimit": _string("What is left of your limits (draft-ietf-httpapi-ratelimit-headers).", 512),
    "RateLimit-Policy": _string("Your limits.", 512),
    "ETag": _string("The version of what you read; also the member `etag`.", 8192),
    "Location": _string("Where to look next; also the member `href`.", 512),
    "Retry-After": {
        "description": "Seconds to wait; also the member `retryAfterSeconds`.",
        "schema": {"type": "integer", "format": "int32", "minimum": 0},
    },
    "Preference-Applied": _string("What was followed of `Prefer` (RFC 7240), where it was sent.", 64),
    "Idempotency-Replayed": _string("`true` if this is the answer to an earlier call with the same key.", 8),
    "Deprecation": _string("Since when this is deprecated, a structured-field date (RFC 9745).", 32),
    "Sunset": _string("From when on this is not served any more, an HTTP date (RFC 8594).", 64),
    "Link": _string("Where to read about the end (`deprecation`, `sunset`), and the `successor-version`.", 2048),
    "WWW-Authenticate": _string("How to authenticate (RFC 6750, RFC 9728).", 1024),
}
