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

DUPLICATE = "DUPLICATE_VALUE"
VERSION = "UNSUPPORTED_API_VERSION"
"""Our word where the org does not serve the version we are configured for."""

_CONCURRENT_PAUSE_S = 5.0
"""Slots come free as calls of 20 s and longer end."""
_TOTAL_PAUSE_S = 900.0
"""The daily allowance is counted over the last 24 hours: it comes back by and by, not soon."""
_LOCKED = {"UNABLE_TO_LOCK_ROW"}
_UNAVAILABLE = {"SERVER_UNAVAILABLE"}
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
_NEVER_MENDED = ("not valid for use", "not attached to Agent")
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


def failure(status: int, said: Sequence[Complaint], errand: Errand, *, undone: bool = False) -> UpstreamError:
    """What a refusal means. `undone`: the org says that it took back all of the transaction, so that a breakdown in
    the middle of it leaves nothing behind."""
    cause = next((one for one in said if one.code and one.code not in INNOCENT), None)
    if cause is None:
        if status >= httpx.codes.INTERNAL_SERVER_ERROR:
            return _broken(f"Salesforce answered {status}", errand, undone=undone)
        cause = _without_words(status, said)
    if status == httpx.codes.GONE:
        return errand.refused(VERSION, f"the org has retired this version ({cause.code} {cause.message})", status)
    return _meaning(cause, status, errand, undone=undone)


def is_echo(said: Sequence[Complaint]) -> bool:
    """Whether this only tells that another part failed."""
    return bool(said) and all(one.code in INNOCENT for one in said)


def _without_words(status: int, said: Sequence[Complaint]) -> Complaint:
    if status == httpx.codes.MULTIPLE_CHOICES:
        return Complaint("the external id names several records: its field is not unique", "NOT_UNIQUE")
    return said[0] if said and said[0].code else Complaint(f"HTTP {status}", "UNKNOWN")


def _broken(detail: str, errand: Errand, *, undone: bool) -> UpstreamError:
    return errand.not_done(detail) if undone else errand.no_answer(detail)


def _meaning(cause: Complaint, status: int, errand: Errand, *, undone: bool) -> UpstreamError:
    code, text = cause.code, cause.message
    # A well-formed id whose last three characters do not check is refused by the query parser, as "invalid ID field".
    unknown = code in _UNKNOWN_TO_IT or (code == "INVALID_QUERY_FILTER_OPERATOR" and "invalid ID" in text)
    if unknown:
        return errand.not_found(code, text)
    if code in _LOCKED:
        return errand.locked(code, text, status)
    if code in _NO_ENTRY:
        return errand.credentials_refused(code)
    if (busy := _busy(code, text, errand)) is not None:
        return busy
    if status >= httpx.codes.INTERNAL_SERVER_ERROR:
        return _broken(f"Salesforce answered {status} {code}", errand, undone=undone)
    return errand.refused(code, text, status)


def _busy(code: str, text: str, errand: Errand) -> UpstreamError | None:
    """The refusals that pass by themselves, each with its own pace."""
    if code == "REQUEST_LIMIT_EXCEEDED" and "Concurrent" in text:
        return errand.not_done(f"{code}: too many calls at once", _CONCURRENT_PAUSE_S)
    if code == "REQUEST_LIMIT_EXCEEDED":
        return errand.not_done(f"{code}: the calls of these 24 hours are used up", _TOTAL_PAUSE_S)
    if code == "QUERY_TIMEOUT":
        return errand.too_late(code)
    return errand.not_done(code) if code in _UNAVAILABLE else None


def session_expired(answer: httpx.Response) -> bool:
    """Whether a new token mends this 401. A session that the org does not let in here at all would be refused for
    ever, however often it is renewed."""
    return any(
        one.code == "INVALID_SESSION_ID" and not any(words in one.message for words in _NEVER_MENDED)
        for one in complaints(answer.content)
    )


def repeats_a_key(said: Sequence[Complaint], key: str) -> bool:
    """Whether a record was refused because there is one with this key already. Salesforce names neither field nor
    record where the other record is hidden from our user."""
    return any(one.code == DUPLICATE and (key in one.message or "<unknown>" in one.message) for one in said)
