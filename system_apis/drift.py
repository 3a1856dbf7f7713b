"""Drift: what a neighbour serves today against what we use of it, told before an operation trips over it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Literal

from msgspec import Struct

Kind = Literal[
    "versionNotServed",
    "missing",
    "renamed",
    "notCallable",
    "notReadable",
    "notFilterable",
    "notCreatable",
    "notUpdatable",
    "notUnique",
    "wrongType",
    "tooShort",
]


class Finding(Struct, frozen=True):
    """One difference. `entity` is the neighbour's own word for an object, an entity set or a path, `field` one of its
    fields (None: all of it); `detail` is a sentence that tells an administrator of the neighbour what to mend."""

    system: str
    instance: str
    kind: Kind
    entity: str
    field: str | None
    detail: str


def renamed_to(name: str, there: Iterable[str]) -> str | None:
    """The name that `name` may have become: the nearest one that is there, if any is near."""
    return next(iter(difflib.get_close_matches(name, list(there), n=1, cutoff=0.8)), None)
