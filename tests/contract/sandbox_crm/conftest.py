"""A client with a session, its base the newest version."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.sandbox import RunningSandbox

BASE = "/services/data/v68.0"
FORM = {"grant_type": "client_credentials", "client_id": "ordergate", "client_secret": "salesforce-sandbox-secret"}


@pytest.fixture
def crm(fresh_sandbox: RunningSandbox) -> Iterator[httpx.Client]:
    url = fresh_sandbox.urls["salesforce"]
    token = httpx.post(f"{url}/services/oauth2/token", data=FORM).json()["access_token"]
    with httpx.Client(base_url=url + BASE, headers={"Authorization": f"Bearer {token}"}) as client:
        yield client


def error(answer: httpx.Response) -> tuple[int, str]:
    (only,) = answer.json()
    return answer.status_code, only["errorCode"]
