"""The errors and messages of the V4 runtime. Where no source tells SAP's own code, it begins with ZSB."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime

import msgspec

from system_apis.sandbox.sap.errors import Locked, Message, Refused, refused

_SEVERITIES = {"success": 1, "info": 2, "warning": 3, "error": 4}
_BAD_REQUEST = Message(
    "/IWCOR/CX_OD_BAD_REQUEST/005056A509B11ED1B9BF94F386DD82E6",
    "The Data Services Request could not be understood due to malformed syntax",
)
_OF_A_PROPERTY = "/IWCOR/CX_OD_EP_PROPERTY_ERROR/005056A509B11ED1BF822D2D0917DA04"
_LOCKED = 423


def misread(text: str) -> Refused:
    """A body that the parser stops at: it tells of a stream, and only in the details what was wrong."""
    top = Message("CX_SXML_PARSE_ERROR", "Error while parsing an XML stream")
    return Refused(400, [top, _BAD_REQUEST, Message(_OF_A_PROPERTY, text)])


def unreadable(text: str) -> Refused:
    """An address or a query option that cannot be made out."""
    return refused(400, "ZSB/400", text)


def not_found(segment: str) -> Refused:
    return refused(404, "ZSB/404", f"Resource not found for segment '{segment}'")


def not_allowed(text: str) -> Refused:
    return refused(405, "ZSB/405", text)


def status(refusal: Refused) -> int:
    """A lock has a status of its own here; in V2 it is one more 400."""
    return _LOCKED if isinstance(refusal, Locked) else refusal.status


def body(refusal: Refused) -> bytes:
    top, *rest = refusal.messages
    told: dict[str, object] = {
        "code": top.code,
        "message": top.text,
        "@SAP__common.ExceptionCategory": "Client_Error",
    }
    if rest:
        told["details"] = [_detail(message) for message in rest]
    return msgspec.json.encode({"error": told | {"innererror": {"ErrorDetails": _circumstances()}}})


def shown(messages: list[Message]) -> list[dict[str, object]]:
    """As they stand in `SAP__Messages`."""
    return [
        {
            "code": message.code,
            "message": message.text,
            "target": "",
            "additionalTargets": [],
            "transition": False,
            "numericSeverity": _SEVERITIES[message.severity],
            "longtextUrl": None,
        }
        for message in messages
    ]


def as_header(messages: list[Message]) -> str:
    """As they stand in the header `sap-messages`, where an answer has no body to tell them; always ASCII."""
    return json.dumps(shown(messages))


def _detail(message: Message) -> dict[str, object]:
    return {
        "code": message.code,
        "message": message.text,
        "@SAP__common.Severity": message.severity,
        "@SAP__common.numericSeverity": _SEVERITIES[message.severity],
    }


def _circumstances() -> dict[str, object]:
    return {
        "@SAP__common.Application": {
            "ComponentId": "SD-SLS-API",
            "ServiceRepository": "SRVD_A2X",
            "ServiceId": "SALESORDER",
            "ServiceVersion": "0001",
        },
        "@SAP__common.TransactionId": uuid.uuid4().hex.upper(),
        "@SAP__common.Timestamp": f"{datetime.now(UTC):%Y%m%d%H%M%S.%f}",
        "@SAP__common.ErrorResolution": {
            "Analysis": 'Use ADT feed reader "SAP Gateway Error Log" and search for entries with the timestamp above',
            "Note": "See SAP Note 1797736 for error analysis (https://service.sap.com/sap/support/notes/1797736)",
        },
    }
