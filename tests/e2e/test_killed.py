"""kill -9 in the middle of a conversion: nothing is lost, nothing is doubled."""

from __future__ import annotations

import pytest

from app.cli.demo.neighbours import Witness
from app.cli.pair import Sandbox
from tests.e2e.conftest import Start
from tests.e2e.portal import MOVING, Portal, arm, journal, lift, until

ORDER_POST = "/API_SALES_ORDER_SRV/A_SalesOrder$"


@pytest.mark.parametrize(
    "call",
    [
        {"system": "sap", "method": "POST", "path": ORDER_POST},
        {"system": "sap", "method": "POST", "path": "API_SALES_ORDER_SIMULATION_SRV"},
        {"system": "scheduler", "method": "PUT", "path": "/commitments"},
        {"system": "salesforce", "method": "POST", "path": "/composite"},
    ],
    ids=["creating-the-order", "simulating", "committing-capacity", "writing-back"],
)
def test_a_gateway_killed_in_mid_conversion_finishes_with_exactly_one_order(
    sandbox: Sandbox, witness: Witness, start: Start, call: dict[str, str]
) -> None:
    gateway = start()
    portal = Portal(gateway, sandbox)
    arm(sandbox, **call, kind="delay", seconds=2, count=1)
    begun = portal.convert(witness.quote_id("Q-1001"), onLate="accept").raise_for_status()
    until(lambda: _struck(sandbox, call["system"]), bool, within_s=20)
    assert portal.operation(begun.json()["operationId"])["state"] in MOVING
    gateway.process.kill()
    gateway.process.wait()

    portal = Portal(start(), sandbox)
    ended = portal.settled(begun.json()["operationId"], within_s=90)
    assert ended["state"] == "completed", ended
    orders = witness.orders(ended["operationId"])
    assert [f"s4-1710.{order.number}" for order in orders] == [ended["orderId"]]
    assert (witness.orders_in_all(), _order_posts(sandbox)) == (1, 1)
    assert witness.quote(witness.quote_id("Q-1001"))["ERP_Order_Number__c"] == orders[0].number
    assert sum(line["material"] == "FG126" for line in witness.commitments(orders[0].number)) > 0


def test_an_answer_lost_after_the_order_was_made_does_not_make_a_second_one(
    sandbox: Sandbox, witness: Witness, start: Start
) -> None:
    portal = Portal(start(), sandbox)
    arm(sandbox, "sap", "dropAfterCommit", method="POST", path=ORDER_POST, count=1)
    begun = portal.convert(witness.quote_id("Q-1010")).raise_for_status()
    ended = portal.settled(begun.json()["operationId"], within_s=90)
    assert ended["state"] == "completed", ended
    assert _struck(sandbox, "sap") == ["dropAfterCommit"]
    assert (witness.orders_in_all(), _order_posts(sandbox)) == (1, 1)


def test_an_operation_waits_for_a_system_that_is_down_and_goes_on_by_itself(
    sandbox: Sandbox, witness: Witness, start: Start
) -> None:
    portal = Portal(start(), sandbox)
    quote_id = witness.quote_id("Q-1011")
    arm(sandbox, "sap", "refuse")
    begun = portal.convert(quote_id).raise_for_status().json()
    waiting = until(
        lambda: portal.operation(begun["operationId"]), lambda found: found["waitingFor"] is not None, within_s=30
    )
    assert waiting["waitingFor"]["system"] == "erp"  # which of our instances is no dealer's business
    lift(sandbox)
    ended = portal.settled(begun["operationId"], within_s=90)
    assert ended["state"] == "completed", ended
    assert witness.orders_in_all() == 1


def _struck(sandbox: Sandbox, system: str) -> list[str]:
    return [entry["fault"] for entry in journal(sandbox, system) if entry["fault"]]


def _order_posts(sandbox: Sandbox) -> int:
    """The sandbox never deduplicates: a second one would make a second order."""
    return sum(
        entry["method"] == "POST" and entry["path"].endswith("/API_SALES_ORDER_SRV/A_SalesOrder")
        for entry in journal(sandbox, "sap")
    )
