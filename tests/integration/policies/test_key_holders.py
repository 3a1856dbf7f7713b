"""API keys on real stores: two replicas with a copy each, a store that goes away, and strangers by the thousand."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from sqlalchemy import event, make_url, select
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from policies.api_keys import KEY_ID_PREFIX, KeyText, Peppers, new_key
from policies.client_rows import ApiKey, change_key, next_revision, put_client, put_key, set_enabled
from policies.client_tables import api_key_uses, api_keys, clients, credential_revision
from policies.clients import Client, ClientRegistry
from policies.directory import Directory, Pace
from policies.errors import KeyInvalid, StoreUnavailable
from policies.key_holders import MOST_UNKNOWN, KeyHolders
from policies.key_purge import purge_keys
from policies.tables import metadata
from tests.purging import purged
from tests.relay import relay_to

PREFIX = "ogtest"
PEPPERS = Peppers(["a-pepper-of-32-bytes-for-these-tests"])
NORTH = Client("north", "North", "partner", frozenset({"atp:read", "orders:read"}))
EAST = Client("east", "East", "partner", frozenset({"atp:read"}), managed_by="api")
TODAY = datetime(2026, 11, 20, tzinfo=UTC)
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def key_id(number: int) -> str:
    return KEY_ID_PREFIX + "".join(_ALPHABET[number >> shift & 31] for shift in range(125, -1, -5))


class Replica:
    """One process's copy of the store, its clock in our hands."""

    def __init__(self, store: AsyncEngine, pace: Pace | None = None) -> None:
        self.store = store
        self.ahead_s = 0.0
        self.asked = 0
        self.directory = Directory(
            ClientRegistry([NORTH]), store, pace=pace or Pace(gap_s=0.01), clock=lambda: time.monotonic() + self.ahead_s
        )
        self.now = TODAY
        self.holders = KeyHolders(
            self.directory, PEPPERS, PREFIX, now=lambda: self.now, clock=lambda: time.monotonic() + self.ahead_s
        )
        event.listen(store.sync_engine, "before_cursor_execute", self._count)

    def _count(self, *_: object) -> None:
        self.asked += 1

    async def admits(self, text: str) -> bool:
        try:
            return bool(await self.holders.holder(text))
        except KeyInvalid:
            return False


async def make(store: AsyncEngine, number: int, *, days: float = 30, client_id: str = "north") -> str:
    """A key as an administrator elsewhere makes it; its text."""
    text = new_key(PREFIX, key_id(number))
    digest = PEPPERS.digest(text, PEPPERS.current) or ""
    expires_at = TODAY + timedelta(days=days)
    scopes = frozenset({"atp:read"})
    key = ApiKey(text.key_id, client_id, "a key", digest, PEPPERS.current, scopes, TODAY, expires_at, None)
    async with store.begin() as connection:
        await put_key(connection, key, await next_revision(connection))
    return text.written()


async def revoke(store: AsyncEngine, number: int) -> None:
    async with store.begin() as connection:
        await change_key(connection, key_id(number), await next_revision(connection), revoked_at=TODAY)


@pytest.fixture
async def replicas(store: AsyncEngine) -> AsyncIterator[tuple[Replica, Replica]]:
    """Two processes before one store, each with connections of its own."""
    second = create_async_engine(store.url)
    yield Replica(store), Replica(second)
    await second.dispose()


async def test_a_key_opens_for_its_holder_and_nobody_else(replicas: tuple[Replica, Replica]) -> None:
    here, _ = replicas
    text = await make(here.store, 1)
    assert (await here.holders.holder(text)).client_id == "north"
    id_part = key_id(1).removeprefix(KEY_ID_PREFIX)
    forged = KeyText(PREFIX, key_id(1), "0" * 32).written()
    assert id_part in forged
    assert not await here.admits(forged)


async def test_a_key_made_elsewhere_a_moment_ago_is_good_at_once(replicas: tuple[Replica, Replica]) -> None:
    """Through a load balancer the first use may well meet another replica than the making did."""
    here, there = replicas
    for replica in replicas:
        await replica.directory.look_again()
    text = await make(here.store, 1)
    assert await there.admits(text)


async def test_a_revoked_key_is_refused_on_every_replica_within_two_seconds(replicas: tuple[Replica, Replica]) -> None:
    here, there = replicas
    text = await make(here.store, 1)
    followers = [asyncio.create_task(each.directory.follow()) for each in replicas]
    try:
        assert await here.admits(text)
        assert await there.admits(text)
        revoked_at = time.monotonic()
        await revoke(here.store, 1)
        while await here.admits(text) or await there.admits(text):
            assert time.monotonic() - revoked_at < 2
            await asyncio.sleep(0.01)
        with pytest.raises(KeyInvalid, match="revoked"):
            await there.holders.holder(text)
    finally:
        for follower in followers:
            follower.cancel()


