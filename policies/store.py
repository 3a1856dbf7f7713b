"""What a store that does not answer means to a caller: come again."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import InterfaceError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from policies.errors import StoreUnavailable

READ_ONLY = "25006"
"""SQLSTATE of PostgreSQL: after a failover a connection may lead to what is a standby now."""
_FORGOTTEN = {"25P03", "25P04"}
"""The server ended a transaction in which we said nothing for too long: we were frozen."""
log = logging.getLogger(__name__)


class StoreAsleep(OperationalError):
    """It failed a moment ago, so it was not asked. To who has patience with the store, trouble like any other."""

    def __init__(self) -> None:
        super().__init__(None, None, ConnectionError("it failed a moment ago, and is asked again once a second"))


def passes(trouble: InternalError) -> bool:
    """Whether it is over with another connection: nothing of the transaction was done, and it may be done again."""
    return getattr(trouble.orig, "sqlstate", None) in {READ_ONLY, *_FORGOTTEN}


@contextmanager
def store_answers() -> Iterator[None]:
    """Inside, trouble with the connection becomes StoreUnavailable.

    The original is logged without its statement and not chained: its text would carry the parameters.
    """
    try:
        yield
    except StoreAsleep:  # said once in the log, by the breaker
        raise StoreUnavailable from None
    except PoolTimeout:
        log.warning("no free connection to the operation store")
        raise StoreUnavailable from None
    except (OperationalError, InterfaceError) as trouble:
        log.warning("the operation store does not answer: %s", trouble.orig)
        raise StoreUnavailable from None
    except InternalError as trouble:
        if not passes(trouble):
            raise
        if getattr(trouble.orig, "sqlstate", None) == READ_ONLY:
            log.warning("the operation store takes no writes: is it a standby?")
        else:
            log.warning("the operation store does not answer: %s", trouble.orig)
        raise StoreUnavailable from None
