"""What SAP says when it says no: JSON, XML, HTML or plain text, read into one typed failure with SAP's own code."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from typing import Any

import httpx
import msgspec
from msgspec import Struct

from system_apis.conversation import server_error
from system_apis.errand import LONGEST_CODE, Errand
from system_apis.errors import UpstreamError

# What the framework says about itself; the business reason stands in another entry.
_FRAMEWORK = re.compile(r"/IWBEP/CX_|/IWFND/CX_|/IWCOR/CX_|CX_|SY/530\Z")
# SAP has no status for "somebody is editing it" in version 2: mostly a 400 with one of these texts or codes.
_LOCKED_TEXT = re.compile(r"being processed by|is locked by|locked by user|\block(?:ed)? by another", re.IGNORECASE)
LOCK_CODES = frozenset({"VL/045", "V1/042", "MC/601", "E0/011"})
SEVERITIES = {1: "success", 2: "info", 3: "warning", 4: "error"}
"""The severities of version 4 (com.sap.vocabularies.Common.v1), in the words of version 2."""
_ABOUT_US = (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN)
_ABOUT_VERSIONS = {412: Errand.moved, 428: Errand.version_required}


class Entry(Struct, frozen=True):
    """One message of an error or of a `sap-message` header. `target` names what it is about, and `content_id` the
    request of a changeset, if SAP says so."""

    code: str = ""
    message: str = ""
    severity: str = "error"
    target: str = ""
    propertyref: str = ""
    content_id: str = ""


class Complaint(Struct, frozen=True):
    """An error as SAP gave it: `code` and `text` of the first real reason, and every entry for who needs more."""

    code: str
    text: str
    entries: tuple[Entry, ...]
    readable: bool = True

    @property
    def is_business(self) -> bool:
        """Whether SAP gave a reason of its own, rather than its framework or a web server in front of it."""
        return self.readable and bool(self.code) and not _FRAMEWORK.match(self.code)


def complaint(status: int, body: bytes) -> Complaint:
    """Never fails: a body that is no SAP error becomes an unreadable complaint that names the status only."""
    head, entries = _from_json(body) or _from_xml(body) or (None, ())
    if head is None:
        return Complaint(f"HTTP {status}", "no SAP error in the answer", (), readable=False)
    reasons = [one for one in entries if one.severity == "error" and one.code and not _FRAMEWORK.match(one.code)]
    chosen = reasons[0] if reasons else head
    return Complaint(chosen.code, chosen.message, entries or (head,))


def failure(status: int, said: Complaint, errand: Errand, lock_codes: Iterable[str] = LOCK_CODES) -> UpstreamError:
    """The typed failure. A 5xx without a business reason leaves open what happened to a write."""
    code, message = said.code, said.text
    if status in _ABOUT_VERSIONS:
        return _ABOUT_VERSIONS[status](errand, code, message)
    if code in lock_codes or _LOCKED_TEXT.search(message) or status == httpx.codes.LOCKED:
        return errand.locked(code, message, status)
    if status == httpx.codes.NOT_FOUND:
        return errand.not_found(code, message)
    if status in _ABOUT_US:
        return _about_us(status, said, errand)
    if status >= httpx.codes.INTERNAL_SERVER_ERROR and not said.is_business:
        return errand.no_answer(f"SAP answered {status} without a business reason")
    return errand.refused(code, message, status)


def _about_us(status: int, said: Complaint, errand: Errand) -> UpstreamError:
    """We are not let in, or we are and may not do this."""
    if status == httpx.codes.FORBIDDEN and said.is_business:
        return errand.not_allowed(said.code, said.text)
    return errand.credentials_refused(f"HTTP {status} {said.code[:LONGEST_CODE]}")


def unwell(answer: httpx.Response) -> bool:
    """Whether an answer counts against the instance: SAP refuses some orders with a 500, and is well while it does."""
    return server_error(answer) and not complaint(answer.status_code, answer.content).is_business


def warnings(header: str | None) -> tuple[Entry, ...]:
    """The warnings in a `sap-message` header: one message and its details, JSON with everything non-ASCII escaped."""
    if not header:
        return ()
    try:
        said = msgspec.json.decode(header.encode("latin-1", "replace"), type=_SapMessage)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ()
    first = Entry(said.code, said.message, said.severity, said.target)
    return tuple(one for one in (first, *said.details) if one.severity in ("warning", "error"))


class _SapMessage(Struct, frozen=True):
    code: str
    message: str
    severity: str = "info"
    target: str = ""
    details: tuple[Entry, ...] = ()


def _from_json(body: bytes) -> tuple[Entry, tuple[Entry, ...]] | None:
    try:
        error = msgspec.json.decode(body, type=dict[str, Any]).get("error")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if not isinstance(error, dict):
        return None
    message = error.get("message")
    # Version 2 wraps the text with its language, version 4 does not.
    text = message.get("value") if isinstance(message, dict) else message
    head = Entry(_word(error.get("code")), _word(text))
    if isinstance(message, str):
        details = error.get("details")
        return head, (_entry(error), *_entries(details))
    inner = error.get("innererror")
    return head, _entries(inner.get("errordetails") if isinstance(inner, dict) else None)


def _entries(listed: object) -> tuple[Entry, ...]:
    return tuple(_entry(one) for one in listed if isinstance(one, dict)) if isinstance(listed, list) else ()


def _entry(said: dict[str, Any]) -> Entry:
    return Entry(
        _word(said.get("code")),
        _word(said.get("message")),
        _word(said.get("severity")) or _severity(said),
        _word(said.get("target")),
        _word(said.get("propertyref")),
        _word(said.get("ContentID")),
    )


def _severity(said: dict[str, Any]) -> str:
    """As version 4 says it: a word, or a number."""
    rank = said.get("@SAP__common.numericSeverity")
    return _word(said.get("@SAP__common.Severity")) or SEVERITIES.get(rank if isinstance(rank, int) else 4, "error")


def _word(value: object) -> str:
    return value if isinstance(value, str) else ""


def _from_xml(body: bytes) -> tuple[Entry, tuple[Entry, ...]] | None:
    """The Atom form, by pattern: an error is flat, and no XML parser then reads what a broken proxy sends. The patterns
    stop at the next `<`, so that a body of opened elements takes no longer than any other."""
    document = body[:65536].decode("utf-8", "replace")
    if re.search(r"<(?:\w+:)?error[\s>]", document) is None:
        return None
    opened = (one.partition("</errordetail>") for one in document.split("<errordetail>")[1:])
    details = [content for content, closed, _ in opened if closed]
    head = re.sub(r"<innererror>.*", "", document, flags=re.DOTALL)
    entries = tuple(
        Entry(
            _element("code", one),
            _element("message", one),
            _element("severity", one) or "error",
            _element("target", one),
            _element("propertyref", one),
            _element("ContentID", one),
        )
        for one in details
    )
    return Entry(_element("code", head), _element("message", head)), entries


def _element(name: str, document: str) -> str:
    found = re.search(rf"<{name}(?:\s[^<>]*)?>([^<]*)</{name}>", document)
    return html.unescape(found[1]).strip() if found else ""
