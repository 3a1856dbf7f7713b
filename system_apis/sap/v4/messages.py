"""What SAP says beside a success in version 4: in the header `sap-messages` and in `SAP__Messages` of an entity, both a
list whose severities are numbers."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from msgspec import Struct, field

from system_apis.sap.complaints import SEVERITIES, Entry

_WORTH_KEEPING = 3


class Message(Struct, frozen=True):
    """`severity` is one of `SEVERITIES`."""

    code: str = ""
    text: str = field(name="message", default="")
    severity: int = field(name="numericSeverity", default=2)
    target: str | None = None


_HEADER = msgspec.json.Decoder(tuple[Message, ...])


def warnings(header: str | None, told: Iterable[Message] = ()) -> tuple[Entry, ...]:
    """The warnings of both, each once: SAP repeats in the header what concerns no entity in particular."""
    said = dict.fromkeys((*_listed(header), *told))
    return tuple(
        Entry(one.code, one.text, SEVERITIES.get(one.severity, "error"), one.target or "")
        for one in said
        if one.severity >= _WORTH_KEEPING
    )


def _listed(header: str | None) -> tuple[Message, ...]:
    if not header:
        return ()
    try:
        return _HEADER.decode(header.encode("latin-1", "replace"))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ()  # a remark that can't be read is none: the deed it stands beside was done
