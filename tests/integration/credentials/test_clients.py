"""Clients that are registered while the gateway runs, beside those of the configuration file."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from tests.integration.app.problems import problem
from tests.integration.credentials.conftest import Replica, token_of

EAST: dict[str, Any] = {
    "clientId": "dealer-east",
    "name": "Eastbrook Machines",
    "kind": "partner",
    "scopes": ["atp:read", "orders:read"],
    "customers": ["17100003"],
    "plants": ["1710"],
    "salesOrganizations": ["1710"],
    "contact": "it@eastbrook.example",
}


async def test_a_registered_client_comes_in_by_token_and_by_key_at_every_replica(
    replicas: tuple[Replica, Replica],
) -> None:
    here, there = replicas
    problem(await here.external.get("/v1/events", headers=token_of("dealer-east")), 401, "token-invalid")
    made = await here.post("/clients", EAST)
    assert made.status_code == 201
    assert made.json().items() >= {**EAST, "scopes": ["atp:read", "orders:read"], "managedBy": "api"}.items()
    assert (await here.external.get("/v1/events", headers=token_of("dealer-east"))).status_code == 200
    key = await here.make_key("dealer-east")
    assert (await there.events(key["key"])).status_code == 200
    assert (await there.external.get("/v1/events", headers=token_of("dealer-east"))).status_code == 200


async def test_a_client_registered_elsewhere_a_moment_ago_gets_its_key_here(replicas: tuple[Replica, Replica]) -> None:
    """Two calls of one administrator, through a load balancer."""
    here, there = replicas
    await here.post("/clients", EAST)
    made = await there.post("/api-keys", {"clientId": "dealer-east", "label": "portal"})
    assert made.status_code == 201, made.text
    await there.post("/clients", {**EAST, "clientId": "dealer-west"})
    assert (await here.get("/clients/dealer-west")).status_code == 200


async def test_a_disabled_client_is_shut_out_everywhere_within_two_seconds_and_let_in_again(
    replicas: tuple[Replica, Replica],
) -> None:
    here, there = replicas
    await here.post("/clients", EAST)
    key = await here.make_key("dealer-east")
    assert (await there.events(key["key"])).status_code == 200
    off = await here.post("/clients/dealer-east/disable", {"reason": "contract ended"})
    assert off.json()["enabled"] is False
    disabled_at = time.monotonic()
    for replica in replicas:
        while (await replica.events(key["key"])).status_code == 200:
            assert time.monotonic() - disabled_at < 2
            await asyncio.sleep(0.02)
        by_token = await replica.external.get("/v1/events", headers=token_of("dealer-east"))
        assert problem(by_token, 401, "token-invalid")["detail"] == "The client is disabled."
    await here.post("/clients/dealer-east/enable")
    assert (await here.events(key["key"])).status_code == 200


async def test_the_files_clients_are_listed_and_cannot_be_changed_here(replica: Replica) -> None:
    await replica.post("/clients", EAST)
    listed = {each["clientId"]: each for each in (await replica.get("/clients", by="operator")).json()["clients"]}
    assert listed["dealer-north"]["managedBy"] == "file"
    assert listed["dealer-east"]["managedBy"] == "api"
    assert list(listed) == sorted(listed)
    for verb in ("disable", "enable"):
        problem(await replica.post(f"/clients/dealer-north/{verb}"), 409, "client-of-file")
    assert (await replica.get("/clients/dealer-north")).json()["roles"] == []
    assert (await replica.get("/clients/operator", by="auditor")).json()["roles"] == ["operator"]


async def test_clients_are_listed_page_by_page(replica: Replica) -> None:
    seen: list[str] = []
    cursor = ""
    while True:
        page = (await replica.get(f"/clients?limit=3{cursor}")).json()
        seen += [each["clientId"] for each in page["clients"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert seen == [each["clientId"] for each in (await replica.get("/clients")).json()["clients"]]
    assert len(seen) > 3


async def test_an_id_that_is_taken_is_refused(replica: Replica) -> None:
    await replica.post("/clients", EAST)
    for taken in ("dealer-north", "dealer-east"):
        problem(await replica.post("/clients", EAST | {"clientId": taken}), 409, "client-exists")


async def test_two_administrators_register_a_client_once(replicas: tuple[Replica, Replica]) -> None:
    answers = await asyncio.gather(*(each.post("/clients", EAST) for each in replicas * 3))
    assert sorted(each.status_code for each in answers) == [201] + [409] * 5


async def test_every_fault_of_a_client_is_told_at_once(replica: Replica) -> None:
    wrong = EAST | {"plants": ["1710", "9999"], "limit": "a lot", "plan": "gold", "issuer": "https://evil.example"}
    refused = problem(await replica.post("/clients", wrong), 422, "request-faulty")
    assert [(fault["pointer"], fault["code"]) for fault in refused["errors"]] == [
        ("#/plants/1", "plant-unknown"),
        ("#/limit", "limit-unreadable"),
        ("#/plan", "plan-unknown"),
        ("#/issuer", "issuer-unknown"),
    ]


async def test_operators_are_made_in_the_file_only(replica: Replica) -> None:
    for change in ({"kind": "operator"}, {"scopes": ["ops:read"]}, {"roles": ["operator"]}):
        problem(await replica.post("/clients", EAST | change), 400, "body-malformed")


async def test_an_unknown_client_is_not_found(replica: Replica) -> None:
    problem(await replica.get("/clients/nobody"), 404, "not-found")
    for verb in ("disable", "enable"):
        problem(await replica.post(f"/clients/nobody/{verb}"), 404, "not-found")


async def test_a_registration_stands_in_the_audit(replica: Replica) -> None:
    await replica.post("/clients", EAST)
    await replica.post("/clients/dealer-east/disable", {"reason": "contract ended"})
    entries = (await replica.get("/audit", by="auditor")).json()["entries"]
    assert [(each["outcome"], each["subject"], each["reason"]) for each in entries] == [
        ("disabled", "dealer-east", "contract ended"),
        ("created", "dealer-east", None),
    ]
    assert entries[1]["after"]["customers"] == ["17100003"]
