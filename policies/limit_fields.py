"""The RateLimit fields of draft-ietf-httpapi-ratelimit-headers-10, whose parameter names may still change."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil

POLICY_FIELD = "ratelimit-policy"
STATE_FIELD = "ratelimit"
# the one place that knows how the draft spells its parameters
PARAMETERS = {"quota": "q", "window": "w", "unit": "qu", "remaining": "r", "reset": "t"}
AT_THE_SAME_TIME = "concurrent-requests"


@dataclass(frozen=True, slots=True)
class Standing:
    """How a client stands with one policy. `quota` units per `window_s`; more in `reset_s` (0: all are there).

    Without a window it is a cap on calls at the same time: when one of them ends, nobody can tell.
    """

    policy: str
    quota: int
    window_s: int | None
    remaining: int
    reset_s: float | None


def limit_fields(standings: Iterable[Standing]) -> dict[str, str]:
    """Both fields, as structured-field lists (RFC 9651). Seconds are rounded up: never too early."""
    standings = tuple(standings)
    return {
        POLICY_FIELD: ", ".join(_policy(each) for each in standings),
        STATE_FIELD: ", ".join(_state(each) for each in standings),
    }


def _policy(standing: Standing) -> str:
    if standing.window_s is None:
        return _item(standing.policy, quota=standing.quota, unit=f'"{AT_THE_SAME_TIME}"')
    return _item(standing.policy, quota=standing.quota, window=standing.window_s)


def _state(standing: Standing) -> str:
    remaining = max(0, standing.remaining)
    if standing.reset_s is None:
        return _item(standing.policy, remaining=remaining)
    return _item(standing.policy, remaining=remaining, reset=max(0, ceil(standing.reset_s)))


def _item(policy: str, **parameters: int | str) -> str:
    return f'"{policy}"' + "".join(f";{PARAMETERS[name]}={value}" for name, value in parameters.items())
