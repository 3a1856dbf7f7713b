"""The same wish, whenever and wherever it comes again: one order, and an answer that does not lie."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import func, select

from app.database import make_engine
from policies.tables import idempotency_claims
from tests.integration.idempotency.conftest import Town
from tests.integration.quote_to_order import witness
from tests.redis_server import RedisServer

pytestmark = pytest.mark.timeout(120)
REPLAYED = "idempotency-replayed"


def same(answer: httpx.Response, again: httpx.Response) -> None:
    assert (again.status_code, again.content) == (answer.status_code, answer.content)
    assert (again.headers[REPLAYED], again.headers.get("location")) == ("true", answer.headers.get("location"))


async def claims(town: Town) -> int:
    engine = make_engine(town.database)
    async with engine.connect() as connection:
        found = await connection.scalar(select(func.count()).select_from(idempotency_claims))
    await engine.dispose()
    return int(found or 0)


async def test_after_a_restart_the_answer_is_the_same(town: Town) -> None:
    async with town.replica() as before:
        answer = await town.convert(before, "Q-1010", "key-1", wait=20)
        assert (answer.status_code, REPLAYED in answer.headers) == (201, False)
    async with town.replica() as after:
        same(answer, await town.convert(after, "Q-1010", "key-1"))
        assert town.orders(answer.json()["operationId"]) == 1


async def test_another_replica_gives_the_same_answer_and_knows_another_payload(town: Town) -> None:
    async with town.replica() as one, town.replica("api") as other:
        answer = await town.convert(one, "Q-1010", "key-1", wait=20)
        same(answer, await town.convert(other, "Q-1010", "key-1"))
        changed = await town.convert(other, "Q-1010", "key-1", po="PO-2")
        assert (changed.status_code, changed.json()["code"]) == (422, "idempotency-key-reused")
        assert town.orders(answer.json()["operationId"]) == 1


async def test_repeats_at_once_on_two_replicas_make_one_order(town: Town) -> None:
    async with town.replica() as one, town.replica("api") as other:
        answers = await asyncio.gather(*(town.convert((one, other)[n % 2], "Q-1010", "key-1") for n in range(12)))
        codes = {answer.json().get("code") for answer in answers if answer.status_code == 409}
        assert codes <= {"idempotency-key-in-flight"}
        (operation_id,) = {answer.json()["operationId"] for answer in answers if answer.status_code == 202}
        await town.ended(one, operation_id)
        assert (town.orders(operation_id), witness.posts(town.sandbox)) == (1, 1)


async def test_redis_keeps_nothing_of_it(town: Town, redis_server: RedisServer) -> None:
    town.more["ORDERGATE_REDIS_URL"] = redis_server.url
    async with town.replica() as gateway:
        answer = await town.convert(gateway, "Q-1010", "key-1", wait=20)
        assert answer.status_code == 201
        redis_server.ask("FLUSHALL")
        same(answer, await town.convert(gateway, "Q-1010", "key-1"))
        assert witness.posts(town.sandbox) == 1


async def test_three_days_later_it_is_the_same_and_after_a_week_the_lines_still_are_taken(town: Town) -> None:
    async with town.replica() as before:
        answer = await town.convert(before, "Q-1010", "key-1", wait=20)
    town.later = timedelta(days=3)
    async with town.replica() as gateway:
        same(answer, await town.convert(gateway, "Q-1010", "key-1"))
    town.later = timedelta(days=7, minutes=5)
    async with town.replica() as gateway:
        forgotten = await town.convert(gateway, "Q-1010", "key-1")
    taken = forgotten.json()
    assert (forgotten.status_code, taken["code"], REPLAYED in forgotten.headers) == (
        409,
        "lines-already-converted",
        False,
    )
    assert taken["operationId"] == answer.json()["operationId"]
    assert witness.posts(town.sandbox) == 1


async def test_two_keys_for_the_same_lines_at_once_make_one_order_and_one_409_with_a_link(town: Town) -> None:
    async with town.replica() as one, town.replica("api") as other:
        answers = await asyncio.gather(
            town.convert(one, "Q-1010", "key-1"), town.convert(other, "Q-1010", "key-2", po="PO-2")
        )
        made, refused = sorted(answers, key=lambda answer: answer.status_code)
        assert (made.status_code, refused.status_code) == (202, 409)
        assert refused.json()["code"] == "lines-already-converted"
        assert refused.json()["href"] == made.json()["href"]
        ended = await town.ended(one, made.json()["operationId"])
        assert (ended["state"], witness.posts(town.sandbox)) == ("completed", 1)
        following = await one.get(refused.json()["href"], headers=town.headers("-"))
        assert following.json()["orderId"] == ended["orderId"]


async def test_a_repeat_of_what_was_under_way_tells_how_it_stands_now_and_then_stays_at_that(town: Town) -> None:
    """Who lost the 202 and repeats the call a day later is not sent to wait for what is long over."""
    async with town.replica() as gateway:
        first = await town.convert(gateway, "Q-1010", "key-1")
        assert (first.status_code, first.json()["state"]) == (202, "received")
        ended = await town.ended(gateway, first.json()["operationId"])
        again = await town.convert(gateway, "Q-1010", "key-1")
        assert (again.status_code, again.headers[REPLAYED]) == (201, "true")
        assert again.headers["location"] == first.headers["location"] == again.json()["href"]
        assert (again.json()["orderId"], again.json()["etag"]) == (ended["orderId"], ended["etag"])
        assert "retry-after" not in again.headers
        same(again, await town.convert(gateway, "Q-1010", "key-1"))
        assert (await town.convert(gateway, "Q-1010", "key-1", po="PO-2")).status_code == 422


async def test_nothing_is_kept_of_a_refusal(town: Town) -> None:
    async with town.replica() as gateway:
        wrong = await town.convert(gateway, "Q-1003", "key-1")
        assert (wrong.status_code, wrong.json()["code"]) == (409, "quote-not-convertible")
        missing = await gateway.post(
            "/v1/quotes/0Q0000000000000AAA/order-conversions", json={"customerPo": "P"}, headers=town.headers("key-2")
        )
        unreadable = await gateway.post(
            f"/v1/quotes/{town.sandbox.quote_id('Q-1010')}/order-conversions", json={}, headers=town.headers("key-3")
        )
        assert (missing.status_code, unreadable.status_code) == (404, 400)
        assert await claims(town) == 0
        right = await town.convert(gateway, "Q-1010", "key-1", wait=20)
        assert right.status_code == 201
