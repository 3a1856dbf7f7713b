"""Who holds an API key: its form is checked before anybody is asked, its hash in constant time, its life each time."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncEngine

from policies.api_keys import KeyText, Peppers, read_key
from policies.client_rows import ApiKey, note_uses
from policies.directory import Directory
from policies.errors import KeyInvalid

MOST_UNKNOWN = 10_000
UNKNOWN_S = 10.0
_NOT_ACCEPTED = "the key is not accepted"


def _utc_now() -> datetime:
    return datetime.now(UTC)


class KeyHolders:
    """The keys of this installation. `prefix` is what they begin with; without peppers no key is taken at all."""

    def __init__(
        self,
        directory: Directory,
        peppers: Peppers,
        prefix: str,
        *,
        now: Callable[[], datetime] = _utc_now,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.prefix = prefix
        self._directory = directory
        self._peppers = peppers
        self._now = now
        self._clock = clock
        self._unknown: OrderedDict[str, tuple[int, float]] = OrderedDict()
        self._uses: dict[str, datetime] = {}

    async def holder(self, text: str) -> ApiKey:
        """The key that the text opens, or KeyInvalid; StoreUnavailable where we cannot tell."""
        presented = self._read(text)
        key = self._directory.key(presented.key_id)
        if key is None and not self._known_as_unknown(presented.key_id):
            # made a moment ago, on another replica? One look at the store tells, shared by all who present a stranger
            await self._directory.look_again()
            key = self._directory.key(presented.key_id)
            if key is None:
                self._remember_unknown(presented.key_id)
        if key is None or not self._peppers.matches(presented, key.digest, key.pepper):
            raise KeyInvalid(_NOT_ACCEPTED)
        self._refuse_dead(key)
        self._uses[key.key_id] = self._now()
        return key

    def knows(self, text: str) -> bool:
        """Whether the key is alive as far as this process knows; nobody is asked."""
        try:
            presented = self._read(text)
        except KeyInvalid:
            return False
        key = self._directory.key(presented.key_id)
        return key is not None and key.lives(self._now()) and self._peppers.matches(presented, key.digest, key.pepper)

    async def write_uses(self, store: AsyncEngine) -> None:
        """Write down when each key was last used. What cannot be written now is kept for the next time."""
        uses, self._uses = self._uses, {}
        if not uses:
            return
        try:
            async with store.begin() as connection:
                await note_uses(connection, uses)
        except BaseException:
            self._uses = uses | self._uses
            raise

    def _read(self, text: str) -> KeyText:
        if not self._peppers:
            raise KeyInvalid("API keys are not taken here")
        return read_key(text, self.prefix)

    def _refuse_dead(self, key: ApiKey) -> None:
        """Said only to who holds the secret: to everybody else a dead key is an unknown one."""
        if key.revoked_at is not None:
            raise KeyInvalid("the key was revoked")
        if not key.lives(self._now()):
            raise KeyInvalid("the key has expired")

    def _known_as_unknown(self, key_id: str) -> bool:
        revision, until = self._unknown.get(key_id, (-1, 0.0))
        return revision == self._directory.revision and self._clock() < until

    def _remember_unknown(self, key_id: str) -> None:
        while len(self._unknown) >= MOST_UNKNOWN:
            self._unknown.popitem(last=False)
        self._unknown[key_id] = (self._directory.revision, self._clock() + UNKNOWN_S)
