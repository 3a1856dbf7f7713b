"""A setting that cannot be right stops the start with one line that names it."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest
import trustme

from app.internal_routes import INTERNAL
from app.routes import PUBLIC
from app.settings import SANDBOX_FILE, SANDBOX_KEY_PEPPER, SANDBOX_TOKEN_KEY, SettingsError, load
from app.world import Scope

EXAMPLE = SANDBOX_FILE.parent / "example.toml"
SECRETS = {
    "ORDERGATE_SAP_USER": "GATEWAY",
    "ORDERGATE_SAP_PASSWORD": "a-long-one",
    "ORDERGATE_CRM_CLIENT_ID": "id",
    "ORDERGATE_CRM_CLIENT_SECRET": "another-long-one",
    "ORDERGATE_APS_KEY": "a-third-long-one",
}
PRODUCTION = {
    **SECRETS,
    "ORDERGATE_CONFIG": str(EXAMPLE),
    "ORDERGATE_DATABASE_URL": "postgresql://db/ordergate",
    "ORDERGATE_TOKEN_KEYS": "k" * 32,
}
SANDBOX = {"ORDERGATE_ENV": "sandbox"}


def refusal(env: dict[str, str]) -> str:
    with pytest.raises(SettingsError) as refused:
        load(env)
    line = str(refused.value)
    assert "\n" not in line
    return line


def changed(tmp_path: Path, old: str, new: str, source: Path = SANDBOX_FILE) -> dict[str, str]:
    text = source.read_text()
    assert old in text
    file = tmp_path / "changed.toml"
    file.write_text(text.replace(old, new))
    return {**(SANDBOX if source == SANDBOX_FILE else PRODUCTION), "ORDERGATE_CONFIG": str(file)}


def test_the_sandbox_needs_nothing_else() -> None:
    settings = load(SANDBOX)
    assert settings.database_url == "sqlite+aiosqlite:///var/ordergate.db"
    assert {each.client_id for each in settings.world.clients} >= {"crm", "dealer-north", "trickle", "operator"}


def test_the_shipped_example_is_fit_for_production() -> None:
    settings = load(PRODUCTION)
    assert settings.database_url == "postgresql+psycopg://db/ordergate"
    assert settings.world.systems.erp[0].password == "a-long-one"


def test_a_variable_moves_the_sandbox_elsewhere() -> None:
    settings = load({**SANDBOX, "ORDERGATE_SANDBOX_SAP": "http://127.0.0.1:5000"})
    assert settings.world.systems.erp[0].base_url == "http://127.0.0.1:5000"


def test_the_repr_of_settings_holds_no_secret() -> None:
    said = repr(load({**PRODUCTION, "ORDERGATE_DATABASE_URL": "postgresql://u:hunter2@db/x"}))
    assert not [secret for secret in (*SECRETS.values(), "hunter2", "k" * 32) if secret in said]


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("ORDERGATE_ENV", "staging", "ORDERGATE_ENV is 'staging', not one of sandbox, production"),
        ("ORDERGATE_PORT", "80a", "ORDERGATE_PORT is '80a', not a port from 0 to 65535"),
        ("ORDERGATE_INTERNAL_PORT", "65536", "ORDERGATE_INTERNAL_PORT is '65536', not a port from 0 to 65535"),
        ("ORDERGATE_PORT", "8081", "ORDERGATE_INTERNAL_PORT is 8081, which is the external door's: name another"),
        ("ORDERGATE_ROLE", "both", "ORDERGATE_ROLE is 'both', not one of all, api, worker"),
        ("ORDERGATE_LOG_LEVEL", "loud", "ORDERGATE_LOG_LEVEL is 'loud', not one of DEBUG, INFO, WARNING, ERROR"),
        ("ORDERGATE_TRACE_RATIO", "2", "ORDERGATE_TRACE_RATIO is '2', not a number from 0 to 1"),
        ("ORDERGATE_DRAIN_S", "nan", "ORDERGATE_DRAIN_S is 'nan', not a number from 0 to 600"),
        ("ORDERGATE_OTLP_ENDPOINT", "otel:4318", "ORDERGATE_OTLP_ENDPOINT is 'otel:4318', not an http(s) URL"),
        ("ORDERGATE_PROT", "8080", "ORDERGATE_PROT is not a setting; did you mean ORDERGATE_PORT?"),
        ("ORDERGATE_TOKEN_KEYS", "short", "ORDERGATE_TOKEN_KEYS holds a key of less than 32 bytes"),
        (
            "ORDERGATE_CONFIG",
            "/nowhere.toml",
            "ORDERGATE_CONFIG: /nowhere.toml cannot be read: No such file or directory",
        ),
        (
            "ORDERGATE_DATABASE_URL",
            "mysql://x/y",
            "ORDERGATE_DATABASE_URL is neither sqlite+aiosqlite:///<file> nor postgresql+psycopg://…",
        ),
        (
            "ORDERGATE_DATABASE_URL",
            "sqlite:///:memory:",
            "ORDERGATE_DATABASE_URL names no file: operations would be lost with the process",
        ),
        (
            "ORDERGATE_DATABASE_URL",
            "sqlite+aiosqlite://",
            "ORDERGATE_DATABASE_URL names no file: operations would be lost with the process",
        ),
    ],
)
def test_a_wrong_variable_is_named(name: str, value: str, says: str) -> None:
    assert refusal({**SANDBOX, name: value}) == says


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('erp = "s4-1710"', 'erp = "s4-9999"', "the plant 1710 names the ERP s4-9999, which is not configured"),
        (
            'scheduler = "aps-1710"',
            'scheduler = "aps-9"',
            "the plant 1710 names the scheduler aps-9, which is not configured",
        ),
        ('default_plant = "1710"', 'default_plant = "1730"', "default_plant is 1730, which is not configured"),
        ('client_id = "viewer"', 'client_id = "crm"', "the client crm is there twice"),
        ('instance = "aps-1710"', 'instance = "s4-1710"', "the system instance s4-1710 is there twice"),
        ('limit = "3 per 1 minute"', 'limit = "often"', "the client trickle has the limit 'often', which is not like"),
        (
            'time_zone = "America/Denver"',
            'time_zone = "America/Denvver"',
            "time zone America/Denvver, which does not exist",
        ),
        ('plants = ["1710", "1720"]', 'plants = ["1799"]', "the client dealer-north names the plant 1799"),
        (
            "settle_seconds = 65",
            "settle_second = 65",
            "Object contains unknown field settle_second - at $.systems.erp[0]",
        ),
        ('user = "SANDBOX"\n', "", "the ERP s4-1710 is entered by user and password, or by token_url, client_id and"),
        (
            'user = "SANDBOX"\n',
            'user = "SANDBOX"\nkey_file = "k"\n',
            "or by certificate_file and key_file: one of them",
        ),
        (
            'user = "SANDBOX"\npassword = "Welcome1"',
            'certificate_file = "/no/c.pem"\nkey_file = "/no/k.pem"',
            "the ERP s4-1710: the certificate /no/c.pem and its key cannot be used (No such file or directory)",
        ),
        (
            'password = "Welcome1"',
            'password = "${file:no.txt}"',
            "no.txt, which cannot be read: No such file or directory",
        ),
        (
            'user = "SANDBOX"\n',
            'user = "SANDBOX"\nrepeatable = true\nsales_order_api = "v4"\n',
            "the ERP s4-1710: repeatable is of version 2, its sales orders are of version 4",
        ),
        ('user = "SANDBOX"\n', 'user = "SANDBOX"\nsales_order_api = "v3"\n', "Invalid enum value 'v3'"),
        ('disclosure = "internal"', 'disclosure = "all"', "Invalid enum value 'all' - at $.clients[0].disclosure"),
        (
            'password = "Welcome1"',
            'password = "${ORDERGATE_SAP_PASSWORD}"',
            "systems.erp[0].password needs the variable",
        ),
        ("http://127.0.0.1:9413", "127.0.0.1:9413", "base_url of aps-1710 is '127.0.0.1:9413', not an http(s) URL"),
        ('environment = "sandbox"', "environment = sandbox", "Invalid value (at line 3"),
    ],
)
def test_a_wrong_entry_of_the_file_is_named(tmp_path: Path, old: str, new: str, says: str) -> None:
    env = changed(tmp_path, old, new)
    line = refusal(env)
    assert line.startswith(env["ORDERGATE_CONFIG"])
    assert says in line


def test_a_secret_may_stand_in_a_file_beside_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "sap.txt").write_text("in-a-file \n")
    env = changed(tmp_path, 'password = "Welcome1"', 'password = "${file:sap.txt}"')
    assert load(env).world.systems.erp[0].password == "in-a-file ", "only the line end is taken off"
    absolute = f'password = "${{file:{tmp_path / "sap.txt"}}}"'
    assert load(changed(tmp_path, 'password = "Welcome1"', absolute)).world.systems.erp[0].password == "in-a-file "


@pytest.mark.parametrize(
    ("content", "says"),
    [(b"\n", "is empty"), (b"\xff\xfe", "is not UTF-8 text"), (b"x" * 65537, "is larger than 65536 bytes")],
)
def test_a_file_that_holds_no_secret_is_named(tmp_path: Path, content: bytes, says: str) -> None:
    (tmp_path / "sap.txt").write_bytes(content)
    line = refusal(changed(tmp_path, 'password = "Welcome1"', 'password = "${file:sap.txt}"'))
    assert "systems.erp[0].password needs the file" in line
    assert says in line


def test_an_erp_is_entered_by_an_oauth_client_or_a_certificate_too(tmp_path: Path) -> None:
    by_client = 'token_url = "https://login.example/token"\nclient_id = "c"\nclient_secret = "s"'
    ours = trustme.CA().issue_cert("gateway.example")
    ours.private_key_and_cert_chain_pem.write_to_path(tmp_path / "c.pem")
    by_certificate = f'certificate_file = "{tmp_path / "c.pem"}"\nkey_file = "{tmp_path / "c.pem"}"'
    for way in (by_client, by_certificate):
        env = changed(tmp_path, 'user = "SANDBOX"\npassword = "Welcome1"', way)
        assert load(env).world.systems.erp[0].user is None


@pytest.mark.parametrize("missing", ["ORDERGATE_CONFIG", "ORDERGATE_DATABASE_URL", "ORDERGATE_TOKEN_KEYS", *SECRETS])
def test_production_guesses_nothing(missing: str) -> None:
    line = refusal({name: value for name, value in PRODUCTION.items() if name != missing})
    assert missing in line


def test_the_sandbox_file_starts_no_production() -> None:
    line = refusal({**PRODUCTION, "ORDERGATE_CONFIG": str(SANDBOX_FILE)})
    assert line == f"{SANDBOX_FILE} describes the sandbox, and ORDERGATE_ENV is not sandbox"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            "https://s4.manufacturer.example",
            "http://localhost:9411",
            "base_url of s4-1710 is http://localhost:9411, an address",
        ),
        (
            '"${ORDERGATE_SAP_PASSWORD}"',
            '"Welcome1"',
            "the password of s4-1710 is the sandbox's, which everybody knows",
        ),
        (
            '"${ORDERGATE_CRM_CLIENT_SECRET}"',
            '"salesforce-sandbox-secret"',
            "the client_secret of crm-main is the sandbox's",
        ),
        ('"${ORDERGATE_APS_KEY}"', '"scheduler-sandbox-key"', "the api_key of aps-1710 is the sandbox's"),
    ],
)
def test_nothing_of_the_sandbox_serves_in_production(tmp_path: Path, old: str, new: str, says: str) -> None:
    assert says in refusal(changed(tmp_path, old, new, EXAMPLE))


def test_the_key_everybody_knows_signs_nothing_in_production() -> None:
    line = refusal({**PRODUCTION, "ORDERGATE_TOKEN_KEYS": f"{'k' * 32},{SANDBOX_TOKEN_KEY}"})
    assert line == "ORDERGATE_TOKEN_KEYS holds the sandbox's key, which everybody knows"


def test_a_scope_that_no_route_asks_for_is_refused(tmp_path: Path) -> None:
    env = changed(tmp_path, '"ops:write"', '"ops:wrote"')
    assert "ops:wrote" in refusal(env)


def test_every_scope_of_a_route_may_be_given_to_a_client() -> None:
    asked = {route.sheet.scope for route in (*PUBLIC, *INTERNAL)}
    assert asked <= set(get_args(Scope))


def test_the_pepper_everybody_knows_hashes_nothing_in_production() -> None:
    line = refusal({**PRODUCTION, "ORDERGATE_KEY_PEPPERS": SANDBOX_KEY_PEPPER})
    assert line == "ORDERGATE_KEY_PEPPERS holds the sandbox's key, which everybody knows"


def test_peppers_are_long_or_not_there_and_shown_to_nobody() -> None:
    assert "32 bytes" in refusal({**PRODUCTION, "ORDERGATE_KEY_PEPPERS": f"{'p' * 32},short"})
    assert load(PRODUCTION).key_peppers == ()
    peppered = load({**PRODUCTION, "ORDERGATE_KEY_PEPPERS": f"{'n' * 32}, {'o' * 32}"})
    assert peppered.key_peppers == ("n" * 32, "o" * 32)
    assert "n" * 32 not in repr(peppered)


def test_an_operator_has_a_role_and_nobody_else_has(tmp_path: Path) -> None:
    assert "operators have roles" in refusal(changed(tmp_path, 'roles = ["keyAdmin"]\n', ""))
    assert "operators have roles" in refusal(
        changed(tmp_path, 'kind = "crm"\n', 'kind = "crm"\nroles = ["operator"]\n')
    )


def test_an_issuer_may_be_found_and_asked(tmp_path: Path) -> None:
    jwks = 'jwks_uri = "https://login.manufacturer.example/jwks"'
    asked = 'introspection = {{ url = "{}", client_id = "ordergate", client_secret = "{}" }}'
    env = changed(tmp_path, jwks, asked.format("https://login.manufacturer.example/introspect", "secret"), EXAMPLE)
    (issuer,) = load(env).world.issuers
    assert issuer.jwks_uri is None
    assert issuer.introspection is not None
    wrong = changed(tmp_path, jwks, asked.format("login.manufacturer.example", "secret"), EXAMPLE)
    assert "introspection.url of https://login.manufacturer.example" in refusal(wrong)
    known = changed(tmp_path, jwks, asked.format("https://login.example/i", "ordergate-sandbox-secret"), EXAMPLE)
    assert "introspection.client_secret" in refusal(known)


def test_keys_of_an_issuer_are_usable_for_as_long_as_they_are_fresh(tmp_path: Path) -> None:
    jwks = 'jwks_uri = "https://login.manufacturer.example/jwks"'
    env = changed(tmp_path, jwks, "keys_fresh_seconds = 600.0\nkeys_usable_seconds = 60.0", EXAMPLE)
    assert "usable for at least as long" in refusal(env)
