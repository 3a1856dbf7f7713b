from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def answers_are_declared() -> None:
    """The routes here are the tests' own, and so are their documents."""
