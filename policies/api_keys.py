"""API keys: how one is written, and what is kept of it.

`<prefix>_<id>_<secret><checksum>`: the prefix says whose key it is, so that scanners for leaked secrets find it; the id
says which one; the secret is 190 bits of chance; the checksum turns a mistyped or made-up key away before anybody is
asked. Kept is only an HMAC-SHA-256 of id and secret under a pepper that is not in the store: with so much chance in
the secret no slow hash is needed, and without the pepper a stolen table opens nothing.
"""

from __future__ import annotations

import hmac
import re
import secrets
import string
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from zlib import crc32

from policies.errors import KeyInvalid

_ALPHABET = string.digits + string.ascii_letters
_SECRET_LENGTH = 32
_CHECKSUM_LENGTH = 6
_KEY = re.compile(r"([a-z]{2,12})_([0-9A-HJKMNP-TV-Z]{26})_([0-9A-Za-z]{32})([0-9A-Za-z]{6})")
SHORTEST_PEPPER = 32
KEY_ID_PREFIX = "key_"


@dataclass(frozen=True, slots=True)
class KeyText:
    """A key as its holder has it. Its repr shows no secret."""

    prefix: str
    key_id: str
    secret: str = field(repr=False)

    def written(self) -> str:
        """The text that is handed over once."""
        body = f"{self.prefix}_{self.key_id.removeprefix(KEY_ID_PREFIX)}_{self.secret}"
        return body + _checksum(body)


def new_key(prefix: str, key_id: str) -> KeyText:
    """A key for `key_id` (`key_01JD…`) with a secret that nobody has seen."""
    return KeyText(prefix, key_id, "".join(secrets.choice(_ALPHABET) for _ in range(_SECRET_LENGTH)))


def read_key(text: str, prefix: str) -> KeyText:
    """The key in the text, or KeyInvalid. Asks nobody."""
    found = _KEY.fullmatch(text)
    if found is None or not hmac.compare_digest(_checksum(text[:-_CHECKSUM_LENGTH]), found[4]):
        raise KeyInvalid("this is no key of ours, or not the whole of one")
    if found[1] != prefix:
        raise KeyInvalid("the key belongs to another installation")
    return KeyText(found[1], KEY_ID_PREFIX + found[2], found[3])


def looks_like_key(text: str, prefix: str) -> bool:
    """Whether somebody presents a key of ours where a token belongs."""
    return text.startswith(f"{prefix}_")


class Peppers:
    """The secrets under which keys are hashed. The first one hashes new keys, all verify: a pepper is replaced by
    putting a new one in front, and dropped when the last key that names it is gone."""

    def __init__(self, peppers: Sequence[str]) -> None:
        if any(len(each.encode()) < SHORTEST_PEPPER for each in peppers):
            raise ValueError(f"a pepper holds at least {SHORTEST_PEPPER} bytes")
        self._peppers = {_name(each): each.encode() for each in peppers}

    def __bool__(self) -> bool:
        return bool(self._peppers)

    @property
    def current(self) -> str:
        """The name of the one that hashes new keys."""
        return next(iter(self._peppers))

    def digest(self, key: KeyText, pepper: str) -> str | None:
        """The keyed hash of the key, in hex; None if the pepper of that name is gone."""
        secret = self._peppers.get(pepper)
        return hmac.digest(secret, f"{key.key_id}:{key.secret}".encode(), "sha256").hex() if secret else None

    def matches(self, key: KeyText, digest: str, pepper: str) -> bool:
        """In constant time."""
        return hmac.compare_digest(self.digest(key, pepper) or "", digest)


def _name(pepper: str) -> str:
    return sha256(b"ordergate pepper name" + pepper.encode()).hexdigest()[:8]


def _checksum(body: str) -> str:
    number, digits = crc32(body.encode()), ""
    for _ in range(_CHECKSUM_LENGTH):
        number, digit = divmod(number, len(_ALPHABET))
        digits = _ALPHABET[digit] + digits
    return digits
