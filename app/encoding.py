"""A view becomes JSON: decimals as plain decimal strings, instants with `Z`, members in the order of the type."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

_ENCODER = msgspec.json.Encoder(decimal_format="string")


def to_json(view: Any) -> bytes:
    """The encoded view. No decimal has an exponent, whatever arithmetic made it."""
    body = _ENCODER.encode(view)
    if b"E+" in body or b"E-" in body:  # a decimal with an exponent, or a text that looks like one: look closely
        return _ENCODER.encode(_plain(msgspec.to_builtins(view, builtin_types=(Decimal,))))
    return body


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value
