"""What a write to a scheduler may carry, in the words of `system_apis.ownership`: which scenario an order's commitments
are, and nothing of what the plan made of it."""

from __future__ import annotations

from collections.abc import Mapping

from system_apis.ownership import REST, Words

WORDS: Mapping[str, Words] = {
    "commitments": Words("commitment", {REST: "other", "scenarioId": "scenario"}),
}
