"""API keys through both doors: made, used, rotated, revoked; who may do that, and what is written down of it."""

from __future__ import annotations

import asyncio
import logging
import time
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.integration.app.problems import problem
from tests.integration.credentials.conftest import Replica, opened_replica, token_of


def contents_of(directory: Path) -> bytes:
    """Every byte of a SQLite store; of another one, nothing."""
    return b"".join(path.read_bytes() for path in directory.glob("ordergate.db*"))


async def test_a_key_is_made_shown_once_and_opens_the_external_door(replica: Replica) -> None:
    made = await replica.make_key(scopes=["orders:read"])
    assert made["key"].startswith("ogtest_" + made["keyId"].removeprefix("key_") + "_")
    assert (await replica.events(made["key"])).status_code == 200
    in_authorization = {"Authorization": f"ApiKey {made['key']}"}
    assert (await replica.external.get("/v1/events", headers=in_authorization)).status_code == 200
    shown = (await replica.get(f"/api-keys/{made['keyId']}")).json()
    assert "key" not in shown
    assert made["key"].rpartition("_")[2] not in str(shown)
    assert (shown["state"], shown["scopes"], shown["clientId"]) == ("live", ["orders:read"], "dealer-north")


async def test_a_key_grants_its_scopes_and_what_they_lack_is_named_without_a_challenge_for_tokens(
    replica: Replica,
) -> None:
    made = await replica.make_key(scopes=["atp:read"])
    refused = await replica.events(made["key"])
    assert problem(refused, 403, "scope-missing")["scope"] == "orders:read"
    assert "www-authenticate" not in refused.headers


async def test_a_repeat_of_the_making_gets_everything_but_the_key(replica: Replica) -> None:
    wish = {"clientId": "dealer-north", "label": "portal"}
    first = await replica.post("/api-keys", wish, key="wish-1")
    again = await replica.post("/api-keys", wish, key="wish-1")
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.headers["idempotency-replayed"] == "true"
    assert again.json() == first.json() | {"key": None}
    assert len((await replica.get("/api-keys")).json()["apiKeys"]) == 1


async def test_a_key_made_here_opens_there_and_revoked_here_is_shut_there_within_two_seconds(
    replicas: tuple[Replica, Replica],
) -> None:
    here, there = replicas
    made = await here.make_key()
    assert (await there.events(made["key"])).status_code == 200
    assert (await here.post(f"/api-keys/{made['keyId']}/revoke", {"reason": "lost"})).json()["state"] == "revoked"
    revoked_at = time.monotonic()
    refused = await here.events(made["key"])
    assert problem(refused, 401, "key-invalid")["detail"] == "The key was revoked."
    assert refused.headers["www-authenticate"] == 'ApiKey realm="ordergate"'
    while (await there.events(made["key"])).status_code == 200:
        assert time.monotonic() - revoked_at < 2
        await asyncio.sleep(0.02)


async def test_two_keys_may_live_and_no_third(replica: Replica) -> None:
    first, second = await replica.make_key(), await replica.make_key()
    third = await replica.post("/api-keys", {"clientId": "dealer-north", "label": "third"})
    assert first["keyId"] in problem(third, 409, "too-many-keys")["detail"]
    await replica.post(f"/api-keys/{first['keyId']}/revoke")
    await replica.make_key()
    assert (await replica.events(second["key"])).status_code == 200


async def test_administrators_in_a_hurry_do_not_make_a_third_key_together(replicas: tuple[Replica, Replica]) -> None:
    here, there = replicas
    wish = {"clientId": "dealer-north", "label": "hurry"}
    answers = await asyncio.gather(*(each.post("/api-keys", wish) for each in (here, there) * 4))
    assert sorted(each.status_code for each in answers) == [201] * 2 + [409] * 6


