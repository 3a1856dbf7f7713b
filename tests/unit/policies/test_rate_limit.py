from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.clients import Client
from policies.errors import LimitSpent, WeightAboveLimit
from policies.failed_logins import FailedLogins, origin_of
from policies.limit_fields import Standing, limit_fields
from policies.rate_limit import RateLimits, read_limit
from policies.windows import MemoryWindows


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def client(limit: str = "10 per 1 minute", client_id: str = "crm") -> Client:
    return Client(client_id, client_id, "crm", frozenset(), limit=limit)


async def test_the_fields_are_those_of_the_draft(clock: Clock) -> None:
    limits = RateLimits(MemoryWindows(clock=clock))
    untouched = {"ratelimit-policy": '"default";q=10;w=60', "ratelimit": '"default";r=10;t=0'}
    assert await limits.fields(client()) == untouched
    assert (await limits.charge(client(), 4))["ratelimit"] == '"default";r=6;t=60'
    clock.now += 20.5
    assert (await limits.fields(client()))["ratelimit"] == '"default";r=6;t=40'
    clock.now += 40
    assert await limits.fields(client()) == untouched


async def test_a_call_that_does_not_fit_is_refused_and_charged_nothing(clock: Clock) -> None:
    limits = RateLimits(MemoryWindows(clock=clock))
    await limits.charge(client(), 7)
    for _ in range(50):
        with pytest.raises(LimitSpent):
            await limits.charge(client(), 4)
    assert (await limits.charge(client(), 3))["ratelimit"] == '"default";r=0;t=60'


async def test_retry_after_says_when_a_call_of_this_weight_fits(clock: Clock) -> None:
    limits = RateLimits(MemoryWindows(clock=clock))
    await limits.charge(client(), 2)
    clock.now += 10
    await limits.charge(client(), 8)
    clock.now += 10
    with pytest.raises(LimitSpent) as light:
        await limits.charge(client(), 2)
    with pytest.raises(LimitSpent) as heavy:
        await limits.charge(client(), 3)
    assert (light.value.retry_after_s, heavy.value.retry_after_s) == (40, 50)
    assert dict(heavy.value.headers)["ratelimit"] == '"default";r=0;t=40'
    assert heavy.value.violated == ("default",)
    clock.now += 50
    assert (await limits.charge(client(), 3))["ratelimit"].startswith('"default";r=7')


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 90), st.integers(1, 10)), max_size=30))
async def test_no_window_ever_holds_more_than_the_quota_and_retry_after_is_kept(calls: list[tuple[float, int]]) -> None:
    clock = Clock()
    limits, charged = RateLimits(MemoryWindows(clock=clock)), []
    for pause, weight in calls:
        clock.now += pause
        try:
            await limits.charge(client(), weight)
        except LimitSpent as spent:
            clock.now += spent.retry_after_s + 1e-6  # floats: a sum may fall short by its last bit
            await limits.charge(client(), weight)
        charged.append((clock.now, weight))
        assert sum(units for at, units in charged if at > clock.now - 60) <= 10


async def test_a_call_heavier_than_the_window_is_told_so(clock: Clock) -> None:
    limits = RateLimits(MemoryWindows(clock=clock))
    with pytest.raises(WeightAboveLimit) as refused:
        await limits.charge(client(), 11)
    assert (refused.value.weight, refused.value.quota) == (11, 10)
    assert (await limits.charge(client(), 10))["ratelimit"] == '"default";r=0;t=60'


async def test_clients_do_not_share_a_quota(clock: Clock) -> None:
    limits = RateLimits(MemoryWindows(clock=clock))
    await limits.charge(client(), 10)
    assert (await limits.charge(client(client_id="other"), 1))["ratelimit"] == '"default";r=9;t=60'


async def test_several_windows_are_decided_together(clock: Clock) -> None:
    both = client("3 per second; 5 per minute")
    limits = RateLimits(MemoryWindows(clock=clock))
    await limits.charge(both, 3)
    clock.now += 2
    with pytest.raises(LimitSpent) as refused:
        await limits.charge(both, 3)
    assert refused.value.violated == ("per-60-s",)
    fields = dict(refused.value.headers)
    assert fields["ratelimit-policy"] == '"default";q=3;w=1, "per-60-s";q=5;w=60'
    assert fields["ratelimit"] == '"default";r=3;t=0, "per-60-s";r=2;t=58'


@pytest.mark.parametrize("notation", ["", "fast", "10", "10 per fortnight", "-1 per minute"])
def test_a_limit_nobody_can_read_is_no_limit(notation: str) -> None:
    with pytest.raises(ValueError):
        read_limit(notation)


def test_fields_are_rounded_so_that_nobody_comes_too_early() -> None:
    fields = limit_fields([Standing("default", 10, 60, -1, 0.2)])
    assert fields["ratelimit"] == '"default";r=0;t=1'


async def test_bad_tokens_from_one_address_close_the_door_for_it_and_for_nobody_else(clock: Clock) -> None:
    door = FailedLogins("3 per 1 minute", MemoryWindows(clock=clock))
    for _ in range(3):
        await door.refuse_if_spent("192.0.2.1")
        await door.count("192.0.2.1")
    await door.refuse_if_spent("192.0.2.2")
    clock.now += 15
    with pytest.raises(LimitSpent) as refused:
        await door.refuse_if_spent("192.0.2.1")
    assert (refused.value.violated, refused.value.retry_after_s) == (("failed-logins",), 45)
    clock.now += 45
    await door.refuse_if_spent("192.0.2.1")


@pytest.mark.parametrize(
    ("address", "origin"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::1", "::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("/run/socket", "/run/socket"),
    ],
)
def test_one_ipv6_network_counts_as_one_caller(address: str, origin: str) -> None:
    assert origin_of(address) == origin


async def test_memory_is_bounded_and_shrinks(clock: Clock) -> None:
    windows = MemoryWindows(clock=clock, most_keys=100)
    for number in range(1000):
        await windows.incr(f"key-{number}", 60)
    assert len(windows) == 100
    assert await windows.get("key-999") == 1
    clock.now += 61
    for number in range(60):
        await windows.acquire_entry(f"later-{number}", 10, 60, 1)
    assert len(windows) == 60


async def test_the_store_itself_never_lets_a_window_overflow(clock: Clock) -> None:
    windows = MemoryWindows(clock=clock)
    assert await windows.acquire_entry("key", 10, 60, 10)
    assert not await windows.acquire_entry("key", 10, 60, 1)
    clock.now += 60
    assert not await windows.acquire_entry("key", 10, 60, 11)
    assert await windows.acquire_entry("key", 10, 60, 1)
