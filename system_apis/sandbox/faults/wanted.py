"""A fault as it is asked for, and as it is armed: where it strikes, how often, how long."""

from __future__ import annotations

import math
import re
from random import Random
from typing import Annotated, Literal

from msgspec import Meta, Struct

from system_apis.sandbox.faults.kinds import KINDS
from system_apis.sandbox.journal import Entry

System = Literal["issuer", "sap", "salesforce", "scheduler"]
Seconds = Annotated[float, Meta(ge=0, le=3_600)]
_MOST_S = 60.0  # the longest that work may be late: what the gateway's settle time is made for
_P99 = 2.3263478740408408  # standard deviations from the median to the 99th percentile


class Fixed(Struct, tag_field="distribution", tag="fixed", forbid_unknown_fields=True):
    seconds: Seconds

    def draw(self, _chance: Random) -> float:
        return self.seconds


class Uniform(Struct, tag_field="distribution", tag="uniform", forbid_unknown_fields=True):
    low: Seconds
    high: Seconds

    def draw(self, chance: Random) -> float:
        return chance.uniform(self.low, self.high)


class Lognormal(Struct, tag_field="distribution", tag="lognormal", forbid_unknown_fields=True):
    """Half of the waits are shorter than `p50`, one in a hundred is longer than `p99`; none exceeds a minute."""

    p50: Annotated[float, Meta(gt=0, le=60)]
    p99: Annotated[float, Meta(gt=0, le=60)]

    def draw(self, chance: Random) -> float:
        return min(self.p50 * math.exp(math.log(self.p99 / self.p50) / _P99 * chance.gauss(0, 1)), _MOST_S)


class FaultWanted(Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """What is asked for.

    `path` and `body` are regular expressions searched in path and query, and in the body. Of the requests that match,
    the first `skip` go by; each later one is struck with `probability`, `count` times at most (no count: for ever).
    """

    system: System
    kind: str
    method: str | None = None
    path: str | None = None
    body: str | None = None
    skip: Annotated[int, Meta(ge=0)] = 0
    count: Annotated[int, Meta(ge=1)] | None = None
    probability: Annotated[float, Meta(gt=0, le=1)] = 1
    seconds: Seconds = 0
    latency: Fixed | Uniform | Lognormal | None = None
    after_commit: bool = False
    retry_after_seconds: Annotated[int, Meta(ge=0)] | None = None
    seed: int | None = None

    def __post_init__(self) -> None:
        kind = KINDS.get(self.kind)
        if kind is None or self.system not in kind.systems:
            known = ", ".join(name for name, each in KINDS.items() if self.system in each.systems)
            raise ValueError(f"{self.system} knows no fault {self.kind}; it knows {known}")
        if self.kind == "refuse" and (self.method, self.path, self.body, self.count) != (None, None, None, None):
            raise ValueError("a refused connection has no method, path or count; use seconds or lift the fault")
        if not kind.lasting and self.seconds > _MOST_S:
            raise ValueError(f"{self.kind} takes at most {_MOST_S:.0f} seconds")
        if self.after_commit and not kind.answers:
            raise ValueError(f"{self.kind} has no answer of its own to come after the commit")
        for pattern in (self.path, self.body):
            try:
                re.compile(pattern or "")
            except re.error as wrong:
                raise ValueError(f"{pattern} is no regular expression: {wrong}") from wrong


class Fault(FaultWanted, kw_only=True):
    """An armed fault: how many requests it has met, and how many of them it has struck."""

    id: str
    met: int = 0
    fired: int = 0

    def meets(self, entry: Entry, body: bytes) -> bool:
        if self.kind == "refuse" or self.system != entry.system or self.fired == self.count:
            return False
        if self.method is not None and self.method.upper() != entry.method:
            return False
        target = f"{entry.path}?{entry.query}" if entry.query else entry.path
        if self.path is not None and re.search(self.path, target) is None:
            return False
        return self.body is None or re.search(self.body, body.decode("latin-1")) is not None

    def strikes(self, chance: Random) -> bool:
        """Counts a request that it has met, and says whether that one is struck."""
        self.met += 1
        if self.met <= self.skip or (self.probability < 1 and chance.random() >= self.probability):
            return False
        self.fired += 1
        return True

    def wait_s(self, chance: Random) -> float:
        """How long a struck request waits before anything happens to it."""
        fixed = self.seconds if self.kind == "delay" else 0.0
        return fixed + (self.latency.draw(chance) if self.latency else 0.0)
