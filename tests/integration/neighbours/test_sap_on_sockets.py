"""The SAP client and the sandbox's SAP, two readings of one contract, over a real socket."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from decimal import Decimal

import msgspec
import pytest

from system_apis.errors import (
    CredentialsRefused,
    NotFoundInSystem,
    OutcomeUnknown,
    SystemRefused,
    SystemTimeout,
    SystemUnavailable,
    VersionMoved,
)
from system_apis.sap.client import SapErp
from system_apis.sap.models import ItemChange, Order, OrderPatch
from tests.integration.neighbours.clients import AREA, CUSTOMER, demand, erp_of, new_order, soon, today
from tests.integration.neighbours.conftest import EITHER_DIALECT
from tests.sandbox import RunningSandbox


async def until_found(erp: SapErp, reference: str) -> tuple[Order, ...]:
    async with asyncio.timeout(10):
        while True:
            if found := await erp.find_by_reference(reference, CUSTOMER, deadline=soon()):
                return found
            await asyncio.sleep(0.05)


async def test_a_promise_of_three_lines(erp: SapErp, fresh_sandbox: RunningSandbox) -> None:
    day = today(fresh_sandbox) + timedelta(days=5)
    lines = (demand("a", "TG11", "40", day), demand("b", "TG12", "100", day), demand("c", "FG126", "50", day))
    answer = await erp.simulate(CUSTOMER, AREA, lines, deadline=soon())
    on_time, late, short = answer.lines
    assert [(one.date, one.confirmed) for one in on_time.confirmations if one.confirmed] == [(day, Decimal(40))]
    assert [one.confirmed for one in late.confirmations if one.confirmed] == [Decimal(60), Decimal(40)]
    assert late.confirmations[0].date == day
    assert late.confirmations[-1].date == today(fresh_sandbox) + timedelta(days=12)
    assert sum(one.confirmed for one in short.confirmations) == 10
    assert answer.net_amount == sum(line.net_amount for line in answer.lines) > 0
    assert answer.tax_amount > 0
    assert (answer.currency, answer.credit, answer.refused) == ("USD", "ok", {})
    assert ["10 of 50" in one.text for one in answer.warnings] == [True], "what the ERP says beside it is kept"
    assert {line.plant for line in answer.lines} == {"1710"}


async def test_a_discontinued_material_is_refused_and_the_rest_promised(
    erp: SapErp, fresh_sandbox: RunningSandbox
) -> None:
    day = today(fresh_sandbox) + timedelta(days=5)
    lines = (demand("a", "TG11", "5", day), demand("b", "TG14", "5", day), demand("c", "TG11", "5", day, unit="PF"))
    answer = await erp.simulate(CUSTOMER, AREA, lines, deadline=soon())
    assert [line.line_id for line in answer.lines] == ["a"]
    assert answer.refused.keys() == {"b", "c"}
    assert "Discontinued" in answer.refused["b"].text


@pytest.mark.parametrize(("material", "unit", "quantity"), [("TG16", "KGM", "12.5"), ("TG17", "CT", "3")])
async def test_other_units_are_promised_in_the_unit_that_was_asked(
    erp: SapErp, fresh_sandbox: RunningSandbox, material: str, unit: str, quantity: str
) -> None:
    day = today(fresh_sandbox) + timedelta(days=5)
    answer = await erp.simulate(CUSTOMER, AREA, [demand("a", material, quantity, day, unit)], deadline=soon())
    assert (answer.lines[0].unit, answer.lines[0].quantity) == (unit, Decimal(quantity))


async def test_lines_with_different_dates_are_promised_each_for_its_own(
    erp: SapErp, fresh_sandbox: RunningSandbox
) -> None:
    first, second = today(fresh_sandbox) + timedelta(days=5), today(fresh_sandbox) + timedelta(days=9)
    lines = (demand("a", "TG11", "5", first), demand("b", "TG11", "5", second))
    answer = await erp.simulate(CUSTOMER, AREA, lines, deadline=soon())
    assert [line.confirmations[0].requested_date for line in answer.lines] == [first, second]
    assert [line.confirmations[0].date for line in answer.lines] == [first, second]


async def test_a_spent_credit_limit_is_seen(erp: SapErp, fresh_sandbox: RunningSandbox) -> None:
    lines = [demand("a", "TG11", "5", today(fresh_sandbox) + timedelta(days=5))]
    assert (await erp.simulate("17100003", AREA, lines, deadline=soon())).credit == "blocked"


@EITHER_DIALECT
async def test_an_order_is_created_found_and_read(erp: SapErp, fresh_sandbox: RunningSandbox) -> None:
    assert await erp.find_by_reference("op_1", CUSTOMER, deadline=soon()) == ()
    created = await erp.create_order(new_order(fresh_sandbox, "op_1"), deadline=soon())
    assert (created.reference, created.customer_po, created.sold_to) == ("op_1", "PO-1", CUSTOMER)
    assert sum(one.confirmed for one in created.items[0].confirmations) == 5
    assert created == await erp.read_order(created.number, deadline=soon())
    assert await erp.find_by_reference("op_1", CUSTOMER, deadline=soon()) == (created,)
    assert await erp.find_by_reference("op_1", "17100002", deadline=soon()) == ()
    assert await erp.read_version(created.number, deadline=soon()) == created.etag


@EITHER_DIALECT
async def test_a_reference_with_quotes_is_found_and_nothing_else(erp: SapErp, fresh_sandbox: RunningSandbox) -> None:
    await erp.create_order(new_order(fresh_sandbox, "plain"), deadline=soon())
    odd = await erp.create_order(new_order(fresh_sandbox, "it's +&#% 'or' 1"), deadline=soon())
    assert await erp.find_by_reference("it's +&#% 'or' 1", CUSTOMER, deadline=soon()) == (odd,)


@EITHER_DIALECT
async def test_an_unknown_order_is_not_found(erp: SapErp) -> None:
    for ask in (erp.read_order("999999", deadline=soon()), erp.read_version("999999", deadline=soon())):
        with pytest.raises(NotFoundInSystem):
            await ask


@EITHER_DIALECT
async def test_a_discontinued_material_is_refused_with_saps_own_code(
    erp: SapErp, fresh_sandbox: RunningSandbox
) -> None:
    bad = demand("1", "TG14", "5", today(fresh_sandbox) + timedelta(days=5))
    with pytest.raises(SystemRefused) as met:
        await erp.create_order(new_order(fresh_sandbox, "op_2", bad), deadline=soon())
    assert met.value.code.startswith("V1/")
    assert await erp.find_by_reference("op_2", CUSTOMER, deadline=soon()) == ()


@EITHER_DIALECT
async def test_an_order_is_changed_as_a_whole(erp: SapErp, fresh_sandbox: RunningSandbox) -> None:
    day = today(fresh_sandbox) + timedelta(days=5)
    lines = (demand("1", "TG11", "5", day), demand("2", "TG13", "5", day))
    order = await erp.create_order(new_order(fresh_sandbox, "op_3", *lines), deadline=soon())
    first, second = order.items
    changes = (
        ItemChange(first.item, Decimal(8), "C62", day + timedelta(days=2), first.schedule_lines[0]),
        ItemChange(second.item, reject="61"),
    )
    patch = OrderPatch(order.number, order.etag, changes, added=(demand("n", "TG12", "3", day),))
    await erp.change_order(patch, deadline=soon())
    now = await erp.read_order(order.number, deadline=soon())
    assert now.etag != order.etag
    assert [item.item for item in now.items] == ["10", "20", "30"]
    assert now.items[0].quantity == 8
    assert now.items[0].confirmations[0].requested_date == day + timedelta(days=2)
    assert now.items[0].confirmations[0].date == day + timedelta(days=2)
    assert now.items[1].rejection_reason == "61"
    assert (now.items[2].material, now.items[2].quantity) == ("TG12", Decimal(3))
    assert (now.reference, now.customer_po) == ("op_3", "PO-1")


@EITHER_DIALECT
async def test_the_header_date_is_changed(erp: SapErp, fresh_sandbox: RunningSandbox) -> None:
    order = await erp.create_order(new_order(fresh_sandbox, "op_4"), deadline=soon())
    later = today(fresh_sandbox) + timedelta(days=20)
    await erp.change_order(OrderPatch(order.number, order.etag, (), requested_date=later), deadline=soon())
    assert (await erp.read_order(order.number, deadline=soon())).requested_date == later


@EITHER_DIALECT
async def test_a_stale_change_is_refused_by_sap_itself(erp: SapErp, fresh_sandbox: RunningSandbox) -> None:
    """With a header date nothing is read beforehand: the 412 is SAP's."""
    order = await erp.create_order(new_order(fresh_sandbox, "op_5"), deadline=soon())
    patch = OrderPatch(order.number, order.etag, (), requested_date=today(fresh_sandbox) + timedelta(days=20))
    await erp.change_order(patch, deadline=soon())
    with pytest.raises(VersionMoved):
        await erp.change_order(patch, deadline=soon())
    with pytest.raises(VersionMoved):
        await erp.change_order(msgspec.structs.replace(patch, requested_date=None), deadline=soon())