async def test_an_expired_key_needs_no_news_to_be_refused(replicas: tuple[Replica, Replica]) -> None:
    here, _ = replicas
    text = await make(here.store, 1, days=1)
    assert await here.admits(text)
    here.now = TODAY + timedelta(days=1)
    with pytest.raises(KeyInvalid, match="expired"):
        await here.holders.holder(text)
    assert not here.holders.knows(text)


async def test_a_client_of_the_store_is_found_and_switched_off(replicas: tuple[Replica, Replica]) -> None:
    here, there = replicas
    async with here.store.begin() as connection:
        await put_client(connection, EAST, await next_revision(connection), TODAY)
    await there.directory.look_again()
    assert there.directory.find("east") == EAST
    async with here.store.begin() as connection:
        await set_enabled(connection, "east", await next_revision(connection), TODAY, enabled=False)
    await there.directory.look_again()
    assert [(each.client_id, each.enabled) for each in there.directory.all()] == [("east", False), ("north", True)]


async def test_what_the_file_names_the_store_cannot_change(replicas: tuple[Replica, Replica]) -> None:
    here, _ = replicas
    usurper = Client("north", "Somebody", "crm", frozenset({"orders:write"}), customers=("*",))
    async with here.store.begin() as connection:
        await put_client(connection, usurper, await next_revision(connection), TODAY)
    await here.directory.look_again()
    assert here.directory.find("north") == NORTH
    assert here.directory.all() == [NORTH]


async def test_nothing_is_asked_of_the_store_for_a_key_that_is_known(replicas: tuple[Replica, Replica]) -> None:
    here, _ = replicas
    text = await make(here.store, 1)
    assert await here.admits(text)
    before = here.asked
    for _ in range(100):
        assert await here.admits(text)
        assert not await here.admits(text[:-1])
        assert not await here.admits(text[:-1] + ("0" if text[-1] != "0" else "1"))
    assert here.asked == before


async def test_strangers_by_the_hundred_cost_the_store_a_handful_of_questions(store: AsyncEngine) -> None:
    replica = Replica(store, Pace(gap_s=0.05))
    await replica.directory.look_again()
    strangers = [new_key(PREFIX, key_id(number)).written() for number in range(500)]
    before, began = replica.asked, time.monotonic()
    assert not any(await asyncio.gather(*map(replica.admits, strangers)))
    assert replica.asked - before <= 2 + (time.monotonic() - began) / 0.05
    before = replica.asked
    assert not any(await asyncio.gather(*map(replica.admits, strangers)))
    assert replica.asked == before  # remembered


async def test_the_memory_for_strangers_is_bounded_and_short(store: AsyncEngine) -> None:
    replica = Replica(store)
    await replica.directory.look_again()
    stranger = new_key(PREFIX, key_id(1)).written()
    assert not await replica.admits(stranger)
    before = replica.asked
    assert not await replica.admits(stranger)
    assert replica.asked == before
    replica.ahead_s = 11
    assert not await replica.admits(stranger)
    assert replica.asked > before
    for number in range(MOST_UNKNOWN + 10):
        replica.holders._remember_unknown(key_id(number + 2))
    assert len(replica.holders._unknown) == MOST_UNKNOWN


async def test_uses_are_written_in_one_go_and_never_bring_a_key_back(replicas: tuple[Replica, Replica]) -> None:
    here, there = replicas
    first, second = await make(here.store, 1), await make(here.store, 2)
    for _ in range(5):
        assert await here.admits(first)
    there.now = TODAY + timedelta(hours=1)
    assert await there.admits(first)
    assert await there.admits(second)
    await revoke(here.store, 1)
    await there.holders.write_uses(there.store)
    await here.holders.write_uses(here.store)  # older: must not win
    await here.directory.look_again()
    assert not await here.admits(first)
    async with here.store.connect() as connection:
        rows = await connection.execute(select(api_key_uses).order_by(api_key_uses.c.key_id))
        assert [row.last_used_at for row in rows] == [there.now, there.now]


async def test_a_store_restored_from_yesterday_is_read_anew(replicas: tuple[Replica, Replica]) -> None:
    """Its number is smaller than ours, and what we remember may never have happened."""
    here, _ = replicas
    async with here.store.begin() as connection:
        for _ in range(5):
            await next_revision(connection)
    text = await make(here.store, 1)
    assert await here.admits(text)
    async with here.store.begin() as connection:
        await connection.execute(api_key_uses.delete())
        await connection.execute(api_keys.delete())
        await connection.execute(credential_revision.update().values(value=2))
    await here.directory.look_again()
    assert not await here.admits(text)


async def test_two_changes_at_once_are_numbered_one_after_the_other(store: AsyncEngine) -> None:
    await asyncio.gather(*(make(store, number) for number in range(10)))
    replica = Replica(store)
    await replica.directory.look_again()
    assert replica.directory.revision == 10


