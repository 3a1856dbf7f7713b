"""Limits as they are configured: plans, Redis, replicas, trusted proxies."""

from __future__ import annotations

from pathlib import Path

import pytest

from app import plans, settings
from app.settings import Settings, SettingsError
from policies.counters import Cap, Rate

SANDBOX = {"ORDERGATE_ENV": "sandbox"}


def loaded(directory: Path, text: str = "", **environment: str) -> Settings:
    """The shipped sandbox file with more at its end."""
    path = directory / "world.toml"
    path.write_text(settings.SANDBOX_FILE.read_text() + text)
    return settings.load({**SANDBOX, "ORDERGATE_CONFIG": str(path), **environment})


def test_nothing_has_to_be_said(tmp_path: Path) -> None:
    chosen = loaded(tmp_path)
    assert (chosen.redis_url, chosen.redis_deadline_ms, chosen.replicas, chosen.trusted_proxies) == (None, 30, 1, ())


def test_a_plan_has_rates_and_caps_for_all_calls_and_for_some(tmp_path: Path) -> None:
    more = """
[plans.bronze]
burst = "5 per 1 second"
daily = "1000 per 1 day"
concurrent = 4

[plans.bronze.operations.checkAvailability]
sustained = "60 per 2 minutes"
concurrent = 2
"""
    bronze = plans.read(loaded(tmp_path, more).world.plans)["bronze"]
    assert bronze.common.rates == (Rate("burst", 5, 1), Rate("daily", 1000, 86_400))
    check = bronze.of("POST /v1/atp-checks")
    assert check.rates == (*bronze.common.rates, Rate("checkAvailability-sustained", 60, 120))
    assert check.caps == (Cap("concurrent", 4), Cap("checkAvailability-concurrent", 2))
    assert bronze.of("GET /v1/events") == bronze.common


def test_a_client_that_names_a_plan_has_it(tmp_path: Path) -> None:
    world = loaded(tmp_path).world
    (south,) = [each.client() for each in world.clients if each.client_id == "dealer-south"]
    assert plans.read(world.plans)[south.plan].common.caps == (Cap("concurrent", 16),)


def of_client(plan: str) -> str:
    return f'\n[[clients]]\nclient_id = "x"\nname = "x"\nkind = "partner"\nscopes = ["atp:read"]\n{plan}\n'


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ('[plans.p]\nburst = "often"', "the plan p has the burst rate 'often', which is not like '600 per 1 minute'"),
        (
            '[plans.p]\nburst = "1 per second; 2 per minute"',
            "the plan p has the burst rate '1 per second; 2 per minute'",
        ),
        ("[plans.p]\nconcurrent = 0", "Expected int >= 1"),
        ('[plans.p]\nhourly = "1 per hour"', "Object contains unknown field hourly"),
        (
            "[plans.p.operations.checkAvailabilty]\nconcurrent = 1",
            "the plan p names the operation checkAvailabilty, which is none; did you mean checkAvailability?",
        ),
        (
            '[plans.p.operations.checkAvailability]\nburst = "x"',
            "the plan p for checkAvailability has the burst rate 'x'",
        ),
        (of_client('plan = "gold"'), "the client x names the plan gold, which is not configured"),
        (of_client('plan = "dealer"\nlimit = "5 per minute"'), "the client x has a plan and a limit: it is one or the"),
        ('[limits]\nknocks = "never"', "limits.knocks is 'never', which is not like '600 per 1 minute'"),
    ],
)
def test_a_limit_that_cannot_be_right_stops_the_start_and_is_named(tmp_path: Path, more: str, says: str) -> None:
    with pytest.raises(SettingsError) as refused:
        loaded(tmp_path, f"\n{more}\n")
    assert says in str(refused.value)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("ORDERGATE_REDIS_URL", "redis.example:6379", "ORDERGATE_REDIS_URL does not begin with redis://, rediss:// or"),
        ("ORDERGATE_REDIS_DEADLINE_MS", "0", "ORDERGATE_REDIS_DEADLINE_MS is '0', not a number from 1 to 10000"),
        ("ORDERGATE_REPLICAS", "0", "ORDERGATE_REPLICAS is '0', not a number from 1 to 1000"),
        ("ORDERGATE_REPLICAS", "1.5", "ORDERGATE_REPLICAS is '1.5', not a whole number"),
        ("ORDERGATE_TRUSTED_PROXIES", "10.0.0.0/8, proxy", "ORDERGATE_TRUSTED_PROXIES: 'proxy' does not appear to be"),
    ],
)
def test_a_variable_that_cannot_be_right_is_named(tmp_path: Path, name: str, value: str, says: str) -> None:
    with pytest.raises(SettingsError) as refused:
        loaded(tmp_path, **{name: value})
    assert says in str(refused.value)


def test_the_password_of_redis_is_shown_to_nobody(tmp_path: Path) -> None:
    chosen = loaded(tmp_path, ORDERGATE_REDIS_URL="rediss://:very-secret@redis.example:6380/0")
    assert "very-secret" not in repr(chosen)
    with pytest.raises(SettingsError) as refused:
        loaded(tmp_path, ORDERGATE_REDIS_URL="http://:very-secret@redis.example")
    assert "very-secret" not in str(refused.value)