async def test_a_rotated_key_goes_on_for_the_overlap_and_its_successor_has_the_same_scopes(replica: Replica) -> None:
    old = await replica.make_key(scopes=["orders:read"])
    made = await replica.post(f"/api-keys/{old['keyId']}/rotate", {"overlapHours": 2})
    assert made.status_code == 201
    new = made.json()
    assert (new["scopes"], new["label"], new["clientId"]) == (old["scopes"], old["label"], old["clientId"])
    for key in (old["key"], new["key"]):
        assert (await replica.events(key)).status_code == 200
    ends_at = datetime.fromisoformat((await replica.get(f"/api-keys/{old['keyId']}")).json()["expiresAt"])
    assert timedelta(hours=1.9) < ends_at - datetime.fromisoformat(new["createdAt"]) <= timedelta(hours=2)


async def test_a_rotation_without_overlap_shuts_the_old_key_at_once(replica: Replica) -> None:
    old = await replica.make_key()
    new = (await replica.post(f"/api-keys/{old['keyId']}/rotate", {"overlapHours": 0})).json()
    assert problem(await replica.events(old["key"]), 401, "key-invalid")["detail"] == "The key has expired."
    assert (await replica.events(new["key"])).status_code == 200


async def test_a_dead_key_has_no_successor(replica: Replica) -> None:
    made = await replica.make_key()
    await replica.post(f"/api-keys/{made['keyId']}/revoke")
    refused = await replica.post(f"/api-keys/{made['keyId']}/rotate")
    assert problem(refused, 409, "key-not-live")["state"] == "revoked"


async def test_revoking_twice_is_no_error_and_keeps_the_first_moment(replica: Replica) -> None:
    made = await replica.make_key()
    first = (await replica.post(f"/api-keys/{made['keyId']}/revoke")).json()
    again = (await replica.post(f"/api-keys/{made['keyId']}/revoke")).json()
    assert first["revokedAt"] == again["revokedAt"] is not None


async def test_a_key_cannot_be_of_nobody_nor_have_more_than_its_client(replica: Replica) -> None:
    for wish, code in (
        ({"clientId": "nobody", "label": "x"}, "client-unknown"),
        ({"clientId": "viewer", "label": "x", "scopes": ["orders:write"]}, "scope-not-allowed"),
    ):
        refused = problem(await replica.post("/api-keys", wish), 422, "request-faulty")
        assert [fault["code"] for fault in refused["errors"]] == [code]


async def test_nobody_hands_out_a_role_that_he_has_not(replica: Replica) -> None:
    for other in ("operator", "auditor"):
        refused = await replica.post("/api-keys", {"clientId": other, "label": "x"})
        problem(refused, 403, "role-not-yours")
    own = await replica.make_key("key-admin")
    listed = await replica.internal.get("/internal/v1/api-keys", headers={"X-API-Key": own["key"]})
    assert listed.status_code == 200


async def test_keys_are_listed_page_by_page_and_by_client(replica: Replica) -> None:
    made = [(await replica.make_key(client))["keyId"] for client in ("dealer-north", "dealer-south", "crm")]
    first = (await replica.get("/api-keys?limit=2")).json()
    assert [each["keyId"] for each in first["apiKeys"]] == made[:0:-1]
    second = (await replica.get(f"/api-keys?limit=2&cursor={first['next']}")).json()
    assert ([each["keyId"] for each in second["apiKeys"]], second["next"]) == (made[:1], None)
    of_one = (await replica.get("/api-keys?clientId=crm")).json()["apiKeys"]
    assert [each["clientId"] for each in of_one] == ["crm"]
    elsewhere = await replica.get(f"/api-keys?clientId=crm&cursor={first['next']}")
    assert problem(elsewhere, 422, "request-faulty")["errors"][0]["code"] == "cursor-invalid"


async def test_an_unknown_key_is_not_found(replica: Replica) -> None:
    path = "/api-keys/key_01JDA7Q4Z5W9X2Y3V4T5S6R7Q8"
    problem(await replica.get(path), 404, "not-found")
    for verb in ("rotate", "revoke"):
        problem(await replica.post(f"{path}/{verb}"), 404, "not-found")


