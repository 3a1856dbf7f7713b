from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.scale_out.fleet import Fleet, running_fleet
from tests.integration.scale_out.toys import Toyshop, toyshop_on
from tests.postgres import Postgres, running_postgres
from tests.sandbox import RunningSandbox, start_sandbox, stop_sandbox


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    """A PostgreSQL that tests may stop and start."""
    with running_postgres() as started:
        yield started


@pytest.fixture(scope="module")
def open_toyshop(server: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Toyshop]:
    with toyshop_on(server, tmp_path_factory.mktemp("toys")) as shop:
        yield shop


@pytest.fixture
def toyshop(open_toyshop: Toyshop) -> Iterator[Toyshop]:
    """With operations of the test's own; what it started is ended with it, but for the watchers."""
    open_toyshop.begin_test()
    yield open_toyshop
    open_toyshop.end(but=open_toyshop.old)


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    """A sandbox of these tests' own: their replicas live longer than one of them."""
    running = start_sandbox(tmp_path_factory.mktemp("outside"))
    yield running
    stop_sandbox(running)


@pytest.fixture(scope="module")
def fleet(server: Postgres, outside: RunningSandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    with running_fleet(server, outside, tmp_path_factory.mktemp("fleet")) as running:
        yield running
