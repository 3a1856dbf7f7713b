"""Quotes become orders where the ERP serves its orders by OData version 4 only: exactly one each, whatever happens."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.quote_to_order import witness
from tests.integration.quote_to_order.shop import open_shop
from tests.integration.quote_to_order.test_kill import finished, gateway, started, wait_for
from tests.sandbox import RunningSandbox

CREATE = r"/SalesOrder(\?|$)"


@pytest.fixture
def only_v4(fresh_sandbox: RunningSandbox) -> RunningSandbox:
    fresh_sandbox.sap_settings(sales_order="v4")
    return fresh_sandbox


def writes(sandbox: RunningSandbox) -> list[tuple[str, str]]:
    """Method and last segment of each write to the order service, in order; the other dialect's are none."""
    asked = [(one["method"], one["path"]) for one in sandbox.journal("sap") if "/odata4/" in one["path"]]
    return [(method, path.rpartition("/")[2]) for method, path in asked if method in {"POST", "PATCH"}]


def witnessed(sandbox: RunningSandbox, operation_id: str) -> list[str]:
    """The numbers of the orders with our reference, as the other dialect shows them."""
    sandbox.sap_settings(sales_order="both")
    return [order["SalesOrder"] for order in witness.orders_of(sandbox, operation_id)]


async def test_a_quote_becomes_an_order_by_one_write(tmp_path: Path, only_v4: RunningSandbox) -> None:
    """Each line is created with a day of its own: nothing is left to move but what the plan promises later."""
    quote_id = only_v4.quote_id("Q-1001")
    async with open_shop(tmp_path / "o.db", only_v4.urls, sales_orders="v4") as shop:
        done = await shop.convert(quote_id)
    assert done.state == "completed"
    assert writes(only_v4)[0] == ("POST", "SalesOrder")
    assert all(method == "PATCH" and "SalesOrderItem" in path for method, path in writes(only_v4)[1:])
    (number,) = witnessed(only_v4, done.operation_id)
    assert done.order_id == f"s4-1710.{number}"
    assert witness.quote(only_v4, quote_id)["ERP_Order_Number__c"] == number
    assert sum(int(line["quantity"]) for line in witness.commitments(only_v4, number)) == 40


@pytest.mark.parametrize(
    ("kind", "sent"),
    [("dropAfterCommit", 1), ("unavailableAfterCommit", 1), ("commitLate", 1), ("dropBeforeCommit", 2)],
)
async def test_a_lost_answer_is_looked_up_and_one_order_made(
    tmp_path: Path, only_v4: RunningSandbox, kind: str, sent: int
) -> None:
    late = {"seconds": 1.0} if kind == "commitLate" else {}
    only_v4.fault("sap", kind, method="POST", path=CREATE, count=1, **late)
    async with open_shop(tmp_path / "o.db", only_v4.urls, sales_orders="v4") as shop:
        done = await shop.convert(only_v4.quote_id("Q-1010"), wait_s=60)
    assert done.state == "completed"
    assert writes(only_v4).count(("POST", "SalesOrder")) == sent
    assert len(witnessed(only_v4, done.operation_id)) == 1


async def test_a_process_killed_while_the_order_is_made_leaves_one_order_behind(
    tmp_path: Path, only_v4: RunningSandbox
) -> None:
    """The request has left, the answer comes into the void."""
    quote_id = only_v4.quote_id("Q-1010")
    armed = only_v4.fault("sap", "delay", method="POST", path=CREATE, seconds=1.0, count=1)
    with gateway(tmp_path / "o.db", only_v4, quote_id, sales_orders="v4") as process:
        operation_id = started(process)
        wait_for(lambda: any(one["id"] == armed and one["fired"] for one in only_v4.faults()))
        process.kill()
        process.wait()
    done = await finished(tmp_path / "o.db", only_v4, operation_id, "v4")
    assert done.state == "completed"
    assert writes(only_v4).count(("POST", "SalesOrder")) == 1
    assert len(witnessed(only_v4, operation_id)) == 1