async def test_a_changeset_with_one_bad_part_changes_nothing(erp: SapErp, fresh_sandbox: RunningSandbox) -> None:
    order = await erp.create_order(new_order(fresh_sandbox, "op_6"), deadline=soon())
    changes = (ItemChange("10", Decimal(9), "C62"), ItemChange("990", Decimal(1), "C62"))
    with pytest.raises(SystemRefused):
        await erp.change_order(OrderPatch(order.number, order.etag, changes), deadline=soon())
    assert await erp.read_order(order.number, deadline=soon()) == order


@pytest.mark.parametrize("erp", ["v4"], indirect=True)
async def test_by_version_4_what_stands_of_a_change_is_told_and_the_rest_goes_on_from_there(
    erp: SapErp, fresh_sandbox: RunningSandbox
) -> None:
    order = await erp.create_order(new_order(fresh_sandbox, "op_v4_half"), deadline=soon())
    changes = (ItemChange("10", Decimal(9), "C62"), ItemChange("990", Decimal(1), "C62"))
    with pytest.raises(SystemRefused) as met:
        await erp.change_order(OrderPatch(order.number, order.etag, changes), deadline=soon())
    now = await erp.read_order(order.number, deadline=soon())
    assert met.value.half_done == (1, 2, now.etag)
    assert now.items[0].quantity == 9
    go_on = OrderPatch(order.number, now.etag, (ItemChange("10", reject="61"),))
    await erp.change_order(go_on, deadline=soon())
    with pytest.raises(VersionMoved):
        await erp.change_order(go_on, deadline=soon())


