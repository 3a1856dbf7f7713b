from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from tests.integration.declared import Witness


@pytest.fixture(autouse=True)
def answers_are_declared() -> Iterator[None]:
    log, witness = logging.getLogger("ordergate.access"), Witness()
    usual = log.level
    log.setLevel(logging.INFO)
    log.addHandler(witness)
    yield
    log.removeHandler(witness)
    log.setLevel(usual)
    assert not witness.undeclared, "a status that no document of ours has for the route"
