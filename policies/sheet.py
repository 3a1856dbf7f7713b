"""The sheet of a route: what it asks of its caller, said once. Policies enforce it, OpenAPI publishes it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from policies.clients import Role
from policies.counters import Outage
from policies.versioning import Ending

A_DAY = timedelta(hours=24)


def weighs_one(_request: Any) -> int:
    return 1


@dataclass(frozen=True, slots=True)
class Sheet:
    """What a call must bring before the process behind the route is asked.

    `scope` is the OAuth scope (RFC 6749 §3.3); `kinds` are the kinds of clients let in, all if none is named; `roles`
    those of which the client has to have one, if any is named; `weight` the units the decoded request costs of the
    client's limits; `once` asks for an Idempotency-Key, whose answer is kept for a repeat as long as `kept` says;
    `if_match` for the version the caller saw (RFC 6585, 428). `ending` says that the route is deprecated, since when,
    and until when it is served; None for one that lives. `outage` is what
    happens while nobody can count its calls for all replicas.
    """

    scope: str
    weight: Callable[[Any], int] = weighs_one
    once: bool = False
    if_match: bool = False
    kept: timedelta = A_DAY
    kinds: tuple[str, ...] = ()
    roles: tuple[Role, ...] = ()
    ending: Ending | None = None
    outage: Outage = "local"


def guarded(
    scope: str,
    *,
    weight: Callable[[Any], int] = weighs_one,
    once: bool = False,
    if_match: bool = False,
    kept: timedelta = A_DAY,
    kinds: tuple[str, ...] = (),
    role: Role | tuple[Role, ...] = (),
    outage: Outage = "local",
) -> Sheet:
    """A route that answers only to a known client holding `scope`. There is no unguarded kind."""
    return Sheet(scope, weight, once, if_match, kept, kinds, (role,) if isinstance(role, str) else role, outage=outage)