@EITHER_DIALECT
async def test_an_own_order_does_not_count_against_itself(erp: SapErp, fresh_sandbox: RunningSandbox) -> None:
    day = today(fresh_sandbox) + timedelta(days=5)
    wanted = demand("1", "FG126", "10", day)
    order = await erp.create_order(new_order(fresh_sandbox, "op_7", wanted), deadline=soon())
    others = await erp.simulate(CUSTOMER, AREA, [wanted], deadline=soon())
    own = await erp.simulate(CUSTOMER, AREA, [wanted], deadline=soon(), order=order.number)
    assert sum(one.confirmed for one in others.lines[0].confirmations) == 0
    assert sum(one.confirmed for one in own.lines[0].confirmations) == 10


@EITHER_DIALECT
async def test_a_dropped_answer_is_unknown_and_the_order_is_found(erp: SapErp, fresh_sandbox: RunningSandbox) -> None:
    fresh_sandbox.fault("sap", "dropAfterCommit", method="POST", path="SalesOrder$", count=1)
    with pytest.raises(OutcomeUnknown):
        await erp.create_order(new_order(fresh_sandbox, "op_8"), deadline=soon())
    assert len(await erp.find_by_reference("op_8", CUSTOMER, deadline=soon())) == 1


@EITHER_DIALECT
async def test_a_late_commit_is_not_there_yet_and_then_it_is(erp: SapErp, fresh_sandbox: RunningSandbox) -> None:
    fresh_sandbox.fault("sap", "commitLate", method="POST", path="SalesOrder$", count=1, seconds=0.5)
    with pytest.raises(OutcomeUnknown):
        await erp.create_order(new_order(fresh_sandbox, "op_9"), deadline=soon())
    assert await erp.find_by_reference("op_9", CUSTOMER, deadline=soon()) == ()
    assert len(await until_found(erp, "op_9")) == 1


