from __future__ import annotations

from tests.integration.audit.conftest import store  # noqa: F401  a fixture
from tests.postgres import postgres  # noqa: F401  likewise
