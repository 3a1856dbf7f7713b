"""What limits promise, over both stores: the memory of one process, and Redis."""

from __future__ import annotations

import asyncio

import pytest

from policies.clients import Client
from policies.errors import LimitSpent, WeightAboveLimit
from policies.plans import Allowance, Plan, Plans, allowance
from policies.rate_limit import RateLimits
from tests.integration.limits.stores import Store, client

DEALER = Plan(
    allowance({"burst": "5 per 1 second", "sustained": "20 per 1 minute", "daily": "30 per 1 day"}, concurrent=3),
    {"POST /v1/atp-checks": allowance({"burst": "4 per 1 second"}, concurrent=2, prefix="checkAvailability-")},
)
CHECK, READ = "POST /v1/atp-checks", "GET /v1/orders/{orderId}"


def dealer(client_id: str = "north") -> Client:
    return client(client_id=client_id, plan="dealer")


@pytest.fixture
def limits(store: Store) -> RateLimits:
    return RateLimits(store.counters, Plans({"dealer": DEALER}))


async def test_the_fields_are_those_of_the_draft(store: Store, limits: RateLimits) -> None:
    untouched = {"ratelimit-policy": '"default";q=10;w=60', "ratelimit": '"default";r=10;t=0'}
    assert await limits.fields(client()) == untouched
    assert (await limits.charge(client(), 4))["ratelimit"] == '"default";r=6;t=60'
    store.clock.sleep(20.5)
    assert (await limits.fields(client()))["ratelimit"] == '"default";r=6;t=40'
    store.clock.sleep(40)
    assert await limits.fields(client()) == untouched


async def test_a_call_that_does_not_fit_is_refused_and_charged_nothing(limits: RateLimits) -> None:
    await limits.charge(client(), 7)
    for _ in range(50):
        with pytest.raises(LimitSpent):
            await limits.charge(client(), 4)
    assert (await limits.charge(client(), 3))["ratelimit"] == '"default";r=0;t=60'


async def test_retry_after_says_when_a_call_of_this_weight_fits(store: Store, limits: RateLimits) -> None:
    await limits.charge(client(), 2)
    store.clock.sleep(10)
    await limits.charge(client(), 8)
    store.clock.sleep(10)
    with pytest.raises(LimitSpent) as light:
        await limits.charge(client(), 2)
    with pytest.raises(LimitSpent) as heavy:
        await limits.charge(client(), 3)
    assert (light.value.retry_after_s, heavy.value.retry_after_s) == (40, 50)
    assert dict(heavy.value.headers)["ratelimit"] == '"default";r=0;t=40'
    assert heavy.value.violated == ("default",)
    store.clock.sleep(50)
    assert (await limits.charge(client(), 3))["ratelimit"].startswith('"default";r=7')


async def test_a_call_heavier_than_the_window_is_told_so_and_pays_for_the_refusal(limits: RateLimits) -> None:
    with pytest.raises(WeightAboveLimit) as refused:
        await limits.charge(client(), 11)
    assert (refused.value.weight, refused.value.quota) == (11, 10)
    assert dict(refused.value.headers)["ratelimit"] == '"default";r=9;t=60'
    for _ in range(9):
        with pytest.raises(WeightAboveLimit):
            await limits.charge(client(), 11)
    with pytest.raises(LimitSpent):
        await limits.charge(client(), 11)


async def test_clients_do_not_share_a_quota(limits: RateLimits) -> None:
    await limits.charge(client(), 10)
    assert (await limits.charge(client(client_id="other"), 1))["ratelimit"] == '"default";r=9;t=60'


async def test_several_windows_are_decided_together(store: Store, limits: RateLimits) -> None:
    both = client("3 per second; 5 per minute")
    await limits.charge(both, 3)
    store.clock.sleep(2)
    with pytest.raises(LimitSpent) as refused:
        await limits.charge(both, 3)
    assert refused.value.violated == ("per-60-s",)
    fields = dict(refused.value.headers)
    assert fields["ratelimit-policy"] == '"default";q=3;w=1, "per-60-s";q=5;w=60'
    assert fields["ratelimit"] == '"default";r=3;t=0, "per-60-s";r=2;t=58'


async def test_a_plan_has_a_burst_a_sustained_and_a_daily_window(store: Store, limits: RateLimits) -> None:
    for violated, pause, charges in (("burst", 1, 5), ("burst", 1, 5), ("burst", 1, 5), ("sustained", 60, 5)):
        for _ in range(charges):
            await limits.charge(dealer(), 1, READ)
        with pytest.raises(LimitSpent) as refused:
            await limits.charge(dealer(), 1, READ)
        assert violated in refused.value.violated
        store.clock.sleep(pause)
    await limits.charge(dealer(), 5, READ)
    store.clock.sleep(60)
    await limits.charge(dealer(), 5, READ)
    store.clock.sleep(60)
    with pytest.raises(LimitSpent) as refused:
        await limits.charge(dealer(), 1, READ)
    assert refused.value.violated == ("daily",)
    assert 86_000 < refused.value.retry_after_s < 86_400
    store.clock.sleep(refused.value.retry_after_s)
    await limits.charge(dealer(), 1, READ)


