"""How a key comes to be: an id, a secret that nobody has seen, and the hash that alone is kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from policies.api_keys import Peppers, new_key
from policies.client_rows import ApiKey
from process_apis.errors import KeysNotTaken
from process_apis.words import new_id


@dataclass(frozen=True, slots=True)
class KeyMaking:
    """The peppers of this installation and what its keys begin with."""

    peppers: Peppers
    prefix: str

    def make(
        self, client_id: str, label: str, scopes: frozenset[str], *, now: datetime, expires_at: datetime
    ) -> tuple[ApiKey, str]:
        """The key as it is stored, and its text: whoever gets that keeps it, we do not."""
        if not self.peppers:
            raise KeysNotTaken
        text = new_key(self.prefix, new_id("key"))
        pepper = self.peppers.current
        digest = self.peppers.digest(text, pepper) or ""
        key = ApiKey(text.key_id, client_id, label, digest, pepper, scopes, now, expires_at, None)
        return key, text.written()
