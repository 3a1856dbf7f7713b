"""Plans as the TOML file has them, each a table `[plans.<name>]` that clients refer to by `plan = "<name>"`.

```toml
[plans.dealer]
burst = "60 per 1 second"
sustained = "600 per 1 minute"
daily = "100000 per 1 day"
concurrent = 16                              # calls at the same time

[plans.dealer.operations.checkAvailability]  # on top, for one operation, by its operationId
sustained = "300 per 1 minute"
concurrent = 8
```
A unit is a line of a check, or a call of anything else.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from policies.plans import Allowance, allowance

Rate = Annotated[str, Meta(min_length=1, max_length=100)]
Places = Annotated[int, Meta(ge=1, le=10_000)]
RATES = ("burst", "sustained", "daily")


class AllowanceEntry(Struct, frozen=True, forbid_unknown_fields=True):
    """Rates in the notation of the `limits` package, and the most calls at the same time. None of them has to be."""

    burst: Rate | None = None
    sustained: Rate | None = None
    daily: Rate | None = None
    concurrent: Places | None = None

    def rates(self) -> dict[str, str]:
        named = {name: getattr(self, name) for name in RATES}
        return {name: notation for name, notation in named.items() if notation is not None}

    def read(self, prefix: str = "") -> Allowance:
        return allowance(self.rates(), self.concurrent, prefix)


class PlanEntry(AllowanceEntry, frozen=True, forbid_unknown_fields=True):
    """The limits of a kind of client; `operations` by operationId."""

    operations: dict[str, AllowanceEntry] = {}
