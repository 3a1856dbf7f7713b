"""The RateLimit fields of draft-ietf-httpapi-ratelimit-headers-10, whose parameter names may still change."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil

POLICY_FIELD = "ratelimit-policy"
STATE_FIELD = "ratelimit"
# the one place that knows how the draft spells its parameters
PARAMETERS = {"quota": "q", "window": "w", "remaining": "r", "reset": "t"}


@dataclass(frozen=True, slots=True)
class Standing:
    """How a client stands with one policy. `quota` units per `window_s`; more in `reset_s` (0: all are there)."""

    policy: str
    quota: int
    window_s: int
    remaining: int
    reset_s: float


def limit_fields(standings: Iterable[Standing]) -> dict[str, str]:
    """Both fields, as structured-field lists (RFC 9651). Seconds are rounded up: never too early."""
    standings = tuple(standings)
    return {
        POLICY_FIELD: ", ".join(_item(s.policy, quota=s.quota, window=s.window_s) for s in standings),
        STATE_FIELD: ", ".join(
            _item(s.policy, remaining=max(0, s.remaining), reset=max(0, ceil(s.reset_s))) for s in standings
        ),
    }


def _item(policy: str, **parameters: int) -> str:
    return f'"{policy}"' + "".join(f";{PARAMETERS[name]}={value}" for name, value in parameters.items())