async def test_while_the_store_is_gone_known_keys_go_on_for_a_time_and_strangers_hear_503(postgres: str) -> None:
    address = make_url(postgres)
    async with relay_to(address.host or "", address.port or 0) as relay:
        straight = create_async_engine(postgres)
        async with straight.begin() as connection:
            await connection.run_sync(metadata.drop_all)
            await connection.run_sync(metadata.create_all)
        text, late = await make(straight, 1), new_key(PREFIX, key_id(9)).written()
        through = create_async_engine(address.set(port=relay.port), pool_pre_ping=True)
        replica = Replica(through, Pace(gap_s=0.01, answer_s=0.3, usable_s=60))
        assert await replica.admits(text)
        for trouble in (relay.cut, relay.freeze):
            trouble()
            began = time.monotonic()
            assert await replica.admits(text)
            with pytest.raises(StoreUnavailable):  # it may have been made a moment ago: we cannot tell
                await replica.admits(late)
            assert time.monotonic() - began < 2
            replica.ahead_s += 60
            with pytest.raises(StoreUnavailable):
                await replica.admits(text)
            relay.mend()
            await replica.directory.look_again()
            assert await replica.admits(text)
        await through.dispose()
        await straight.dispose()


async def test_uses_of_many_replicas_written_at_the_same_time_do_not_lock_each_other_out(
    replicas: tuple[Replica, Replica],
) -> None:
    here, there = replicas
    texts = [await make(here.store, number) for number in range(60)]
    for turn in range(10):
        for replica, order in ((here, texts), (there, texts[::-1])):
            replica.now = TODAY + timedelta(minutes=turn + 1)
            for text in order:
                assert await replica.admits(text)
        await asyncio.gather(*(each.holders.write_uses(each.store) for each in replicas))


async def test_keys_that_ended_long_ago_are_deleted_and_no_copy_keeps_them(replicas: tuple[Replica, Replica]) -> None:
    here, there = replicas
    for number in range(6):
        await make(here.store, number, days=10 if number < 2 else 300)
    await revoke(here.store, 2)
    await revoke(here.store, 3)
    for replica in replicas:
        await replica.directory.look_again()
    assert await purged(here.store, purge_keys, TODAY) == 0  # a key is kept until it ended *before* that
    assert await purged(here.store, purge_keys, TODAY + timedelta(days=10, seconds=1), most=3) == 3
    assert await purged(here.store, purge_keys, TODAY + timedelta(days=10, seconds=1)) == 1
    late = await make(there.store, 7)
    for replica in replicas:
        assert await replica.admits(late)
        assert sorted(replica.directory._keys) == [key_id(4), key_id(5), key_id(7)]
    async with here.store.connect() as connection:
        uses = await connection.scalars(select(api_key_uses.c.key_id).order_by(api_key_uses.c.key_id))
        assert list(uses) == [key_id(4), key_id(5), key_id(7)]
    revision = here.directory.revision
    assert await purged(here.store, purge_keys, TODAY) == 0
    await here.directory.look_again()
    assert here.directory.revision == revision  # nothing was deleted, nobody need look


async def test_a_replica_that_is_cut_off_counts_from_when_it_asked(store: AsyncEngine) -> None:
    """What an answer says is as old as the question: a key revoked in between must not live longer for that."""
    replica = Replica(store, Pace(gap_s=0.01, usable_s=60))
    text = await make(store, 1)

    async def answered_late() -> None:
        await read()
        replica.ahead_s += 0.5

    read, replica.directory._read = replica.directory._read, answered_late  # type: ignore[method-assign]
    assert await replica.admits(text)
    replica.ahead_s += 59.5
    with pytest.raises(StoreUnavailable):
        await replica.admits(text)


async def test_a_client_that_a_newer_release_wrote_shuts_out_itself_and_nobody_else(
    replicas: tuple[Replica, Replica],
) -> None:
    """While replicas are renewed one by one, the old ones read rows with words that they do not know."""
    here, _ = replicas
    text, west = await make(here.store, 1), msgspec.structs.replace(EAST, client_id="west")
    async with here.store.begin() as connection:
        for client in (EAST, west):
            await put_client(connection, client, await next_revision(connection), TODAY)
    await here.directory.look_again()
    async with here.store.begin() as connection:
        newer = msgspec.json.encode(EAST).decode().replace('"partner"', '"marketplace"', 1)
        revision = await next_revision(connection)
        changed = clients.update().where(clients.c.client_id == "east").values(entry=newer, revision=revision)
        await connection.execute(changed)
    assert await here.admits(text)
    await here.directory.look_again()
    east = here.directory.find("east")
    assert east is not None
    assert (east.enabled, east.scopes) == (False, frozenset())
    assert here.directory.find("west") == west
