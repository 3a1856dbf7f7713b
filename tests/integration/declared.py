"""Every status that a route of ours answered in a test stands in its document."""

from __future__ import annotations

import functools
import logging
from typing import Any

from app import contract
from app.internal_routes import INTERNAL
from app.routes import PUBLIC

NOT_ANSWERED = 499
"""What the access log says of a call whose caller left."""


class Witness(logging.Handler):
    """Reads in the access log what was answered."""

    def __init__(self) -> None:
        super().__init__()
        self.undeclared: set[tuple[str, str, int]] = set()

    def emit(self, record: logging.LogRecord) -> None:
        said: Any = record.__dict__
        call = (said["method"], said["route"])
        if call in declared() and said["status"] not in declared()[call]:
            self.undeclared.add((*call, said["status"]))


@functools.cache
def declared() -> dict[tuple[str, str], set[int]]:
    return {
        (method.upper(), path): {*map(int, operation["responses"]), NOT_ANSWERED}
        for routes in (PUBLIC, INTERNAL)
        for path, item in contract.document(routes)["paths"].items()
        for method, operation in item.items()
    }
