"""What Salesforce's error codes mean for the one question that matters: may it be asked again?"""

from __future__ import annotations

from collections.abc import Sequence

import httpx
import msgspec

from system_apis.errand import Errand
from system_apis.errors import UpstreamError
from system_apis.salesforce.wire import Complaint

INNOCENT = {"PROCESSING_HALTED", "ALL_OR_NONE_OPERATION_ROLLED_BACK", "BATCH_PROCESSING_HALTED"}
"""Codes of the parts that were rolled back because of another: never the cause."""

_LOCKED = {"UNABLE_TO_LOCK_ROW"}
_UNAVAILABLE = {"REQUEST_LIMIT_EXCEEDED", "SERVER_UNAVAILABLE"}
_UNKNOWN_TO_IT = {
    "NOT_FOUND",
    "ENTITY_IS_DELETED",
    "INVALID_CROSS_REFERENCE_KEY",
    "MALFORMED_ID",
}
_NO_ENTRY = {
    "API_DISABLED_FOR_ORG",
    "API_CURRENTLY_DISABLED",
    "INVALID_SESSION_ID",
    "INSUFFICIENT_ACCESS",
    "INSUFFICIENT_ACCESS_OR_READONLY",
}
_COMPLAINTS = msgspec.json.Decoder(tuple[Complaint, ...])
_COMPLAINT = msgspec.json.Decoder(Complaint)


def complaints(body: bytes | msgspec.Raw) -> tuple[Complaint, ...]:
    """The entries of an error body: an array nearly always, one object sometimes, HTML during maintenance."""
    try:
        return _COMPLAINTS.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        pass
    try:
        return (_COMPLAINT.decode(body),)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ()


def failure(status: int, said: Sequence[Complaint], errand: Errand) -> UpstreamError:
    cause = next((one for one in said if one.code and one.code not in INNOCENT), None)
    if cause is None:
        if status >= httpx.codes.INTERNAL_SERVER_ERROR:
            return errand.no_answer(f"Salesforce answered {status}")
        cause = said[0] if said and said[0].code else Complaint("no readable reason", f"HTTP {status}")
    return _meaning(cause, status, errand)


def _meaning(cause: Complaint, status: int, errand: Errand) -> UpstreamError:
    code, text = cause.code, cause.message
    if code in _LOCKED:
        return errand.locked(code, text, status)
    if code in _UNAVAILABLE:
        return errand.not_done(code)
    # A well-formed id whose last three characters do not check is refused by the query parser, as "invalid ID field".
    if code in _UNKNOWN_TO_IT or (code == "INVALID_QUERY_FILTER_OPERATOR" and "invalid ID" in text):
        return errand.not_found(code, text)
    if code in _NO_ENTRY:
        return errand.credentials_refused(code)
    if status >= httpx.codes.INTERNAL_SERVER_ERROR:
        return errand.no_answer(f"Salesforce answered {status} {code}")
    return errand.refused(code, text, status)


def session_expired(answer: httpx.Response) -> bool:
    """Whether a new token mends this 401: a session the org does not allow for REST would be refused for ever."""
    return any(
        one.code == "INVALID_SESSION_ID" and "not valid for use" not in one.message
        for one in complaints(answer.content)
    )
