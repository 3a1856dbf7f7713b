"""Events that are forgotten: readers that come by in time never notice, and who missed something is told."""

from __future__ import annotations

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from policies.clients import Client
from process_apis.caller import Caller
from process_apis.errors import EventsForgotten, RequestFaulty
from process_apis.outbox import EventPage, list_events
from process_apis.retention.told import purge_events
from process_apis.tables import events
from system_apis.deadline import Deadline
from tests.integration.retention.past import NORTH, SOUTH, ago, happened, ids, total
from tests.purging import all_purged, purged


def reader(*customers: str) -> Client:
    return Client("reader", "Reader", "partner", frozenset({"orders:read"}), customers, ("1710",))


async def read(store: AsyncEngine, after: str | None = None, *customers: str) -> EventPage:
    caller = Caller(reader(*(customers or (NORTH,))), "corr", Deadline.after(5))
    return await list_events(caller, None, store=store, after=after)


async def told(store: AsyncEngine, after: str | None, *customers: str) -> list[str]:
    return [event.id for event in (await read(store, after, *customers)).events]


async def test_who_comes_back_after_events_were_forgotten_is_told_and_begins_anew(store: AsyncEngine) -> None:
    made = await happened(store, 50, 40, 30, 20, 1)
    assert await purged(store, purge_events, ago(25)) == 3
    for missed in made[:2]:
        with pytest.raises(EventsForgotten):
            await read(store, missed)
    assert await told(store, None) == made[3:]
    assert await told(store, made[3]) == made[4:]


async def test_a_reader_for_whom_nothing_happens_goes_on_from_its_last_event_for_ever(store: AsyncEngine) -> None:
    *_, last = await happened(store, 900, 800)
    await happened(store, 700, 600, customer=SOUTH)
    assert await all_purged(store, purge_events, ago(25), most=1) == [1, 1, 0]
    page = await read(store, last)
    assert (page.events, page.next) == ((), last)
    new = await happened(store, 1)
    assert await purged(store, purge_events, ago(25)) == 1  # what was the last one is not any more
    with pytest.raises(EventsForgotten):  # said too often rather than too seldom: this one has missed nothing
        await read(store, last)
    assert await told(store, None) == new


async def test_events_of_others_are_not_missed(store: AsyncEngine) -> None:
    """North has seen its last event; what went since then was about South."""
    (mine,) = await happened(store, 90)
    await happened(store, 80, 70, 60, customer=SOUTH)
    await purged(store, purge_events, ago(25))
    assert await told(store, mine, NORTH) == []
    with pytest.raises(EventsForgotten):
        await read(store, mine, NORTH, SOUTH)
    with pytest.raises(EventsForgotten):
        await read(store, mine, "*")


async def test_a_forgotten_event_of_others_is_as_unknown_as_one_that_never_was(store: AsyncEngine) -> None:
    foreign = (await happened(store, 90, 80, customer=SOUTH))[0]
    await purged(store, purge_events, ago(25))
    for unknown in (foreign, "evt_01KAJ0000000000000000000000", "evt_7ZZZZZZZZZZZZZZZZZZZZZZZZZ", "evt_0", "\0"):
        with pytest.raises(RequestFaulty):
            await read(store, unknown, NORTH)


async def test_what_the_figures_have_not_counted_stays_and_no_figure_runs_backwards(store: AsyncEngine) -> None:
    about = {"code": "shortage", "owner": "planning"}
    await happened(store, 90, 80)
    uncounted = await happened(store, 70, 60, counted=False)
    before = await total(store, "exceptions_opened", **about)
    assert (before, await purged(store, purge_events, ago(25))) == (2, 2)
    assert await ids(store, events.c.event_id) == sorted(uncounted)
    assert await total(store, "exceptions_opened", **about) == 2
    await happened(store)
    assert await total(store, "exceptions_opened", **about) == 4
    assert await purged(store, purge_events, ago(25)) == 1
    await happened(store, 1)
    assert await total(store, "exceptions_opened", **about) == 5


async def test_a_number_is_not_used_twice_after_all_but_one_are_gone(store: AsyncEngine) -> None:
    await happened(store, 90, 80, 70)
    await purged(store, purge_events, ago(25))
    await happened(store, 1)
    assert await ids(store, events.c.sequence) == [3, 4]
