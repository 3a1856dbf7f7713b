"""A neighbour that fails on request: on real sockets, seen from the client's side and from the neighbour's."""

from __future__ import annotations

import signal
import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.sandbox import RunningSandbox, start_sandbox, stop_sandbox

KEY = {"X-API-Key": "scheduler-sandbox-key"}


@pytest.fixture
def scheduler(fresh_sandbox: RunningSandbox) -> Any:
    with httpx.Client(base_url=fresh_sandbox.urls["scheduler"], headers=KEY, timeout=5) as client:
        yield client


def scenario(client: httpx.Client, quantity: str = "5") -> str:
    wanted = {"lineId": "10", "material": "FG126", "quantity": quantity, "unit": "C62", "dueDate": "2030-01-01"}
    answer = client.post("/v1/scenarios", json={"plant": "1710", "requirements": [wanted]})
    return str(answer.raise_for_status().json()["scenarioId"])


def commit(client: httpx.Client, order: str = "7001") -> httpx.Response:
    return client.put(f"/v1/orders/{order}/commitments", json={"scenarioId": scenario(client)})


def exists(client: httpx.Client, order: str = "7001") -> bool:
    return client.get(f"/v1/orders/{order}/commitments").status_code == 200


def wait_for(client: httpx.Client, order: str, seconds: float = 5) -> None:
    ends = time.monotonic() + seconds
    while not exists(client, order):
        assert time.monotonic() < ends, f"order {order} never got its commitments"


def test_a_refusing_system_has_no_listening_socket_and_comes_back_on_its_port(
    fresh_sandbox: RunningSandbox, scheduler: httpx.Client
) -> None:
    fault = fresh_sandbox.fault("scheduler", "refuse")
    address = urlsplit(fresh_sandbox.urls["scheduler"])
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((address.hostname, address.port or 0), timeout=2)
    assert httpx.get(fresh_sandbox.urls["issuer"] + "/jwks").status_code == 200
    fresh_sandbox.lift(fault)
    assert scheduler.get("/v1/health").json()["status"] == "up"


def test_a_refusal_resets_the_connections_that_are_open(fresh_sandbox: RunningSandbox) -> None:
    address = urlsplit(fresh_sandbox.urls["scheduler"])
    with socket.create_connection((address.hostname, address.port or 0), timeout=2) as held:
        held.sendall(b"GET /v1/health HTTP/1.1\r\nHost: x\r\nX-API-Key: scheduler-sandbox-key\r\n\r\n")
        assert held.recv(15) == b"HTTP/1.1 200 OK"
        fresh_sandbox.fault("scheduler", "refuse")
        with pytest.raises(ConnectionResetError):
            while held.recv(4096):
                pass


def test_a_system_with_two_doors_refuses_at_both_and_cuts_at_both(fresh_sandbox: RunningSandbox) -> None:
    trusted = ssl.create_default_context(cafile=fresh_sandbox.ca)
    with httpx.Client(base_url=fresh_sandbox.urls["salesforceTls"], verify=trusted) as client:
        assert client.get("/services/data").status_code == 200
        fresh_sandbox.fault("salesforce", "dropAfterCommit", count=1)
        with pytest.raises(httpx.TransportError):
            client.get("/services/data")
        fault = fresh_sandbox.fault("salesforce", "refuse")
        for door in ("salesforce", "salesforceTls"):
            with pytest.raises(httpx.ConnectError):
                httpx.get(fresh_sandbox.urls[door] + "/services/data", verify=trusted)
        fresh_sandbox.lift(fault)
        assert client.get("/services/data").status_code == 200


def test_a_refusal_may_end_by_itself(fresh_sandbox: RunningSandbox) -> None:
    fresh_sandbox.fault("scheduler", "refuse", seconds=0.2)
    ends = time.monotonic() + 5
    while True:
        try:
            assert httpx.get(fresh_sandbox.urls["scheduler"] + "/v1/health", headers=KEY).status_code == 200
            break
        except httpx.ConnectError:
            assert time.monotonic() < ends
    assert fresh_sandbox.faults() == []


