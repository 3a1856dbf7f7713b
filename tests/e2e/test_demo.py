"""The demo is the product's first sentence: it must be true, and it must notice when it is not."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

from app.cli.pair import Sandbox
from tests.e2e.conftest import ORDERGATE
from tests.e2e.portal import arm, until

CLAIMS = (
    "TG11 comes on time",
    "SAP holds exactly one order with our reference",
    "the scheduler holds capacity for the missing 40 FG126",
    "the CRM quote shows the order",
    "the same key brings the same answer, byte for byte",
    "still one order in SAP",
    "a forged token: 401",
    "a client without the scope: 403",
    "another dealer's quote: 404",
    "a spent limit: 429",
    "a member that nobody knows: 400",
)


def test_the_demo_tells_a_true_story_and_leaves_nothing_behind(tmp_path: Path) -> None:
    told = subprocess.run([ORDERGATE, "demo"], cwd=tmp_path, capture_output=True, text=True, timeout=100, check=False)
    assert told.returncode == 0, told.stdout + told.stderr
    for claim in CLAIMS:
        assert f"✓ {claim}" in told.stdout
    assert "✗" not in told.stdout
    assert "\x1b[" not in told.stdout, "colours belong on a terminal"
    assert [url for url in _urls(told.stdout) if _answers(url)] == []


def test_the_demo_ends_with_a_reason_when_a_claim_is_false(sandbox: Sandbox, tmp_path: Path) -> None:
    arm(sandbox, "scheduler", "refuse")
    told = subprocess.run(
        [ORDERGATE, "demo", "--sandbox", str(_announced(sandbox, tmp_path))],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert told.returncode == 1
    assert "✗ FG126 is short in SAP: the plant would make the missing 40" in told.stdout
    assert told.stdout.strip().splitlines()[-1].startswith("✗")


def test_an_interrupted_demo_stops_what_it_started(tmp_path: Path) -> None:
    with subprocess.Popen([ORDERGATE, "demo"], cwd=tmp_path, stdout=subprocess.PIPE, text=True) as telling:
        assert telling.stdout is not None
        heard = ""
        while "gateway:" not in heard:
            line = telling.stdout.readline()
            assert line, f"the demo ended early: {heard}"
            heard += line
        telling.send_signal(signal.SIGINT)
        heard += telling.stdout.read()
    assert telling.returncode == 130
    assert len(_urls(heard)) >= 5
    until(lambda: [url for url in _urls(heard) if _answers(url)], lambda left: left == [], within_s=5)


def _announced(sandbox: Sandbox, directory: Path) -> Path:
    file = directory / "world.json"
    urls = {name: getattr(sandbox, name) for name in Sandbox.__slots__}
    file.write_text(json.dumps({"urls": urls}))
    return file


def _urls(text: str) -> set[str]:
    return set(re.findall(r"http://127\.0\.0\.1:\d+", text))


def _answers(url: str) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", urlsplit(url).port or 0)) == 0
