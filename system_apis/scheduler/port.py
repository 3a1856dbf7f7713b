"""What the gateway asks of a production scheduler, whichever product it is: one port, one adapter per product."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from system_apis.deadline import Deadline
from system_apis.scheduler.models import Capabilities, Changes, Commitments, Health, Requirement, Scenario

PLAN_MOVED = "planMoved"
"""The code of a refused commit: other orders took the capacity since the scenario was made."""


class Scheduler(Protocol):
    """A scheduler instance. Every method raises the failures of `system_apis.errors` and nothing else."""

    instance: str

    async def simulate(
        self, plant: str, requirements: Sequence[Requirement], *, order_reference: str | None, deadline: Deadline
    ) -> Scenario:
        """What the plant could do, without holding any capacity. What `order_reference` holds is given back first."""
        ...

    async def commit(
        self, scenario: Scenario, order_reference: str, *, if_version: str | None, deadline: Deadline
    ) -> Commitments:
        """Hold what the scenario planned: the order's commitments for its lines are replaced, other lines stay.

        NotFoundInSystem: the scenario is unknown or expired. SystemRefused with the code `planMoved`: the capacity
        was taken meanwhile. VersionMoved: the commitments are no longer at `if_version` (None: whatever they are).
        """
        ...

    async def commitments(self, order_reference: str, *, deadline: Deadline) -> Commitments | None:
        """What the plan holds for the order; None if nothing."""
        ...

    async def changes(self, since: str, *, limit: int = 100, deadline: Deadline) -> Changes:
        """Whose commitments changed after the version `since` of the plan: how a plan moved by hand is noticed.

        Only where the capabilities say `changes`. SystemRefused with the code `planVersionGone`: the version is
        unknown or too old to tell, the orders have to be read one by one.
        """
        ...

    async def release(self, order_reference: str, *, deadline: Deadline) -> None:
        """Give back all that the order holds; nothing held is fine too."""
        ...

    async def discard(self, scenario_id: str, *, deadline: Deadline) -> None:
        """Drop a what-if copy early; one that is gone already is fine too."""
        ...

    async def capabilities(self, *, deadline: Deadline) -> Capabilities:
        """What it can do, and for which plants."""
        ...

    async def health(self, *, deadline: Deadline) -> Health:
        """Whether it is up, and which plan it works with."""
        ...

    async def ping(self, *, deadline: Deadline) -> None:
        """Raises unless the scheduler answers and says it is up."""
        ...