def test_dropped_before_the_commit_nothing_was_done(fresh_sandbox: RunningSandbox, scheduler: httpx.Client) -> None:
    fresh_sandbox.fault("scheduler", "dropBeforeCommit", method="PUT", count=1)
    with pytest.raises(httpx.ReadError):
        commit(scheduler)
    assert not exists(scheduler)
    assert commit(scheduler).status_code == 201


def test_dropped_after_the_commit_the_row_is_there_though_the_client_saw_a_reset(
    fresh_sandbox: RunningSandbox, scheduler: httpx.Client
) -> None:
    fresh_sandbox.fault("scheduler", "dropAfterCommit", method="PUT", path="/commitments", count=1)
    with pytest.raises(httpx.ReadError):
        commit(scheduler)
    assert exists(scheduler)
    put = next(entry for entry in fresh_sandbox.journal("scheduler") if entry["method"] == "PUT")
    assert (put["status"], put["fault"]) == (201, "dropAfterCommit")


def test_committed_late_the_row_appears_when_the_client_is_long_gone(
    fresh_sandbox: RunningSandbox, scheduler: httpx.Client
) -> None:
    fresh_sandbox.fault("scheduler", "commitLate", method="PUT", seconds=0.4, count=1)
    with pytest.raises(httpx.ReadError):
        commit(scheduler)
    assert not exists(scheduler)
    wait_for(scheduler, "7001")


def test_a_new_world_owes_nothing_to_late_commits_of_the_old_one(
    fresh_sandbox: RunningSandbox, scheduler: httpx.Client
) -> None:
    fresh_sandbox.fault("scheduler", "commitLate", method="PUT", seconds=0.3)
    with pytest.raises(httpx.ReadError):
        commit(scheduler, "7001")
    fresh_sandbox.reset()
    fresh_sandbox.fault("scheduler", "commitLate", method="PUT", seconds=0.3)
    with pytest.raises(httpx.ReadError):
        commit(scheduler, "7002")
    wait_for(scheduler, "7002")  # due after 7001 would have been
    assert not exists(scheduler, "7001")


def test_a_delayed_answer_is_a_whole_answer(fresh_sandbox: RunningSandbox, scheduler: httpx.Client) -> None:
    fresh_sandbox.fault("scheduler", "delay", seconds=0.3, count=1)
    begun = time.monotonic()
    assert scheduler.get("/v1/health").status_code == 200
    assert time.monotonic() - begun >= 0.3


def test_unavailable_is_a_503_in_html_and_may_say_when_to_come_back(
    fresh_sandbox: RunningSandbox, scheduler: httpx.Client
) -> None:
    fresh_sandbox.fault("scheduler", "unavailable", method="PUT", count=1, retryAfterSeconds=7)
    answer = commit(scheduler)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "7")
    assert answer.headers["content-type"] == "text/html;charset=utf-8"
    assert not exists(scheduler)


def test_unavailable_after_the_commit_is_a_503_that_lies(
    fresh_sandbox: RunningSandbox, scheduler: httpx.Client
) -> None:
    fresh_sandbox.fault("scheduler", "unavailableAfterCommit", method="PUT", count=1)
    answer = commit(scheduler)
    assert (answer.status_code, "retry-after" in answer.headers) == (503, False)
    assert exists(scheduler)


def test_a_stalled_request_is_never_answered_nor_done(fresh_sandbox: RunningSandbox, scheduler: httpx.Client) -> None:
    fresh_sandbox.fault("scheduler", "stall", method="PUT", count=1)
    made = scenario(scheduler)
    with pytest.raises(httpx.ReadTimeout):
        scheduler.put("/v1/orders/7001/commitments", json={"scenarioId": made}, timeout=0.3)
    assert not exists(scheduler)


