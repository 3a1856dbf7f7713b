"""What goes wrong and when: all of it drawn from a seed before the first conversion starts.

Two kinds. *Faults* of the neighbours: every kind that the sandbox knows, at every call of a conversion, each dealt out
at least once if time allows. *Blows* to our own side: replicas killed and frozen, stores emptied and restarted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import cycle
from random import Random
from typing import Any, Literal

from benchmarks.chaos.settings import LATEST_COMMIT_S
from system_apis.sandbox.faults.kinds import KINDS

Blow = Literal["kill", "kill both", "freeze", "flush redis", "restart redis", "restart postgres", "close a door"]

BLOWS: tuple[Blow, ...] = (
    "kill",
    "restart postgres",
    "freeze",
    "flush redis",
    "close a door",
    "kill both",
    "restart redis",
)
FREEZE_S = 7.0
"""Longer than a takeover takes: the work is elsewhere when the frozen one comes back."""
LONGEST_DOWN_S = 3.0
_FIRST_S, _EVERY_S = 2.0, 4.4
_FAULTS_PER_S = 6.0
_SYSTEMS = ("sap", "salesforce", "scheduler", "issuer")


@dataclass(frozen=True)
class Call:
    """A call of a conversion: `step` is what it is for; `method` and `path` as a fault matches them."""

    step: str
    system: str
    method: str | None
    path: str


CALLS = (
    Call("read the quote", "salesforce", "GET", "/query"),
    Call("log in to the CRM", "salesforce", "POST", "/oauth2/token"),
    Call("fetch a CSRF token", "sap", "HEAD", "/sap/opu/odata"),
    Call("simulateOrder", "sap", "POST", "SIMULATION"),
    Call("simulateSchedule", "scheduler", "POST", "/v1/scenarios"),
    Call("createOrder", "sap", "POST", "/A_SalesOrder$"),
    Call("look the order up", "sap", "GET", "%24filter|\\$filter"),
    Call("read the order", "sap", "GET", "/A_SalesOrder\\('"),
    Call("commitSchedule", "scheduler", "PUT", "/commitments"),
    Call("confirmDates", "sap", None, "\\$batch|/A_SalesOrderScheduleLine\\("),
    Call("writeBack", "salesforce", "POST", "/composite"),
)


@dataclass(frozen=True, order=True)
class Trouble:
    """At so many seconds: a blow to `target`, or a fault as the control door takes it. `seconds`: how long it lasts."""

    at_s: float
    what: str
    target: str = ""
    seconds: float = 0.0
    fault: dict[str, Any] = field(default_factory=dict, compare=False)

    def __str__(self) -> str:
        lasting = f" for {self.seconds:.1f} s" if self.seconds else ""
        return f"{self.at_s:6.1f} s  {self.what} {self.target}{lasting}".rstrip()


def plan(seed: int, duration_s: float, replicas: tuple[str, ...]) -> list[Trouble]:
    """Everything that will happen, in order of time."""
    return sorted((*_faults(seed, duration_s), *_blows(seed, duration_s, replicas)))


def pairs() -> list[tuple[Call, str]]:
    """Every call with every kind of fault that its system knows and that strikes single requests."""
    return [
        (call, name)
        for call in CALLS
        for name, kind in KINDS.items()
        if call.system in kind.systems and not kind.lasting
    ]


def _faults(seed: int, duration_s: float) -> Iterator[Trouble]:
    chance = Random(f"{seed}:faults")  # noqa: S311  the same troubles for the same seed
    dealt = pairs()
    chance.shuffle(dealt)
    wanted = min(int(duration_s * _FAULTS_PER_S), 3 * len(dealt))
    for _, (call, kind) in zip(range(wanted), cycle(dealt), strict=False):
        seconds = round(chance.uniform(0.2, LATEST_COMMIT_S), 2) if kind in ("commitLate", "delay", "trickled") else 0
        fault = {
            "system": call.system,
            "kind": kind,
            "path": call.path,
            "count": chance.choice((1, 1, 2)),
            "seconds": seconds,
            **({"method": call.method} if call.method else {}),
        }
        yield Trouble(round(chance.uniform(0, duration_s), 2), kind, f"at {call.step}", seconds, fault)


def _blows(seed: int, duration_s: float, replicas: tuple[str, ...]) -> Iterator[Trouble]:
    """One after the other, so that each has the field to itself; in an order of its own each time round."""
    chance = Random(f"{seed}:blows")  # noqa: S311  likewise
    order: list[Blow] = []
    victims = cycle(replicas if chance.random() < 1 / 2 else replicas[::-1])
    at_s = _FIRST_S
    while at_s < duration_s - 1:
        if not order:
            order = list(BLOWS)
            chance.shuffle(order)
        blow = order.pop()
        down_s = round(chance.uniform(0.3, LONGEST_DOWN_S), 1)
        match blow:
            case "freeze":
                yield Trouble(at_s, blow, next(victims), FREEZE_S)
            case "kill":
                yield Trouble(at_s, blow, next(victims), down_s)
            case "close a door":
                yield Trouble(at_s, blow, chance.choice(_SYSTEMS), down_s)
            case _:
                yield Trouble(at_s, blow, "", 0 if blow == "flush redis" else down_s)
        at_s += _EVERY_S
