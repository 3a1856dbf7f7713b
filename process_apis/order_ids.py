"""What an order is called here: the ERP instance it lives in and its number there."""

from __future__ import annotations

import re

from process_apis.words import bare

NUMBER = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,34}")
"""What an ERP may call an order. A number goes into the addresses of neighbours: `..` would climb out of them."""


def canonical(order_id: str) -> str:
    """One order has one id: the ERP takes its number with padding and without."""
    instance, _, number = order_id.partition(".")
    return f"{instance}.{bare(number)}"
