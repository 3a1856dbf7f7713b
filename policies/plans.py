"""Plans: what a client may ask in all, and what of each operation. Notation and parsing are those of `limits`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from limits import parse_many

from policies.clients import Client
from policies.counters import Cap, Rate

CONCURRENT = "concurrent"


@dataclass(frozen=True, slots=True)
class Allowance:
    """Rates and caps that are decided together."""

    rates: tuple[Rate, ...]
    caps: tuple[Cap, ...] = ()

    def and_also(self, more: Allowance) -> Allowance:
        return Allowance(self.rates + more.rates, self.caps + more.caps)

    @property
    def heaviest(self) -> int | None:
        """What a single call may weigh, if there is a rate."""
        return min((rate.quota for rate in self.rates), default=None)


@dataclass(frozen=True, slots=True)
class Plan:
    """`common` counts every call of a client; `operations` further bounds some, by `Call.operation`."""

    common: Allowance
    operations: Mapping[str, Allowance] = field(default_factory=dict)

    def of(self, operation: str) -> Allowance:
        further = self.operations.get(operation)
        return self.common if further is None else self.common.and_also(further)


def allowance(rates: Mapping[str, str], concurrent: int | None = None, prefix: str = "") -> Allowance:
    """From rates by name in the notation `"40 per 10 second"` and the most calls at the same time.

    Raises ValueError for what is no rate, or more than one. The names appear in the answer's fields.
    """
    read = []
    for name, notation in rates.items():
        (rate,) = parse_many(notation)
        read.append(Rate(prefix + name, rate.amount, rate.get_expiry()))
    return Allowance(tuple(read), () if concurrent is None else (Cap(prefix + CONCURRENT, concurrent),))


@lru_cache(maxsize=1024)
def read_limit(notation: str) -> Plan:
    """The plan of a client that has only a limit, `"600 per 1 minute"` or several, `"20 per second; 600 per minute"`.

    The first is called `default`, a further one after its window in seconds. Raises ValueError on anything else.
    """
    rates = parse_many(notation)
    names = ["default", *(f"per-{rate.get_expiry()}-s" for rate in rates[1:])]
    read = (Rate(name, rate.amount, rate.get_expiry()) for name, rate in zip(names, rates, strict=True))
    return Plan(Allowance(tuple(read)))


class Plans:
    """The named plans, and the one that a client's own limit amounts to."""

    def __init__(self, named: Mapping[str, Plan] | None = None) -> None:
        self._named = dict(named or {})

    def of(self, client: Client) -> Plan:
        """A plan that is not there any more leaves the client with its limit."""
        return self._named.get(client.plan) or read_limit(client.limit)
