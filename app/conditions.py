"""Headers that make a call conditional or patient: If-None-Match, Prefer, X-Request-Timeout-Ms."""

from __future__ import annotations

import re

from app.errors import ParameterMalformed

LONGEST_WAIT_S = 30.0
SHORTEST_MS, LONGEST_MS = 100, 30_000
MOST_DIGITS = 9
_TAG = re.compile(r'(?:W/)?("[\x21\x23-\x7e\x80-\xff]*")')
_WAIT = re.compile(r'(?:^|[,;])\s*wait\s*=\s*"?(\d{1,9})"?\s*(?=$|[,;])', re.IGNORECASE)


def as_etag(version: str) -> str:
    """The version as an entity tag: quoted, unless it is already (RFC 9110 §8.8.3)."""
    return version if version.endswith('"') else f'"{version}"'


def not_modified(if_none_match: str, etag: str) -> bool:
    """Whether the caller holds this very version: the weak comparison of RFC 9110 §13.1.2."""
    if if_none_match.strip() == "*":
        return True
    mine = _TAG.fullmatch(etag)
    return mine is not None and mine[1] in _TAG.findall(if_none_match)


def patience_of(prefer: str) -> float | None:
    """Seconds of `Prefer: wait=N` (RFC 7240), bounded; None without it. What cannot be read is ignored."""
    found = _WAIT.search(prefer)
    return min(float(found[1]), LONGEST_WAIT_S) if found else None


def timeout_of(header: str) -> float | None:
    """Seconds of X-Request-Timeout-Ms, None without it."""
    if not header:
        return None
    readable = header.isascii() and header.isdigit() and len(header) <= MOST_DIGITS
    if not (readable and SHORTEST_MS <= int(header) <= LONGEST_MS):
        raise ParameterMalformed("header", "X-Request-Timeout-Ms", f"milliseconds from {SHORTEST_MS} to {LONGEST_MS}")
    return int(header) / 1000
