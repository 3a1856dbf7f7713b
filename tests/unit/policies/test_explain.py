"""The ring of refusals is bounded, and a flood pushes out its own."""

from __future__ import annotations

from datetime import UTC, datetime

from policies.explain import MOST_STRANGERS, Explanation, Explanations


def refusal(number: int, client: str | None) -> Explanation:
    return Explanation(
        instance=f"urn:uuid:{client}-{number}",
        at=datetime.now(UTC),
        status=403,
        code="scope-missing",
        decided_by="access: scopes",
        because="",
        operation="GET /v1/events",
        client_id=client,
        credential=None,
        correlation_id="c",
        facts={},
        remedy="",
    )


def test_a_flood_of_one_client_leaves_the_others_alone() -> None:
    ring = Explanations("here", most=100, most_of_one=80)
    for number in range(30):
        ring.keep(refusal(number, "quiet"), "192.0.2.1")
    for number in range(10_000):
        ring.keep(refusal(number, "loud"), "192.0.2.2")
    assert len(ring) <= 100
    assert all(ring.find(f"urn:uuid:quiet-{number}") for number in range(30))
    assert ring.find("urn:uuid:loud-9999") is not None
    assert ring.find("urn:uuid:loud-9000") is None


def test_no_client_has_more_than_its_share() -> None:
    ring = Explanations("here", most=1000, most_of_one=10)
    for number in range(11):
        ring.keep(refusal(number, "north"), "192.0.2.1")
    assert (len(ring), ring.find("urn:uuid:north-0")) == (10, None)


def test_strangers_from_ever_new_addresses_share_one_place() -> None:
    ring = Explanations("here", most=2 * MOST_STRANGERS, most_of_one=MOST_STRANGERS)
    ring.keep(refusal(1, "known"), "192.0.2.1")
    for number in range(20_000):
        ring.keep(refusal(number, None), f"2001:db8:{number:x}::/64")
    assert len(ring) <= 2 * MOST_STRANGERS
    assert len(ring._strangers) <= MOST_STRANGERS
    assert ring.find("urn:uuid:known-1") is not None
    assert ring.find("urn:uuid:None-19999") is not None
