"""What calls and their answers look like: `examples/` has a file per operation, by `request` and by status.

They are what was said at a gateway before the sandbox, so they are true; tests/e2e/examples tells how they are recorded
anew, and compares them with what is answered today.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).with_name("examples")
REQUEST = "request"

Json = dict[str, Any]


def examples_of(operation_id: str) -> dict[str, Json]:
    """OpenAPI's named examples by `request` and by status; of an operation that has none, nothing."""
    file = FOLDER / f"{operation_id}.json"
    found: dict[str, Json] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    return found
