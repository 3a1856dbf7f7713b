"""What goes wrong between callers who share a question: nobody pays for another's haste, absence or failure."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from process_apis.atp.shared_reads import Freshness, SharedReads
from system_apis.deadline import Deadline
from system_apis.errors import SystemTimeout, SystemUnavailable


class Neighbour:
    """Answers each key with the number of the question, as soon as it is let; slow to notice that nobody waits."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, ...]] = []
        self.free = asyncio.Event()
        self.leaving = asyncio.Event()
        self.failures: list[Exception] = []

    async def answer(self, keys: Sequence[str], until: Deadline) -> Mapping[str, int]:
        self.asked.append(tuple(keys))
        number = len(self.asked)
        try:
            async with asyncio.timeout(until.remaining_s):
                await self.free.wait()
        except TimeoutError as late:
            raise SystemTimeout("sap", "s4", "levels") from late
        except asyncio.CancelledError:
            await self.leaving.wait()
            raise
        if self.failures:
            raise self.failures.pop(0)
        return dict.fromkeys(keys, number)


async def test_a_question_that_is_being_given_up_is_not_joined_by_any_of_its_keys() -> None:
    reads: SharedReads[str, int] = SharedReads()
    neighbour = Neighbour()
    both = asyncio.create_task(reads.fetch(["a", "b"], neighbour.answer, Deadline.after(5)))
    await asyncio.sleep(0)
    one = asyncio.create_task(reads.fetch(["b"], neighbour.answer, Deadline.after(5)))
    await asyncio.sleep(0)
    both.cancel()
    await asyncio.wait([both])
    one.cancel()
    await asyncio.wait([one])
    late = asyncio.create_task(reads.fetch(["a"], neighbour.answer, Deadline.after(4)))
    await asyncio.sleep(0.01)
    neighbour.leaving.set()
    neighbour.free.set()
    found = await late
    assert (found["a"].value, neighbour.asked) == (2, [("a", "b"), ("a",)])


async def test_an_error_is_heard_by_those_who_asked_and_kept_for_nobody() -> None:
    reads: SharedReads[str, int] = SharedReads(30)
    neighbour = Neighbour()
    neighbour.failures = [SystemUnavailable("sap", "s4", "levels")]
    neighbour.free.set()
    fresh = Freshness(30.0)
    first, second = await asyncio.gather(
        *(reads.fetch(["a"], neighbour.answer, Deadline.after(5), fresh) for _ in range(2))
    )
    assert [first["a"].outcome, second["a"].outcome, len(neighbour.asked)] == ["error", "error", 1]
    again = await reads.fetch(["a"], neighbour.answer, Deadline.after(5), fresh)
    assert (again["a"].value, again["a"].kept) == (2, False)


async def test_who_has_more_time_asks_again_when_the_first_has_none_left() -> None:
    reads: SharedReads[str, int] = SharedReads()
    neighbour = Neighbour()
    hasty = asyncio.create_task(reads.fetch(["a"], neighbour.answer, Deadline.after(0.05)))
    await asyncio.sleep(0)
    patient = asyncio.create_task(reads.fetch(["a"], neighbour.answer, Deadline.after(5)))
    assert (await hasty)["a"].outcome == "timeout"
    async with asyncio.timeout(2):
        while len(neighbour.asked) < 2:  # noqa: ASYNC110 - it comes by the clock
            await asyncio.sleep(0.005)
    neighbour.free.set()
    assert (await patient)["a"].value == 2
    assert reads.under_way == 0


async def test_a_fault_of_ours_is_no_silence_of_the_neighbour() -> None:
    reads: SharedReads[str, int] = SharedReads()

    async def wrong(_keys: Sequence[str], _until: Deadline) -> Mapping[str, int]:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await reads.fetch(["a"], wrong, Deadline.after(1))
    assert reads.under_way == 0


async def test_what_nobody_may_have_any_more_is_forgotten_when_the_next_answer_comes() -> None:
    reads: SharedReads[str, int] = SharedReads(0.3)
    neighbour = Neighbour()
    neighbour.free.set()
    await reads.fetch([str(number) for number in range(100)], neighbour.answer, Deadline.after(5))
    assert reads.kept == 100
    while (await reads.fetch(["0"], neighbour.answer, Deadline.after(5), Freshness(0.3)))["0"].kept:  # noqa: ASYNC110 - by the clock
        await asyncio.sleep(0.01)
    await reads.fetch(["new"], neighbour.answer, Deadline.after(5))
    assert reads.kept <= 2
