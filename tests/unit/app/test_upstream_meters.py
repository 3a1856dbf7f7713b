"""What /metrics says about the door out."""

from prometheus_client import generate_latest

from app.health import Meters
from system_apis.http import Exchange


def test_tries_refusals_breakers_and_places_are_counted() -> None:
    meters = Meters()
    asked = ("sap", "s4", "read an order", "GET")
    meters.exchange(Exchange(*asked, "answered", 200, 0.1, 1, "closed", 3, 0))
    meters.exchange(Exchange(*asked, "breakerOpen", None, 0.0, 1, "open", 2, 5))
    page = generate_latest(meters.registry).decode()
    where = 'instance="s4",operation="read an order"'
    assert f'ordergate_upstream_breaker{{{where},system="sap"}} 2.0' in page
    assert 'ordergate_upstream_places{instance="s4",kind="used",system="sap"} 2.0' in page
    assert 'ordergate_upstream_places{instance="s4",kind="waiting",system="sap"} 5.0' in page
    assert f'ordergate_upstream_seconds_count{{{where},outcome="breakerOpen",system="sap"}} 1.0' in page
