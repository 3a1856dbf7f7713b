"""What operators read about forgetting."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from process_apis.words import Instant, View, Word


class RetentionQuery(Word, frozen=True):
    days: (
        Annotated[int, Meta(ge=0, le=36_500, description="What would go if everything was kept for so many days.")]
        | None
    ) = None


class KeptKind(View, frozen=True):
    """A kind of things. Each is kept for `keptDays` after its end; null: it says itself when it is over.

    `due` is how many would go now (`moreDue`: that many or more), `purged` how many went since the beginning, the last
    of them at `purgedAt`.
    """

    kind: str
    kept_days: int | None
    due: int
    more_due: bool
    purged: int
    purged_at: Instant | None


class Retention(View, frozen=True):
    """What is kept only for a while."""

    kinds: tuple[KeptKind, ...]
