"""A Python SDK that others' generator makes of our document: it must work as it is."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from app.cli.pair import Gateway, Sandbox, access_token
from tests.e2e.portal import question

DOCUMENT = Path(__file__).parents[2] / "openapi" / "v1.json"
GENERATOR = str(Path(sys.executable).with_name("openapi-python-client"))
CALL = """
import json, sys
from {package} import AuthenticatedClient
from {package}.api.promises import check_availability
from {package}.models import AtpCheckRequest

url, token, question = sys.argv[1:]
client = AuthenticatedClient(base_url=url, token=token)
body = AtpCheckRequest.from_dict(json.loads(question))
promise = check_availability.sync(client=client, body=body)
print(type(promise).__name__, promise.lines[0].line_id, promise.lines[0].status)
"""


@pytest.fixture(scope="module")
def sdk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the generated package can be imported from."""
    directory = tmp_path_factory.mktemp("sdk")
    settings = directory / "generator.yaml"
    settings.write_text("post_hooks: []\n")  # formatting the package is not what is tried here
    made = subprocess.run(
        [
            GENERATOR,
            "generate",
            "--path",
            str(DOCUMENT),
            "--config",
            str(settings),
            "--meta",
            "none",
            "--output-path",
            str(directory / "ordergate_sdk"),
        ],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert made.returncode == 0, made.stdout + made.stderr
    assert "WARNING" not in made.stdout + made.stderr, "the generator left something out"
    return directory


def test_a_generated_sdk_makes_an_atp_check(sdk: Path, pair: tuple[Sandbox, Gateway]) -> None:
    sandbox, gateway = pair
    token = access_token(sandbox.issuer, "dealer-north", "north-sandbox-secret")
    called = subprocess.run(
        [sys.executable, "-c", CALL.format(package="ordergate_sdk"), gateway.url, token, json.dumps(question("TG11"))],
        cwd=sdk,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert called.returncode == 0, called.stderr
    assert called.stdout.split()[1:] == ["TG11", "confirmed"], called.stdout
