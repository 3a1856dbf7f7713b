"""A real sandbox and a real gateway, as processes of their own, on free ports."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from app.cli.demo.neighbours import Witness
from app.cli.pair import Gateway, Sandbox, running_gateway, running_sandbox

Start = Callable[[], Gateway]
ORDERGATE = str(Path(sys.executable).with_name("ordergate"))


@pytest.fixture(scope="session")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Sandbox, Gateway]]:
    """One sandbox and one gateway for all tests that break nothing."""
    scratch = tmp_path_factory.mktemp("pair")
    with (
        running_sandbox(scratch, free_ports=True) as sandbox,
        running_gateway(sandbox, scratch / "ordergate.db", scratch) as gateway,
    ):
        yield sandbox, gateway


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    """A sandbox of the test's own, to break."""
    with running_sandbox(tmp_path, free_ports=True) as mine:
        yield mine


@pytest.fixture
def witness(sandbox: Sandbox) -> Iterator[Witness]:
    seen = Witness(sandbox)
    yield seen
    seen.close()


@pytest.fixture
def start(sandbox: Sandbox, tmp_path: Path) -> Iterator[Start]:
    """Starts a gateway before the test's own sandbox, on the test's own store: twice is a restart."""
    with ExitStack() as ends:
        yield lambda: ends.enter_context(running_gateway(sandbox, tmp_path / "ordergate.db", tmp_path))
