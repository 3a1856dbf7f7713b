"""What the gateway asks of a production scheduler, whichever product it is: one port, one adapter per product."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from system_apis.deadline import Deadline
from system_apis.scheduler.models import Capabilities, Commitments, Requirement, Scenario


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

    async def release(self, order_reference: str, *, deadline: Deadline) -> None:
        """Give back all that the order holds; nothing held is fine too."""
        ...

    async def discard(self, scenario_id: str, *, deadline: Deadline) -> None:
        """Drop a what-if copy early; one that is gone already is fine too."""
        ...

    async def capabilities(self, *, deadline: Deadline) -> Capabilities: ...

    async def ping(self, *, deadline: Deadline) -> None:
        """Raises unless the scheduler answers and says it is up."""
        ...
