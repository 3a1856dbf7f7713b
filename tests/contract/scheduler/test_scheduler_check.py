"""The conformance kit: it lets a right scheduler pass, and finds each wrongness by name."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import date, timedelta

import httpx
import pytest

from system_apis.scheduler.conformance.bench import Bench, Need
from system_apis.scheduler.conformance.examine import COMMITTING, LOOKING, Verdict, examine
from tests.contract.scheduler.shim import KEY, TODAY, Shim, serving
from tests.sandbox import RunningSandbox

DUE = TODAY + timedelta(days=5)
FG1 = Need("FG1", "15", "C62", DUE)
WRONGS = {
    "is starting": "health:",
    "hides its horizon": "health:",
    "asks for no key": "key:",
    "speaks version 2": "capabilities:",
    "does not simulate": "capabilities:",
    "plans another plant": "capabilities:",
    "speaks of two plans": "plan:",
    "loses a line": "simulate: each requirement",
    "renames lines": "simulate: each requirement",
    "answers with numbers": "simulate: each requirement",
    "hides what it cannot plan": "simulate: pieces and unplanned",
    "tells the latest first": "simulate: pieces come in order",
    "plans beyond its horizon": "simulate: pieces come in order",
    "refuses what it cannot make": "simulate: what nobody makes",
    "reserves what it simulates": "simulate: a scenario reserves nothing",
    "moves the plan when it simulates": "simulate: a scenario reserves nothing",
    "is slow": "simulate: twenty lines",
    "plans any plant": "refusal: a plant of nobody",
    "has its own codes": "refusal: a plant of nobody",
    "tells refusals in plain text": "refusal: a plant of nobody",
    "takes garbage": "refusal: what is no JSON",
    "takes numbers": "refusal: a quantity that is a number",
    "takes twins": "refusal: a lineId",
    "takes any number": "refusal: more lines",
    "holds nothing for everybody": "read: an order of nobody",
    "knows every version": "read: it tells what changed",
    "keeps scenarios": "discard:",
    "commits anything": "commit: a scenario of nobody",
    "holds half of it": "commit: holds what was planned",
    "has no ETag": "commit: holds what was planned",
    "calls a moved plan the same": "commit: holds what was planned",
    "forgets what it holds": "commit: what is held can be read",
    "holds it again each time": "commit: repeated",
    "looks at no version": "commit: a stale version",
    "lets an order compete with itself": "commit: an order does not compete",
    "sells its capacity twice": "commit: capacity is given once",
    "tells no change": "commit: a change is told",
    "gives nothing back": "release:",
}


def examined(url: str, *, need: Need | None = FG1, commits: bool = True, key: str | None = KEY) -> list[Verdict]:
    with httpx.Client(base_url=url, trust_env=False) as client:
        return list(examine(Bench(client, key, "P1", need, DUE, commits, soon_s=0.1)))


def broken(verdicts: list[Verdict]) -> dict[str, str]:
    return {each.rule: f"{each.expected} / {each.came}" for each in verdicts if each.outcome == "broken"}


def test_a_right_scheduler_keeps_every_rule_and_is_left_as_it_was() -> None:
    shim = Shim()
    with serving(shim) as url:
        verdicts = examined(url)
    assert [each.rule for each in verdicts if each.outcome != "kept"] == []
    assert [each.rule for each in verdicts][:-1] == [*LOOKING, *COMMITTING]
    assert (shim.orders, shim.scenarios) == ({}, {}), "nothing is left behind"


@pytest.mark.parametrize("wrong", WRONGS)
def test_each_wrongness_is_found_under_its_rule(wrong: str) -> None:
    with serving(Shim(wrong)) as url:
        found = broken(examined(url))
    assert any(rule.startswith(WRONGS[wrong]) for rule in found), found


def test_every_rule_finds_something() -> None:
    """A rule that no wrongness breaks would be a rule that cannot fail."""
    unbroken = [rule for rule in (*LOOKING, *COMMITTING) if not any(rule.startswith(each) for each in WRONGS.values())]
    assert unbroken == []


def test_without_commit_nothing_is_held_for_a_moment() -> None:
    shim = Shim()
    with serving(shim) as url:
        verdicts = examined(url, commits=False)
    assert {each.outcome for each in verdicts if each.rule in COMMITTING} == {"notAsked"}
    assert (shim.plan, shim.changed, shim.scenarios) == (100, {}, {})


def test_without_a_material_only_the_rules_about_pieces_are_left_out() -> None:
    with serving(Shim()) as url:
        verdicts = examined(url, need=None, commits=False)
    assert broken(verdicts) == {}
    left_out = [each.rule for each in verdicts if each.outcome == "notAsked" and each.rule in LOOKING]
    assert left_out == [
        "simulate: pieces come in order, within the horizon",
        "simulate: a scenario reserves nothing",
    ]


def test_an_order_reference_that_is_somebodys_is_left_alone() -> None:
    shim = Shim()
    shim.orders["TAKEN"] = (1, "sc-0", [("10", DUE, FG1.amount)])
    with serving(shim) as url, httpx.Client(base_url=url, trust_env=False) as client:
        bench = Bench(client, KEY, "P1", FG1, DUE, commits=True, reference="TAKEN")
        outcomes = {each.rule: each.outcome for each in examine(bench)}
    assert shim.orders["TAKEN"] == (1, "sc-0", [("10", DUE, FG1.amount)])
    assert outcomes["commit: holds what was planned, and the plan moves"] == "notAsked"


def test_what_may_still_be_held_is_said() -> None:
    with serving(Shim("gives nothing back")) as url:
        (last,) = [each for each in examined(url) if each.rule.startswith("clean:")]
    assert last.outcome == "broken"
    assert "OGCHECK-" in last.came


def test_a_scheduler_that_is_not_there_breaks_every_rule_in_words() -> None:
    verdicts = examined("http://127.0.0.1:9")
    assert "kept" not in {each.outcome for each in verdicts}
    assert verdicts[0].came.startswith("ConnectError")


def ordergate(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "app.cli", "scheduler-check", *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, **env},
        timeout=60,
        check=False,
    )


def test_the_sandbox_passes_by_the_command_line(fresh_sandbox: RunningSandbox) -> None:
    due = (date.fromisoformat(fresh_sandbox.world()["today"]) + timedelta(days=20)).isoformat()
    url, key = fresh_sandbox.urls["scheduler"], {"APS_KEY": "scheduler-sandbox-key"}
    wish = ("--plant", "1710", "--material", "FG126", "--quantity", "30", "--due-date", due)
    checked = ordergate(url, "--api-key-env", "APS_KEY", *wish, "--commit", **key)
    assert checked.returncode == 0, checked.stdout
    assert "✗" not in checked.stdout
    assert f"It conforms: {len(LOOKING) + len(COMMITTING) + 1} kept, 0 broken, 0 not asked" in checked.stdout


def test_a_verdict_can_be_read_and_ends_the_command_with_1() -> None:
    with serving(Shim("speaks version 2")) as url:
        checked = ordergate(url, "--api-key-env", "APS_KEY", APS_KEY=KEY)
    assert checked.returncode == 1
    assert "✗ capabilities: it simulates, for this plant" in checked.stdout
    assert 'expected  "apiVersion":"1"' in checked.stdout
    assert 'came      "2"' in checked.stdout


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("aps.example",), "aps.example"),
        (("http://aps.example", "--api-key-env", "NOT_SET_ANYWHERE"), "NOT_SET_ANYWHERE"),
        (("http://aps.example", "--commit"), "--material"),
        (("http://aps.example", "--quantity", "some"), "--quantity"),
    ],
)
def test_what_cannot_be_asked_is_said_in_one_line(arguments: tuple[str, ...], named: str) -> None:
    checked = ordergate(*arguments)
    assert checked.returncode == 2
    assert named in checked.stderr
    assert len(checked.stderr.strip().splitlines()) == 1
