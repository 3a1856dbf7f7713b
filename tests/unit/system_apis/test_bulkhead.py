"""Who gets a place, who waits, and that no place is ever lost."""

import asyncio
import random

import pytest

from system_apis.bulkhead import Bulkhead, BulkheadFull

LONG = 5.0


async def entered(bulkhead: Bulkhead, *, writes: bool, patience_s: float = LONG) -> bool:
    try:
        await bulkhead.enter(writes=writes, patience_s=patience_s)
    except BulkheadFull:
        return False
    return True


async def fill(bulkhead: Bulkhead, *, writes: bool) -> int:
    """Enter as long as there is a place at once."""
    taken = 0
    while await entered(bulkhead, writes=writes, patience_s=0.001):
        taken += 1
    return taken


async def test_a_flood_of_reads_leaves_a_quarter_to_writes() -> None:
    bulkhead = Bulkhead(8)
    assert await fill(bulkhead, writes=False) == 6
    assert await fill(bulkhead, writes=True) == 2
    assert (bulkhead.in_use, bulkhead.waiting) == (8, 0)


async def test_a_flood_of_writes_leaves_a_quarter_to_reads() -> None:
    bulkhead = Bulkhead(8)
    assert await fill(bulkhead, writes=True) == 6
    assert await fill(bulkhead, writes=False) == 2


@pytest.mark.parametrize(("places", "reads"), [(1, 1), (2, 1), (3, 2), (4, 3), (64, 48)])
async def test_the_smallest_bulkheads_keep_a_place_too(places: int, reads: int) -> None:
    assert await fill(Bulkhead(places), writes=False) == reads


def test_no_place_at_all_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="one place"):
        Bulkhead(0)


async def test_nobody_waits_longer_than_he_can() -> None:
    bulkhead = Bulkhead(1)
    await bulkhead.enter(writes=True, patience_s=LONG)
    began = asyncio.get_running_loop().time()
    assert not await entered(bulkhead, writes=False, patience_s=0.05)
    assert asyncio.get_running_loop().time() - began < 1
    assert bulkhead.waiting == 0


async def test_of_those_who_wait_writes_go_first_and_each_kind_in_turn() -> None:
    bulkhead = Bulkhead(1)
    await bulkhead.enter(writes=False, patience_s=LONG)
    order: list[str] = []

    async def come(name: str, *, writes: bool) -> None:
        await bulkhead.enter(writes=writes, patience_s=LONG)
        order.append(name)
        bulkhead.leave(writes=writes)

    async with asyncio.TaskGroup() as crowd:
        for name in ("read 1", "read 2", "write 1", "write 2"):
            crowd.create_task(come(name, writes=name.startswith("write")))
            await asyncio.sleep(0)
        bulkhead.leave(writes=False)
    assert order == ["write 1", "write 2", "read 1", "read 2"]


async def test_who_is_cancelled_while_waiting_leaves_no_trace() -> None:
    bulkhead = Bulkhead(1)
    await bulkhead.enter(writes=False, patience_s=LONG)
    first, second = (asyncio.create_task(entered(bulkhead, writes=False)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    bulkhead.leave(writes=False)
    assert await second
    assert first.cancelled()
    assert bulkhead.in_use == 1


async def test_a_place_given_to_who_is_cancelled_in_the_same_moment_goes_on_to_the_next() -> None:
    bulkhead = Bulkhead(1)
    await bulkhead.enter(writes=False, patience_s=LONG)
    first, second = (asyncio.create_task(entered(bulkhead, writes=False)) for _ in range(2))
    await asyncio.sleep(0)
    bulkhead.leave(writes=False)
    first.cancel()
    assert await second
    bulkhead.leave(writes=False)
    assert (bulkhead.in_use, bulkhead.waiting) == (0, 0)


async def test_a_thousand_comings_and_goings_lose_no_place() -> None:
    bulkhead = Bulkhead(5)
    dice = random.Random(7)
    most = 0

    async def visit(patience_s: float, stay_s: float, *, writes: bool) -> None:
        nonlocal most
        if await entered(bulkhead, writes=writes, patience_s=patience_s):
            most = max(most, bulkhead.in_use)
            try:
                await asyncio.sleep(stay_s)
            finally:
                bulkhead.leave(writes=writes)

    visits = [
        asyncio.create_task(visit(dice.uniform(0, 0.02), dice.uniform(0, 0.004), writes=dice.random() < 0.3))
        for _ in range(1000)
    ]
    for one in dice.sample(visits, 200):
        await asyncio.sleep(0)
        one.cancel()
    await asyncio.gather(*visits, return_exceptions=True)
    assert most == 5
    assert (bulkhead.in_use, bulkhead.waiting) == (0, 0)
