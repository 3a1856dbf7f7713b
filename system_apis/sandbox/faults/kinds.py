"""Every kind of fault, in one table: what it means, which systems know it, and its answer where that is ready made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

ALL = ("issuer", "sap", "salesforce", "scheduler")
SAP_V4 = "sap in OData V4"
"""Whose errors look different from those of SAP's other services."""


@dataclass(frozen=True)
class Canned:
    """An answer that the system itself has no part in."""

    status: int
    body: str
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Kind:
    """`answers`: by system (SAP's V4 services apart, where they differ), or one for all.

    `lasting`: it holds for `seconds`, or until it is lifted.
    """

    says: str
    systems: tuple[str, ...] = ALL
    answers: Mapping[str, Canned] = field(default_factory=dict)
    lasting: bool = False


def _page(status: int, title: str, text: str = "") -> Mapping[str, Canned]:
    html = f"<html><head><title>{title}</title></head><body><h1>{title}</h1>{text}</body></html>"
    return dict.fromkeys(ALL, Canned(status, html, "text/html;charset=utf-8"))


def _sap_error(code: str, text: str) -> str:
    return f'{{"error":{{"code":"{code}","message":{{"lang":"en","value":"{text}"}}}}}}'


def _sap_v4_error(code: str, text: str) -> str:
    return f'{{"error":{{"code":"{code}","message":"{text}","@SAP__common.ExceptionCategory":"Client_Error"}}}}'


def _salesforce_error(code: str, text: str) -> str:
    return f'[{{"message":"{text}","errorCode":"{code}"}}]'


_UNAVAILABLE = _page(503, "Service Unavailable")
_TOO_MANY = {
    "sap": Canned(
        429,
        '{"fault":{"faultstring":"Rate limit quota violation. Quota limit exceeded.",'
        '"detail":{"errorcode":"policies.ratelimit.QuotaViolation"}}}',
    ),
    "scheduler": Canned(429, '{"code":"tooManyRequests","message":"Slow down."}'),
    "issuer": Canned(429, '{"error":"temporarily_unavailable"}'),
}
_FORBIDDEN = {
    "sap": Canned(403, _sap_error("/IWFND/CM_CONSUMER/113", "No authorization to access the service")),
    SAP_V4: Canned(403, _sap_v4_error("/IWFND/CM_CONSUMER/113", "No authorization to access the service")),
    "salesforce": Canned(403, _salesforce_error("API_DISABLED_FOR_ORG", "API is not enabled for this Organization")),
    "scheduler": Canned(403, '{"code":"forbidden","message":"This key may not do that."}'),
}
_USED_UP = Canned(
    403,
    _salesforce_error("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."),
    headers={"sforce-limit-info": "api-usage=100000/100000"},
)

KINDS = {
    "refuse": Kind("the port refuses connections and resets those that are open", lasting=True),
    "maintenance": Kind(
        "every call gets 503 and a page", lasting=True, answers=_page(503, "Down for scheduled maintenance")
    ),
    "dropBeforeCommit": Kind("the request arrived, nothing was done, the connection is reset"),
    "dropAfterCommit": Kind("everything was done, the connection is reset"),
    "commitLate": Kind("the connection is reset at once, the work is done `seconds` later"),
    "delay": Kind("the request waits for `seconds` or `latency`; delays add up and do not hide other faults"),
    "stall": Kind("never an answer, and nothing is done"),
    "truncated": Kind("everything was done, the answer breaks off halfway and the connection ends"),
    "trickled": Kind("everything was done, the answer comes in twenty pieces over `seconds`"),
    "unavailable": Kind("503 and a page", answers=_UNAVAILABLE),
    "unavailableAfterCommit": Kind("503 and a page, though everything was done", answers=_UNAVAILABLE),
    "serverError": Kind(
        "500 and a page", answers=_page(500, "500 Internal Server Error", "<p>Runtime error: TIME_OUT</p>")
    ),
    "logonPage": Kind(
        "200 and a logon page",
        answers=_page(200, "Logon", '<form method="post"><input name="user"><input name="password"></form>'),
    ),
    "tooManyRequests": Kind("429", ("issuer", "sap", "scheduler"), _TOO_MANY),
    "forbidden": Kind("403 that no new token heals", ("sap", "salesforce", "scheduler"), _FORBIDDEN),
    "limitExceeded": Kind("403 REQUEST_LIMIT_EXCEEDED: the day's calls are used up", ("salesforce",), {"*": _USED_UP}),
    "csrfExpired": Kind("all CSRF tokens and their sessions end first", ("sap",)),
    "sessionExpired": Kind("all access tokens end first: 401", ("sap", "salesforce")),
    "locked": Kind("somebody else holds the records, so that a write is refused", ("sap", "salesforce")),
    "staleVersion": Kind(
        "somebody else changes first what the request names: an order, a quote, commitments",
        ("sap", "salesforce", "scheduler"),
    ),
    "planMoved": Kind("somebody else takes first the capacity that the scenario counts on", ("scheduler",)),
}
