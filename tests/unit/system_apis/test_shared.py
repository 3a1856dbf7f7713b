"""Single flight: many wait, one goes."""

import asyncio

import pytest

from system_apis.shared import Shared


class Well:
    """Gives a new value per visit, once the gate is open."""

    def __init__(self) -> None:
        self.visits = 0
        self.gate = asyncio.Event()
        self.dry = False

    async def draw(self) -> object:
        self.visits += 1
        await self.gate.wait()
        if self.dry:
            raise LookupError("dry")
        return object()


async def test_all_who_wait_share_one_visit() -> None:
    well = Well()
    shared = Shared(well.draw)
    waiting = [asyncio.create_task(shared.get()) for _ in range(5)]
    well.gate.set()
    values = await asyncio.gather(*waiting)
    assert len(set(map(id, values))) == 1
    assert well.visits == 1


async def test_ten_complaints_about_one_value_cost_one_visit() -> None:
    well = Well()
    well.gate.set()
    shared = Shared(well.draw)
    first = await shared.get()

    async def complain() -> object:
        shared.stale(first)
        return await shared.get()

    fresh = await asyncio.gather(*(complain() for _ in range(10)))
    assert well.visits == 2
    assert first not in fresh


async def test_who_gives_up_leaves_the_others_their_value() -> None:
    well = Well()
    shared = Shared(well.draw)
    patient = asyncio.create_task(shared.get())
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await shared.get()
    well.gate.set()
    assert await patient is await shared.get()
    assert well.visits == 1


async def test_a_failed_visit_is_told_to_all_and_tried_anew() -> None:
    well = Well()
    well.dry = True
    well.gate.set()
    shared = Shared(well.draw)
    results = await asyncio.gather(*(shared.get() for _ in range(3)), return_exceptions=True)
    assert [type(one) for one in results] == [LookupError] * 3
    well.dry = False
    await shared.get()
    assert well.visits == 2
