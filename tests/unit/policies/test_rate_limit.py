from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.clients import Client
from policies.counters import RESOLUTION, Demand, Rate
from policies.errors import LimitSpent
from policies.failed_logins import FailedLogins, Knocks
from policies.limit_fields import Standing, limit_fields
from policies.origin import address_behind, networks, origin_of
from policies.plans import Plans, allowance, read_limit
from policies.rate_limit import RateLimits
from policies.tally import Tally
from policies.windows import MemoryCounters
from tests.calls import call_of


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def client(limit: str = "10 per 1 minute", client_id: str = "crm", plan: str = "") -> Client:
    return Client(client_id, client_id, "crm", frozenset(), limit=limit, plan=plan)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 90), st.integers(1, 10)), max_size=30))
async def test_no_window_ever_holds_more_than_the_quota_and_retry_after_is_kept(calls: list[tuple[float, int]]) -> None:
    clock = Clock()
    limits, charged = RateLimits(MemoryCounters(clock=clock)), []
    for pause, weight in calls:
        clock.now += pause
        try:
            await limits.charge(client(), weight)
        except LimitSpent as spent:
            clock.now += spent.retry_after_s + 1e-6  # floats: a sum may fall short by its last bit
            await limits.charge(client(), weight)
        charged.append((clock.now, weight))
        assert sum(units for at, units in charged if at > clock.now - 60) <= 10


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(0, 5), min_size=1, max_size=120))
async def test_a_charge_counts_for_its_window_and_at_most_a_part_longer(pauses: list[float]) -> None:
    clock, charged = Clock(), []
    counters, demand = MemoryCounters(clock=clock), Demand("crm", (Rate("r", 1000, 60),), weight=1)
    for pause in pauses:
        clock.now += pause
        charged.append(clock.now)
        (window,) = (await counters.decide(demand)).windows
        at_least = sum(at > clock.now - 60 for at in charged)
        at_most = sum(at > clock.now - 60 - 60 / RESOLUTION for at in charged)
        assert at_least <= window.used <= at_most


@pytest.mark.parametrize("notation", ["", "fast", "10", "10 per fortnight", "-1 per minute"])
def test_a_limit_nobody_can_read_is_no_limit(notation: str) -> None:
    with pytest.raises(ValueError):
        read_limit(notation)
    with pytest.raises(ValueError):
        allowance({"burst": notation})


def test_a_plan_that_is_gone_leaves_its_clients_with_their_limit() -> None:
    assert Plans({}).of(client("7 per 1 minute", plan="gone")).common.heaviest == 7


def test_fields_are_rounded_so_that_nobody_comes_too_early() -> None:
    fields = limit_fields([Standing("default", 10, 60, -1, 0.2)])
    assert fields["ratelimit"] == '"default";r=0;t=1'


async def test_bad_tokens_from_one_address_close_the_door_for_it_and_for_nobody_else(clock: Clock) -> None:
    door = FailedLogins("3 per 1 minute", clock=clock)
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


async def test_a_stranger_knocks_so_often_and_no_more(clock: Clock) -> None:
    knocks = Knocks("3 per 1 minute", clock=clock)
    for number in range(3):
        knocks.knock(call_of(token=f"token-{number}"))
    clock.now += 20
    with pytest.raises(LimitSpent) as refused:
        knocks.knock(call_of(token="another"))
    assert (refused.value.violated, refused.value.retry_after_s) == (("knocks",), 40)
    knocks.knock(call_of(token="another", client_address="192.0.2.9"))
    clock.now += 40
    knocks.knock(call_of(token="another"))


@pytest.mark.parametrize("header", ["X-API-Key", "Authorization"])
async def test_guessing_the_secret_of_one_key_ends_sooner(clock: Clock, header: str) -> None:
    knocks = Knocks("1000 per 1 minute", "2 per 1 minute", clock=clock)

    def guess(key_id: str, secret: str, address: str = "192.0.2.1") -> None:
        scheme = "ApiKey " if header == "Authorization" else ""
        shown = {header: f"{scheme}og_{key_id}_{secret}"}
        knocks.knock(call_of(headers=shown, client_address=address))

    first, second = "01JD0000000000000000000000", "01JD0000000000000000000001"
    guess(first, "a")
    guess(first, "b")
    with pytest.raises(LimitSpent):
        guess(first, "c")
    guess(second, "a")
    guess(first, "d", address="192.0.2.2")


async def test_strangers_cannot_fill_the_memory(clock: Clock) -> None:
    tally = Tally("3 per 1 minute", clock=clock, most_keys=100)
    for number in range(1000):
        tally.count(f"key-{number}")
    assert len(tally) == 100
    clock.now += 61
    for number in range(60):
        tally.count(f"later-{number}")
    assert len(tally) == 60


async def test_counters_forget_what_ended(clock: Clock) -> None:
    counters = MemoryCounters(clock=clock, most_keys=100)
    for number in range(1000):
        await counters.decide(Demand(f"client-{number}", (Rate("r", 1, 60),), weight=1))
    assert len(counters) == 100
    clock.now += 61
    for number in range(60):
        await counters.decide(Demand(f"later-{number}", (Rate("r", 1, 60),), weight=1))
    assert len(counters) == 60


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


TRUSTED = networks("10.0.0.0/8, 2001:db8:ffff::/48")


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "caller"),
    [
        ("192.0.2.1", ["198.51.100.7"], "192.0.2.1"),  # nobody we trust says so
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.7"], "198.51.100.7"),
        ("10.0.0.1", ["203.0.113.9, 198.51.100.7"], "198.51.100.7"),  # what the caller wrote itself
        ("10.0.0.1", ["203.0.113.9", "198.51.100.7, 10.0.0.2"], "198.51.100.7"),
        ("10.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        ("10.0.0.1", ["198.51.100.7:5612"], "198.51.100.7"),
        ("10.0.0.1", ["[2001:db8:1::7]:443"], "2001:db8:1::7"),
        ("2001:db8:ffff::1", ["2001:db8:1::7"], "2001:db8:1::7"),
        ("::ffff:10.0.0.1", ["198.51.100.7"], "198.51.100.7"),
        ("10.0.0.1", ["198.51.100.7, unknown"], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.7, unknown, 10.0.0.2"], "10.0.0.2"),
        ("/run/socket", ["198.51.100.7"], "/run/socket"),
    ],
)
def test_only_a_trusted_hop_says_where_a_call_comes_from(peer: str, forwarded_for: list[str], caller: str) -> None:
    assert address_behind(peer, forwarded_for, TRUSTED) == caller


def test_without_trusted_hops_everybody_is_who_it_is() -> None:
    assert address_behind("10.0.0.1", ["198.51.100.7"], ()) == "10.0.0.1"


@pytest.mark.parametrize("notation", ["10.0.0.0/33", "proxy", "10.0.0.1/8"])
def test_what_is_no_network_is_refused(notation: str) -> None:
    with pytest.raises(ValueError):
        networks(notation)