@EITHER_DIALECT
async def test_a_stalled_sap_is_left_at_the_deadline(erp: SapErp, fresh_sandbox: RunningSandbox) -> None:
    await erp.ping(deadline=soon())
    fresh_sandbox.fault("sap", "stall", count=2)
    with pytest.raises(SystemTimeout):
        await erp.read_version("1", deadline=soon(0.3))
    with pytest.raises(SystemTimeout):
        await erp.ping(deadline=soon(0.3))


@EITHER_DIALECT
async def test_a_busy_sap_is_asked_again_by_reads_only(erp: SapErp, fresh_sandbox: RunningSandbox) -> None:
    order = await erp.create_order(new_order(fresh_sandbox, "op_10"), deadline=soon())
    fresh_sandbox.fault("sap", "unavailable", count=1)
    assert (await erp.read_order(order.number, deadline=soon())).number == order.number
    fresh_sandbox.fault("sap", "unavailable", method="POST", count=1, retryAfterSeconds=60)
    with pytest.raises(SystemUnavailable) as met:
        await erp.create_order(new_order(fresh_sandbox, "op_11"), deadline=soon())
    assert met.value.retry_after_s == 60


@EITHER_DIALECT
async def test_a_busy_answer_without_a_promise_says_nothing_about_a_write(
    erp: SapErp, fresh_sandbox: RunningSandbox
) -> None:
    fresh_sandbox.fault("sap", "unavailableAfterCommit", method="POST", count=1)
    with pytest.raises(OutcomeUnknown):
        await erp.create_order(new_order(fresh_sandbox, "op_12"), deadline=soon())
    assert len(await erp.find_by_reference("op_12", CUSTOMER, deadline=soon())) == 1


@EITHER_DIALECT
async def test_a_refused_connection_is_unavailability(erp: SapErp, fresh_sandbox: RunningSandbox) -> None:
    lifted = fresh_sandbox.fault("sap", "refuse")
    with pytest.raises(SystemUnavailable):
        await erp.create_order(new_order(fresh_sandbox, "op_13"), deadline=soon())
    fresh_sandbox.lift(lifted)
    await erp.ping(deadline=soon())


async def test_a_wrong_password_calls_for_an_operator(fresh_sandbox: RunningSandbox) -> None:
    erp = erp_of(fresh_sandbox, password="wrong")
    for deed in (erp.ping(deadline=soon()), erp.create_order(new_order(fresh_sandbox, "op_14"), deadline=soon())):
        with pytest.raises(CredentialsRefused):
            await deed
    await erp.aclose()


@EITHER_DIALECT
async def test_a_session_opened_before_a_restart_of_the_world_still_works(
    erp: SapErp, fresh_sandbox: RunningSandbox
) -> None:
    await erp.create_order(new_order(fresh_sandbox, "op_15"), deadline=soon())
    fresh_sandbox.reset()
    await erp.create_order(new_order(fresh_sandbox, "op_16"), deadline=soon())
    assert len(await erp.find_by_reference("op_16", CUSTOMER, deadline=soon())) == 1
