"""The gateway with its eyes shut: the very server, in which the look-up of an order finds nothing.

`python -m benchmarks.chaos.blind` is what `--blind` starts instead of `ordergate serve`. The one function is replaced
in this process only; no setting of the product can do it, and this package is not part of what is installed. A
campaign that reports no double against this gateway would be worth nothing.
"""

from __future__ import annotations

from app.server import serve
from system_apis.deadline import Deadline
from system_apis.sap.client import SapErp
from system_apis.sap.models import Order


async def sees_nothing(_erp: SapErp, _reference: str, _sold_to: str, *, deadline: Deadline) -> tuple[Order, ...]:
    """As if no order had our reference."""
    del deadline
    return ()


if __name__ == "__main__":
    SapErp.find_by_reference = sees_nothing  # type: ignore[method-assign, assignment]  # which is the point
    serve()