def test_a_fault_fires_as_often_as_ordered_and_only_where_it_matches(
    fresh_sandbox: RunningSandbox, scheduler: httpx.Client
) -> None:
    fresh_sandbox.fault("scheduler", "unavailable", method="get", path=r"/v1/(health|nothing)$", count=2)
    assert scheduler.get("/v1/capabilities").status_code == 200
    assert [scheduler.get("/v1/health").status_code for _ in range(3)] == [503, 503, 200]
    assert fresh_sandbox.faults()[0]["fired"] == 2


def test_a_fault_without_a_count_stays_until_it_is_lifted(
    fresh_sandbox: RunningSandbox, scheduler: httpx.Client
) -> None:
    fault = fresh_sandbox.fault("scheduler", "unavailable")
    assert {scheduler.get("/v1/health").status_code for _ in range(5)} == {503}
    fresh_sandbox.lift(fault)
    assert scheduler.get("/v1/health").status_code == 200


@pytest.mark.parametrize(
    "wanted",
    [
        {"system": "sap", "kind": "explode"},
        {"system": "oracle", "kind": "stall"},
        {"system": "sap", "kind": "stall", "sometimes": True},
        {"system": "sap", "kind": "commitLate", "seconds": 61},
        {"system": "sap", "kind": "refuse", "count": 1},
        {"system": "sap", "kind": "stall", "path": "("},
    ],
)
def test_a_fault_that_cannot_be_is_refused(sandbox: RunningSandbox, wanted: dict[str, Any]) -> None:
    answer = httpx.post(sandbox.urls["control"] + "/faults", json=wanted)
    assert (answer.status_code, answer.json()["code"]) == (400, "badRequest")


def test_the_journal_tells_what_reached_a_system_and_under_which_ids(
    fresh_sandbox: RunningSandbox, scheduler: httpx.Client
) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    scheduler.get("/v1/health?x=1", headers={"X-Correlation-ID": "corr-9", "traceparent": trace})
    httpx.get(fresh_sandbox.urls["issuer"] + "/jwks")
    (entry,) = fresh_sandbox.journal("scheduler")
    assert entry | {"at": None, "seq": None} == {
        "seq": None,
        "at": None,
        "system": "scheduler",
        "method": "GET",
        "path": "/v1/health",
        "query": "x=1",
        "correlationId": "corr-9",
        "traceparent": trace,
        "status": 200,
        "fault": None,
    }
    assert [later["system"] for later in fresh_sandbox.journal(after=entry["seq"])] == ["issuer"]


def test_a_reset_brings_back_the_first_world(fresh_sandbox: RunningSandbox, scheduler: httpx.Client) -> None:
    commit(scheduler)
    assert fresh_sandbox.world()["commitments"]
    fresh_sandbox.reset()
    world = fresh_sandbox.world()
    assert (world["commitments"], world["orders"], world["planVersion"]) == ([], [], "8841")
    assert not exists(scheduler)


def test_it_ends_within_a_second_of_being_told_even_with_a_request_in_hand(tmp_path: Path) -> None:
    running = start_sandbox(tmp_path)
    address = urlsplit(running.urls["scheduler"])
    running.fault("scheduler", "stall")
    with socket.create_connection((address.hostname, address.port or 0), timeout=5) as held:
        held.sendall(b"GET /v1/health HTTP/1.1\r\nHost: x\r\n\r\n")
        while not running.journal("scheduler"):
            pass
        begun = time.monotonic()
        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(5) == 0
    assert time.monotonic() - begun < 1
    lines = (tmp_path / "sandbox.log").read_text().splitlines()
    assert [httpx.Response(200, text=line).json()["kind"] for line in lines] == ["stall"]
    stop_sandbox(running)


def test_a_port_that_is_taken_ends_the_start_with_one_line(sandbox: RunningSandbox) -> None:
    taken = urlsplit(sandbox.urls["sap"]).port
    ports = [part for name in ("issuer", "salesforce", "scheduler", "control") for part in (f"--{name}-port", "0")]
    command = [sys.executable, "-m", "system_apis.sandbox", *ports, "--sap-port", str(taken)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert ended.returncode == 1
    assert len(ended.stderr.splitlines()) == 1
    assert str(taken) in ended.stderr
