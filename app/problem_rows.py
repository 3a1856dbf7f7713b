"""How one kind of error looks from outside, and the few ways its facts become members and headers."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Detail = str | Callable[[Any], str]

QUOTA_EXCEEDED = "https://iana.org/assignments/http-problem-types#quota-exceeded"
"""The type that the RateLimit header draft registers."""

REDUCED_CAPACITY = "https://iana.org/assignments/http-problem-types#temporary-reduced-capacity"
"""Likewise."""

AGAIN_S = 5
SYSTEM_WORDS = {"sap": "ERP", "erp": "ERP", "salesforce": "CRM", "crm": "CRM", "scheduler": "scheduler"}


def nothing(_error: Any) -> dict[str, Any]:
    return {}


@dataclass(frozen=True, slots=True)
class Row:
    """How one kind of error looks from outside. `facts` are further members, `retry_after` seconds or None."""

    status: int
    code: str
    title: str
    detail: Detail
    facts: Callable[[Any], dict[str, Any]] = nothing
    headers: Callable[[Any], Mapping[str, str]] = nothing
    retry_after: Callable[[Any], int | None] | None = None
    type_uri: str = ""


REALM = 'realm="ordergate"'
KEY_CHALLENGE = f"ApiKey {REALM}"


def api_key(_error: Any) -> dict[str, str]:
    """The challenge to who came with an API key."""
    return {"www-authenticate": KEY_CHALLENGE}


def bearer(
    error: str = "",
    description: Callable[[Any], str] | str = "",
    *,
    or_key: bool = False,
    **extra: Callable[[Any], str],
) -> Any:
    """The challenge of RFC 6750 §3, its text reduced to the characters that it allows; `or_key` offers both ways in."""

    def headers(failure: Any) -> dict[str, str]:
        parts = [f"Bearer {REALM}"]
        if error:
            text = description(failure) if callable(description) else description
            parts += [f'error="{error}"', f'error_description="{plain(text)}"']
        parts += [f'{name}="{plain(of(failure))}"' for name, of in extra.items()]
        return {"www-authenticate": ", ".join([*parts, KEY_CHALLENGE] if or_key else parts)}

    return headers


def plain(text: str) -> str:
    return "".join(c if " " <= c <= "~" and c not in '"\\' else "'" for c in text)


def system_word(error: Any) -> str:
    return SYSTEM_WORDS.get(error.system, "neighbour")


def named_system(error: Any) -> dict[str, Any]:
    return {"system": system_word(error)}


def of_neighbour(sentence: str) -> Callable[[Any], str]:
    return lambda error: f"The {system_word(error)} {sentence}"


def wait(error: Any) -> int:
    asked = getattr(error, "retry_after_s", None)
    return max(1, math.ceil(asked)) if asked is not None else AGAIN_S


def faults(error: Any) -> dict[str, Any]:
    return {"errors": error.faults}


def parameter(error: Any) -> dict[str, Any]:
    return {"parameter": error.name}


def sentence(text: str) -> str:
    """A reason as it stands in an error, with a capital and a full stop."""
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."
