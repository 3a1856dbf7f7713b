"""The words of the figures as operators read them."""

from __future__ import annotations

from process_apis.words import Instant, View


class Figure(View, frozen=True):
    """A number by its name and labels. Totals only grow; what stands open goes up and down."""

    name: str
    says: str
    labels: dict[str, str]
    value: float


class Distribution(View, frozen=True):
    """How values are spread: `upTo` counts those at or below each bound (`+Inf`: all of them)."""

    name: str
    says: str
    labels: dict[str, str]
    count: int
    sum: float
    up_to: dict[str, int]


class Figures(View, frozen=True):
    """All business figures, of all replicas together, as they stood at `asOf`."""

    as_of: Instant
    totals: tuple[Figure, ...]
    distributions: tuple[Distribution, ...]
    standing: tuple[Figure, ...]
