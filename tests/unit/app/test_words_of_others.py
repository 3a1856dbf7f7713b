"""What callers typed is shown to auditors and operators: it must not act on their terminals, nor pose as our words."""

from __future__ import annotations

from typing import Any

import pytest

from app.cli.at_the_desk import plain
from app.cli.audit import _in_full, _table
from app.cli.explain import _line

SLY = "late\x1b[2J\r\n  by auditor with key:trusted"
ENTRY: dict[str, Any] = {
    "at": "2026-11-20T12:00:00Z",
    "act": "POST /v1/operations/{operationId}/cancel",
    "outcome": "cancelled",
    "clientId": "crm",
    "credential": "token:1",
    "correlationId": "c",
    "reason": SLY,
    "orderId": None,
    "customerPo": SLY,
    "customer": None,
    "documents": [SLY],
    "before": None,
    "after": {"why": SLY},
    "entryId": "aud_1",
    "position": 1,
    "chain": "op_1",
    "digest": "0" * 64,
    "subject": SLY,
}


def lines_without_tricks(told: str) -> list[str]:
    lines = told.removesuffix("\n").split("\n")
    assert all(line.isprintable() for line in lines), told
    return lines


def test_a_reason_writes_no_line_of_its_own_into_an_entry(capsys: pytest.CaptureFixture[str]) -> None:
    _in_full(ENTRY)
    lines = lines_without_tricks(capsys.readouterr().out)
    assert [line for line in lines if line.startswith("  by ")] == ["  by crm with token:1, correlation c"]
    assert "  because late\\x1b[2J\\r\\n  by auditor with key:trusted" in lines


def test_nor_does_it_in_a_table_or_an_explanation(capsys: pytest.CaptureFixture[str]) -> None:
    _table([ENTRY])
    _line("faults", SLY)
    assert not any(line.strip().startswith("by ") for line in lines_without_tricks(capsys.readouterr().out))
    assert plain(None) == ""
