"""Which operations and change requests go, and what goes and stays with them."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from policies.kept import Kept, count_due
from process_apis import claimed_lines
from process_apis.operations import ENDED as ENDED_OPERATIONS
from process_apis.operations import TRANSITIONS
from process_apis.order_change.models import ENDED as ENDED_CHANGES
from process_apis.order_change.models import TRANSITIONS as CHANGES
from process_apis.order_change.tables import change_requests, change_steps
from process_apis.retention.ended import due_changes, due_operations, purge_changes, purge_operations
from process_apis.tables import converted_lines, exceptions, operation_steps, operations
from tests.integration.retention.past import ago, change, count, happened, ids, operation
from tests.purging import all_purged, purged


async def test_an_operation_goes_with_its_steps_and_exceptions_when_its_time_is_over(store: AsyncEngine) -> None:
    young = await operation(store, ended=9, exception="resolved")
    for exception in (None, "resolved", "waived", "expired"):
        await operation(store, ended=11, exception=exception)
    assert await purged(store, purge_operations, ago(10)) == 4
    assert await ids(store, operations.c.operation_id) == [young]
    assert await ids(store, operation_steps.c.operation_id) == [young]
    assert await ids(store, exceptions.c.subject_id) == [young]


async def test_a_change_request_goes_with_its_steps_and_exceptions(store: AsyncEngine) -> None:
    young = await change(store, ended=9, exception="resolved")
    await change(store, ended=11, exception="waived")
    assert await purged(store, purge_changes, ago(10)) == 1
    assert await ids(store, change_requests.c.change_request_id) == [young]
    assert await ids(store, change_steps.c.change_request_id) == [young]
    assert await ids(store, exceptions.c.subject_id) == [young]


async def test_of_all_states_only_ends_go(store: AsyncEngine) -> None:
    for number, state in enumerate(TRANSITIONS):
        await operation(store, ended=1000, state=state, order=f"{number}")
    for number, state in enumerate(CHANGES):
        await change(store, ended=1000, state=state, order=f"s5.{number}")
    await purged(store, purge_changes, ago(10))
    await purged(store, purge_operations, ago(10))
    async with store.connect() as connection:
        left = set(await connection.scalars(select(operations.c.state)))
        left_changes = set(await connection.scalars(select(change_requests.c.state)))
    assert left == TRANSITIONS.keys() - ENDED_OPERATIONS
    assert left_changes == CHANGES.keys() - ENDED_CHANGES


@pytest.mark.parametrize("state", ["open", "acknowledged", "proposed"])
async def test_what_somebody_still_has_to_look_after_stays(store: AsyncEngine, state: str) -> None:
    await operation(store, ended=1000, exception=state)
    await change(store, ended=1000, exception=state)
    assert await purged(store, purge_operations, ago(10)) == 0
    assert await purged(store, purge_changes, ago(10)) == 0
    assert await count(store, exceptions) == 2


async def test_the_operation_that_made_an_order_stays_while_a_change_of_it_is_kept(store: AsyncEngine) -> None:
    """A change tells plan and CRM by lines, and the operation knows which item is which line."""
    await operation(store, ended=1000, order="1")
    await change(store, ended=5, order="s4.1")
    assert await purged(store, purge_operations, ago(10)) == 0
    assert await purged(store, purge_changes, ago(3)) == 1
    assert await purged(store, purge_operations, ago(10)) == 1


async def test_a_line_stays_taken_when_its_operation_is_forgotten(store: AsyncEngine) -> None:
    ident = await operation(store, ended=1000)
    assert await purged(store, purge_operations, ago(10)) == 1
    assert await ids(store, converted_lines.c.operation_id) == [ident]
    with pytest.raises(IntegrityError):
        async with store.begin() as connection:
            await claimed_lines.claim(connection, f"Q-{ident}", "2", ["1"], "op_2")
    async with store.connect() as connection:
        assert await claimed_lines.holder_of(connection, f"Q-{ident}", ["1"]) == ident


async def test_an_operation_whose_end_is_not_counted_yet_stays(store: AsyncEngine) -> None:
    await operation(store, ended=20)
    await happened(store, 20, counted=False)
    assert await purged(store, purge_operations, ago(10)) == 0
    await happened(store)
    assert await purged(store, purge_operations, ago(10)) == 1


async def test_many_go_a_batch_at_a_time_the_oldest_first(store: AsyncEngine) -> None:
    made = [await operation(store, ended=30 - number, state="completed") for number in range(12)]
    made += [await operation(store, ended=12, state="rejected")]
    assert await purged(store, purge_operations, ago(10), most=5) == 5
    assert await ids(store, operations.c.operation_id) == sorted(made[5:])
    kept = Kept("operations", ago(0) - ago(10), purge_operations, due_operations)
    async with store.connect() as connection:
        assert await count_due(connection, kept, ago(10)) == 8
    assert await all_purged(store, purge_operations, ago(10), most=5) == [5, 3]
    async with store.connect() as connection:
        assert await count_due(connection, kept, ago(10)) == 0
        changes = Kept("changeRequests", ago(0) - ago(10), purge_changes, due_changes)
        assert await count_due(connection, changes, ago(10)) == 0
