"""Tokens that were verified a moment ago, so that the next call with one costs a look-up and no signature."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from hashlib import sha256

MOST_TOKENS = 10_000


@dataclass(frozen=True, slots=True)
class Verified:
    """What a genuine token said. `expires_at` is its `exp`; `revision` that of the keys that proved it."""

    issuer: str
    client_id: str
    jti: str
    scopes: frozenset[str]
    expires_at: int
    revision: int


class VerifiedTokens:
    """By SHA-256 of the token: a memory dump holds no credentials. The oldest goes when there are too many."""

    def __init__(self, most: int = MOST_TOKENS) -> None:
        self._most = most
        self._tokens: OrderedDict[bytes, Verified] = OrderedDict()

    def find(self, token: str, now: float) -> Verified | None:
        digest = sha256(token.encode()).digest()
        verified = self._tokens.get(digest)
        if verified is not None and verified.expires_at <= now:
            del self._tokens[digest]
            return None
        return verified

    def keep(self, token: str, verified: Verified) -> None:
        while len(self._tokens) >= self._most:
            self._tokens.popitem(last=False)
        self._tokens[sha256(token.encode()).digest()] = verified

    def __len__(self) -> int:
        return len(self._tokens)