async def test_an_operation_has_limits_of_its_own_beside_those_of_all(limits: RateLimits) -> None:
    said = await limits.charge(dealer(), 4, CHECK)
    assert '"checkAvailability-burst";q=4;w=1' in said["ratelimit-policy"]
    assert '"burst";r=1;' in said["ratelimit"]
    with pytest.raises(LimitSpent) as refused:
        await limits.charge(dealer(), 1, CHECK)
    assert refused.value.violated == ("checkAvailability-burst",)
    assert '"burst";r=0;' in (await limits.charge(dealer(), 1, READ))["ratelimit"]


async def test_a_cap_counts_calls_at_work_and_says_so(limits: RateLimits) -> None:
    with await limits.admit(dealer(), 1, READ) as first, await limits.admit(dealer(), 1, READ):
        assert '"concurrent";q=3;qu="concurrent-requests"' in first.fields["ratelimit-policy"]
        assert '"concurrent";r=2' in first.fields["ratelimit"]
        with await limits.admit(dealer(), 1, READ) as third:
            assert '"concurrent";r=0' in third.fields["ratelimit"]
            with pytest.raises(LimitSpent) as refused:
                await limits.admit(dealer(), 1, READ)
            assert (refused.value.violated, refused.value.retry_after_s) == (("concurrent",), 1)
            assert '"sustained";r=17;' in dict(refused.value.headers)["ratelimit"], "the refusal was charged nothing"


async def test_a_place_is_free_again_when_its_call_ends(store: Store, limits: RateLimits) -> None:
    for _ in range(4):
        with await limits.admit(dealer(), 1, CHECK), await limits.admit(dealer(), 1, CHECK):
            with pytest.raises(LimitSpent) as refused:
                await limits.admit(dealer(), 1, CHECK)
            assert "checkAvailability-concurrent" in refused.value.violated
        await store.settled()
        assert '"checkAvailability-concurrent";r=2' in (await limits.fields(dealer(), CHECK))["ratelimit"]
        store.clock.sleep(1)


async def test_the_place_of_a_process_that_died_is_free_after_its_lease(store: Store, limits: RateLimits) -> None:
    for _ in range(3):
        await limits.admit(dealer(), 1, READ)
    store.clock.sleep(59)
    with pytest.raises(LimitSpent) as refused:
        await limits.admit(dealer(), 1, READ)
    assert refused.value.violated == ("concurrent",)
    store.clock.sleep(1)
    with await limits.admit(dealer(), 1, READ) as admitted:
        assert '"concurrent";r=2' in admitted.fields["ratelimit"]


async def test_two_replicas_count_together(store: Store) -> None:
    plans = Plans({"dealer": DEALER})
    here, there = RateLimits(store.counters, plans), RateLimits(store.another(), plans)
    await here.charge(dealer(), 3, READ)
    with pytest.raises(LimitSpent):
        await there.charge(dealer(), 3, READ)
    assert '"burst";r=0;' in (await there.charge(dealer(), 2, READ))["ratelimit"]
    store.clock.sleep(1)
    with await here.admit(dealer(), 1, READ), await there.admit(dealer(), 1, READ), await here.admit(dealer(), 1, READ):
        refused = await asyncio.gather(there.admit(dealer(), 1, READ), return_exceptions=True)
    assert isinstance(refused[0], LimitSpent)
    assert refused[0].violated == ("concurrent",)


async def test_calls_that_come_at_once_are_let_through_up_to_the_limit_and_no_further(store: Store) -> None:
    replicas = [RateLimits(store.counters), RateLimits(store.another())]
    answers = await asyncio.gather(
        *(replicas[number % 2].charge(client("50 per 1 minute"), 1) for number in range(120)), return_exceptions=True
    )
    refused = [answer for answer in answers if isinstance(answer, LimitSpent)]
    assert (len(answers) - len(refused), len(refused)) == (50, 70)


async def test_what_one_key_costs_is_bounded_however_many_calls_come(store: Store) -> None:
    """Charges of one part of the window (a sixtieth) are one entry, so that 60 parts and a bit is all there ever is."""
    busy = client("100000 per 1 minute")
    for _ in range(1000):
        await RateLimits(store.counters).charge(busy, 1)
        store.clock.sleep(0.125)
    if store.name == "redis":
        (key,) = store.server.ask("KEYS", "*{crm}*")
        assert store.server.ask("HLEN", key) <= 62 + 3
        assert store.server.ask("MEMORY", "USAGE", key) < 6_000
        assert store.server.ask("PTTL", key) <= 61_000
    said = (await RateLimits(store.counters).fields(busy))["ratelimit"]
    remembered = 100_000 - int(said.split("r=")[1].split(";")[0])
    assert 479 <= remembered <= 479 + 8, "a second more than the minute, at most"


async def test_an_allowance_without_any_rate_only_counts_places(store: Store) -> None:
    limits = RateLimits(store.counters, Plans({"p": Plan(Allowance((), allowance({}, 1).caps))}))
    with await limits.admit(client(plan="p"), 1000), pytest.raises(LimitSpent):
        await limits.admit(client(plan="p"), 1)