async def test_every_act_stands_in_the_audit_and_no_secret_does(
    replica: Replica, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    with caplog.at_level(logging.DEBUG):
        made = await replica.make_key()
        new = (await replica.post(f"/api-keys/{made['keyId']}/rotate", {"reason": "yearly"})).json()
        await replica.post(f"/api-keys/{made['keyId']}/revoke", {"reason": "leaked"})
        await replica.events(new["key"])
    entries = (await replica.get("/audit", by="auditor")).json()["entries"]
    assert [(each["act"], each["outcome"], each["reason"]) for each in reversed(entries)] == [
        ("POST /internal/v1/api-keys", "created", None),
        ("POST /internal/v1/api-keys/{keyId}/rotate", "rotated", "yearly"),
        ("POST /internal/v1/api-keys/{keyId}/revoke", "revoked", "leaked"),
    ]
    assert {each["clientId"] for each in entries} == {"key-admin"}
    assert {each["subject"] for each in entries} == {made["keyId"]}
    assert all(each["credential"].startswith("token:jti-") for each in entries)
    stored = contents_of(tmp_path)
    for key in (made["key"], new["key"]):
        secret = key.rpartition("_")[2]
        assert secret[:32] not in str(entries) + caplog.text
        assert secret[:32].encode() not in stored


async def test_a_call_by_key_is_accounted_to_the_key(replica: Replica) -> None:
    own = await replica.make_key("key-admin")
    headers = {"X-API-Key": own["key"], "Idempotency-Key": "by-key"}
    made = await replica.internal.post("/internal/v1/api-keys", json={"clientId": "crm", "label": "x"}, headers=headers)
    assert made.status_code == 201
    newest = (await replica.get("/audit", by="auditor")).json()["entries"][0]
    assert newest["credential"] == f"key:{own['keyId']}"


async def test_the_last_use_is_written_when_the_gateway_stops(tmp_path: Path, store_url: str) -> None:
    async with opened_replica(tmp_path, ORDERGATE_DATABASE_URL=store_url) as first:
        made = await first.make_key()
        await first.events(made["key"])
    async with opened_replica(tmp_path, ORDERGATE_DATABASE_URL=store_url) as second:
        shown = (await second.get(f"/api-keys/{made['keyId']}")).json()
        assert shown["createdAt"] <= shown["lastUsedAt"]
        assert (await second.events(made["key"])).status_code == 200


async def test_a_pepper_is_replaced_by_one_in_front_and_keys_end_with_the_one_that_made_them(
    tmp_path: Path, store_url: str
) -> None:
    first, second = "the-first-pepper-of-at-least-32-bytes", "the-second-pepper-of-at-least-32-bytes"
    made: list[str] = []
    for peppers, opening in (
        (first, [True]),
        (f"{second},{first}", [True, True]),
        (second, [False, True]),
    ):
        more = {"ORDERGATE_DATABASE_URL": store_url, "ORDERGATE_KEY_PEPPERS": peppers}
        async with opened_replica(tmp_path, **more) as replica:
            if len(made) < len(opening):
                made.append((await replica.make_key())["key"])
            assert [(await replica.events(key)).status_code == 200 for key in made] == opening


async def test_without_a_pepper_no_key_is_made_or_taken(tmp_path: Path) -> None:
    async with opened_replica(tmp_path) as peppered:
        made = await peppered.make_key()
    async with opened_replica(tmp_path, key_peppers=()) as plain:
        problem(await plain.events(made["key"]), 401, "key-invalid")
        problem(await plain.post("/api-keys", {"clientId": "crm", "label": "x"}), 409, "keys-not-taken")


async def test_what_a_client_may_not_see_by_token_it_may_not_see_by_key(replica: Replica) -> None:
    made = await replica.make_key("viewer")
    by_key = {"X-API-Key": made["key"]}
    by_token = token_of("viewer", scope="atp:read")
    for path in ("/v1/events", "/v1/operations", "/v1/orders/s4-1710.1"):
        answers = [await replica.external.get(path, headers=each) for each in (by_key, by_token)]
        assert [each.json()["code"] for each in answers] == ["scope-missing"] * 2
