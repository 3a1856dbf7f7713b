"""How the CRM is entered, as the TOML file says it; and what its allowance looks like to who watches."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from joserfc.jwk import RSAKey
from prometheus_client import generate_latest

from app import neighbours
from app.health import Meters
from app.settings import SANDBOX_FILE, SettingsError, load
from system_apis.deadline import Deadline
from system_apis.errors import UnreadableAnswer
from system_apis.salesforce.rest import Allowance

SECRET = 'client_secret = "salesforce-sandbox-secret"'


def entered(tmp_path: Path, how: str) -> dict[str, str]:
    text = SANDBOX_FILE.read_text()
    assert SECRET in text
    file = tmp_path / "changed.toml"
    file.write_text(text.replace(SECRET, how))
    return {"ORDERGATE_ENV": "sandbox", "ORDERGATE_CONFIG": str(file)}


@pytest.fixture
def key(tmp_path: Path) -> Path:
    file = tmp_path / "crm.pem"
    file.write_bytes(RSAKey.generate_key(2048).as_pem(private=True))
    return file


async def test_a_key_enters_the_crm_instead_of_a_secret(tmp_path: Path, key: Path) -> None:
    how = f'username = "me@manufacturer.example"\nkey_file = "{key}"\naudience = "https://test.salesforce.com"'
    world = load(entered(tmp_path, how)).world
    asked: list[bytes] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.content)
        return httpx.Response(200, json={"access_token": "00D!AQ"})

    known = neighbours.connect(world, httpx.MockTransport(answer), lambda _: None)
    with pytest.raises(UnreadableAnswer):
        await known.crm.ping(deadline=Deadline.after(5))
    assert asked[0].startswith(b"grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=ey")


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ("", "the CRM crm-main is entered by client_secret, or by username and key_file"),
        ('username = "me"', "the CRM crm-main is entered by client_secret, or by username and key_file"),
        (f'{SECRET}\nusername = "me"', "the CRM crm-main is entered by client_secret, or by username and key_file"),
        ('username = "me"\nkey_file = "/nowhere.pem"', "key_file of crm-main: the private key /nowhere.pem cannot"),
        (f'username = "me"\nkey_file = "{__file__}"', "holds no RSA private key in PEM form"),
        (f'{SECRET}\nca_file = "/nowhere.pem"', "ca_file of crm-main is /nowhere.pem, which is not there"),
        (f'{SECRET}\napi_version = "v45.0"', "api_version"),
        (f'{SECRET}\nhome_currency = "euro"', "home_currency"),
    ],
)
def test_a_way_in_that_is_not_whole_stops_the_start(tmp_path: Path, how: str, says: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load(entered(tmp_path, how))
    assert says in str(refused.value)


def test_the_allowance_of_the_crm_is_a_gauge() -> None:
    meters = Meters()
    for used in (17, 18):
        meters.allowance(Allowance("crm-main", used, 5000))
    shown = generate_latest(meters.registry).decode()
    assert 'ordergate_crm_api_calls{instance="crm-main",kind="used"} 18.0' in shown
    assert 'ordergate_crm_api_calls{instance="crm-main",kind="most"} 5000.0' in shown
