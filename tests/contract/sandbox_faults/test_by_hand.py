"""`sandbox fault`: the same faults from the command line."""

from __future__ import annotations

import subprocess
import sys

import httpx
import pytest

from system_apis.sandbox.faults.kinds import KINDS
from tests.sandbox import RunningSandbox


def run(sandbox: RunningSandbox, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "system_apis.sandbox", "fault", *words, "--control", sandbox.urls["control"]]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


def test_a_fault_is_armed_listed_and_lifted(fresh_sandbox: RunningSandbox) -> None:
    words = ["--method", "POST", "--path", r"\$batch", "--count", "2", "--probability", "0.5"]
    name = run(fresh_sandbox, "sap", "locked", *words).stdout.strip()
    (armed,) = fresh_sandbox.faults()
    assert (armed["id"], armed["path"], armed["count"], armed["probability"]) == (name, r"\$batch", 2, 0.5)
    assert run(fresh_sandbox).stdout == f"{name}  sap locked POST \\$batch, struck 0 of 2\n"
    assert run(fresh_sandbox, "--lift", name).returncode == 0
    assert fresh_sandbox.faults() == []


def test_a_latency_is_written_in_one_word_and_all_is_lifted_at_once(fresh_sandbox: RunningSandbox) -> None:
    run(fresh_sandbox, "scheduler", "delay", "--latency", "lognormal:0.01:0.05")
    run(fresh_sandbox, "issuer", "serverError", "--after-commit", "true", "--retry-after-seconds", "2")
    latency, error = fresh_sandbox.faults()
    assert latency["latency"] == {"distribution": "lognormal", "p50": 0.01, "p99": 0.05}
    assert (error["afterCommit"], error["retryAfterSeconds"]) == (True, 2)
    assert httpx.get(fresh_sandbox.urls["issuer"] + "/jwks").headers["retry-after"] == "2"
    run(fresh_sandbox, "--lift")
    assert fresh_sandbox.faults() == []


@pytest.mark.parametrize(
    "words",
    [
        ["sap", "delay", "--latency", "lognormal:1"],
        ["sap", "planMoved"],
        ["sap", "stall", "--count", "none"],
    ],
)
def test_what_cannot_be_ends_with_one_line(fresh_sandbox: RunningSandbox, words: list[str]) -> None:
    ended = run(fresh_sandbox, *words)
    assert (ended.returncode, len(ended.stderr.splitlines())) == (1, 1), ended.stderr
    assert fresh_sandbox.faults() == []


def test_help_names_every_kind(sandbox: RunningSandbox) -> None:
    told = run(sandbox, "--help").stdout
    assert all(f"  {name} " in told for name in KINDS)
