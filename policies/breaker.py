"""A store that failed a few times in a row is left alone: nobody asks it but a probe of our own, until that works."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

PROBE_EVERY_S = 1.0

log = logging.getLogger(__name__)


class Breaker:
    """One per process and store; whoever asks the store tells it what came of that, and looks here first.

    `answers` asks the store anew and says whether it did; `meanwhile` is what the log says of the time between.
    `turned` hears of every turn (`is_open`).
    """

    def __init__(
        self,
        store: str,
        answers: Callable[[], Awaitable[bool]],
        *,
        most_failures: int,
        meanwhile: str,
        probe_every_s: float = PROBE_EVERY_S,
        turned: Callable[..., None] | None = None,
    ) -> None:
        self._store = store
        self._answers = answers
        self._most_failures = most_failures
        self._meanwhile = meanwhile
        self._probe_every_s = probe_every_s
        self._turned = turned or _nobody_cares
        self._failures = 0
        self._probing: asyncio.Task[None] | None = None

    @property
    def is_open(self) -> bool:
        """Whether nobody but the probe asks the store now."""
        return self._probing is not None

    def answered(self) -> None:
        """To somebody who asked. It closes nothing: a late answer says little of the next one."""
        self._failures = 0

    def failed(self, trouble: BaseException) -> None:
        """To answer in time, or with anything but an error."""
        self._failures += 1
        if self._failures >= self._most_failures:
            self.open(trouble)

    def open(self, trouble: BaseException) -> None:
        if self._probing is None:
            # the text of an error may hold an address with its password; its name says enough
            name = type(trouble).__name__
            log.warning("%s does not answer (%s): %s until it does", self._store, name, self._meanwhile)
            self._probing = asyncio.create_task(self._probe())
            self._turned(is_open=True)

    def shut_down(self) -> None:
        """Nobody asks any more, the probe neither."""
        if self._probing is not None:
            self._probing.cancel()
            self._probing = None

    async def _probe(self) -> None:
        """Asks at once: those who failed may have waited for each other's locks in a store that is well."""
        while not await self._asked():  # noqa: ASYNC110  nobody but time can tell
            await asyncio.sleep(self._probe_every_s)
        log.warning("%s answers again", self._store)
        self._failures = 0
        self._probing = None
        self._turned(is_open=False)

    async def _asked(self) -> bool:
        try:
            return await self._answers()
        except Exception:  # whatever it is: without its probe the breaker would stay open for ever
            log.exception("asking %s whether it answers went wrong", self._store)
            return False


def _nobody_cares(**_turn: bool) -> None:
    """Where no one is told of the breaker."""
