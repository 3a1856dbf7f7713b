"""SAP Gateway's error answers: a refusal, and the body it becomes in JSON or XML."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from xml.sax.saxutils import escape

import msgspec

_LAST = {"code": "/IWBEP/CX_MGW_BUSI_EXCEPTION", "message": "An exception was raised."}


@dataclass(frozen=True)
class Message:
    """A message of SAP: `code` is message class and number. `severity` is success, info, warning or error."""

    code: str
    text: str
    severity: str = "error"

    def detail(self) -> dict[str, object]:
        return {
            "ContentID": "",
            "code": self.code,
            "message": self.text,
            "propertyref": "",
            "severity": self.severity,
            "transition": False,
            "target": "",
        }


@dataclass
class Refused(Exception):
    """An OData request that the service turns down; the first message is the one shown on top."""

    status: int
    messages: list[Message]
    headers: dict[str, str] = field(default_factory=dict)


class Locked(Refused):
    """Somebody else holds what was to be written. Nothing but the status tells it apart, and only in V4."""


def refused(status: int, code: str, text: str) -> Refused:
    return Refused(status, [Message(code, text)])


def as_header(messages: list[Message]) -> str:
    """The `sap-message` header of a success: the first message, the others as its details; always ASCII."""
    told = [
        {"code": m.code, "message": m.text, "target": "", "severity": m.severity, "transition": False} for m in messages
    ]
    return json.dumps(told[0] | {"details": told[1:]})


def as_json(refusal: Refused, service: str) -> bytes:
    top = refusal.messages[0]
    details = [message.detail() for message in refusal.messages]
    if not top.code.startswith("/IWBEP/"):
        details.append(Message(_LAST["code"], _LAST["message"]).detail())
    inner = {
        "application": {
            "component_id": "SD-SLS-API",
            "service_namespace": "/SAP/",
            "service_id": service,
            "service_version": "0001",
        },
        "transactionid": uuid.uuid4().hex.upper(),
        "timestamp": f"{datetime.now(UTC):%Y%m%d%H%M%S.%f}0",
        "Error_Resolution": {
            "SAP_Transaction": 'For backend administrators: use ADT feed reader "SAP Gateway Error Log"',
            "SAP_Note": "See SAP Note 1797736 for error analysis",
        },
        "errordetails": details,
    }
    message = {"lang": "en", "value": top.text}
    return msgspec.json.encode({"error": {"code": top.code, "message": message, "innererror": inner}})


def as_xml(refusal: Refused) -> bytes:
    top = refusal.messages[0]
    return (
        '<?xml version="1.0" encoding="utf-8"?>'
        '<error xmlns="http://schemas.microsoft.com/ado/2007/08/dataservices/metadata">'
        f'<code>{escape(top.code)}</code><message xml:lang="en">{escape(top.text)}</message></error>'
    ).encode()
