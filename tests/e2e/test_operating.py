"""An operator at the command line finds what is stuck, learns why, and gets it out, over a gateway that dies."""

from __future__ import annotations

import json
import re
import subprocess
import uuid
from typing import Any

import httpx
import pytest

from app.cli.demo.neighbours import Witness
from app.cli.pair import Gateway, Sandbox, access_token
from tests.e2e.conftest import Start
from tests.e2e.portal import Portal, arm, until
from tests.e2e.test_cli import ordergate

Ran = subprocess.CompletedProcess[str]


class Operator:
    """The sandbox's operator, with a shell."""

    def __init__(self, gateway: Gateway, sandbox: Sandbox) -> None:
        self.url = gateway.internal_url
        self._issuer = sandbox.issuer

    def runs(self, *words: str, client: str = "operator", **env: str) -> Ran:
        """A command, piped: nobody is there to be asked."""
        known = {
            "ORDERGATE_CLI_URL": self.url,
            "ORDERGATE_CLI_TOKEN_URL": f"{self._issuer}/token",
            "ORDERGATE_CLI_CLIENT_ID": client,
            "ORDERGATE_CLI_CLIENT_SECRET": f"{client}-sandbox-secret",
        }
        return ordergate(*words, **known | env)

    def reads(self, *words: str) -> Any:
        ran = self.runs(*words, "--json")
        assert ran.returncode == 0, ran.stderr
        return json.loads(ran.stdout)

    def posts(self, path: str, body: Any, **headers: str) -> httpx.Response:
        """Past the command line, as a script of one's own would."""
        token = access_token(self._issuer, "operator", "operator-sandbox-secret")
        return httpx.post(
            f"{self.url}{path}", json=body, headers={"Authorization": f"Bearer {token}", **headers}, trust_env=False
        )


def forget_quote(sandbox: Sandbox, quote_id: str) -> None:
    """Somebody deletes the quote while its order is being made."""
    secret = {"client_id": "ordergate", "client_secret": "salesforce-sandbox-secret"}
    granted = httpx.post(
        f"{sandbox.salesforce}/services/oauth2/token", data={"grant_type": "client_credentials", **secret}
    )
    headers = {"Authorization": f"Bearer {granted.raise_for_status().json()['access_token']}"}
    httpx.delete(f"{sandbox.salesforce}/services/data/v60.0/sobjects/Quote/{quote_id}", headers=headers)


def stuck(sandbox: Sandbox, witness: Witness, gateway: Gateway) -> str:
    """An operation whose order stands and whose quote is gone."""
    portal, quote_id = Portal(gateway, sandbox), witness.quote_id("Q-1010")
    arm(sandbox, "sap", "delay", path="SIMULATION", seconds=1.5, count=1)
    begun = portal.convert(quote_id).raise_for_status().json()["operationId"]
    forget_quote(sandbox, quote_id)
    until(lambda: portal.operation(begun), lambda seen: seen["state"] == "actionRequired", within_s=60)
    return str(begun)


def test_an_operator_gets_out_what_nobody_goes_on_with(sandbox: Sandbox, witness: Witness, start: Start) -> None:
    gateway = start()
    operation_id = stuck(sandbox, witness, gateway)
    gateway.process.kill()
    gateway.process.wait()
    gateway = start()
    operator = Operator(gateway, sandbox)

    (found,) = operator.reads("operations", "list", "--state", "actionRequired")
    assert (found["operationId"], found["owner"], found["openExceptions"]) == (operation_id, "integration", 1)
    listed = operator.runs("operations", "list")
    assert operation_id in listed.stdout
    assert re.search(r"integration +in 3 h 5\d min", listed.stdout), listed.stdout
    shown = operator.runs("operations", "show", operation_id)
    assert "write-back-pending" in shown.stdout
    assert f"→ ordergate operations resolve {operation_id} (--order" in shown.stdout
    assert "\x1b[" not in listed.stdout + shown.stdout, "no colours for a pipe"

    (met,) = operator.reads("exceptions", "list", "--owner", "integration")
    taken = operator.runs("exceptions", "ack", met["exceptionId"], "--reason", "asked the CRM desk")
    assert (taken.returncode, "is acknowledged" in taken.stdout) == (0, True), taken.stderr

    again = operator.runs("operations", "retry", operation_id, "--reason", "perhaps it is back")
    assert (again.returncode, "run 2" in again.stdout) == (0, True), again.stderr
    until(
        lambda: operator.reads("operations", "show", operation_id), lambda seen: seen["state"] == "actionRequired", 30
    )

    words = ("operations", "resolve", operation_id, "--done-by-hand", "--reason", "the quote was deleted")
    unasked = operator.runs(*words)
    assert (unasked.returncode, "say --yes" in unasked.stderr) == (2, True)
    closed = operator.runs(*words, "--yes")
    assert (closed.returncode, "completedWithExceptions" in closed.stdout) == (0, True), closed.stderr
    assert operator.reads("exceptions", "list") == []
    (over,) = operator.reads("exceptions", "list", "--state", "resolved")
    assert (over["endedBy"], over["reason"]) == ("operator", "the quote was deleted")
    assert len(witness.orders(operation_id)) == 1
    late = operator.runs("operations", "retry", operation_id, "--reason", "once more")
    assert (late.returncode, "It is completedWithExceptions" in late.stderr) == (1, True)


def test_a_deed_at_the_door_needs_a_key_a_version_a_reason_and_happens_once(
    sandbox: Sandbox, witness: Witness, start: Start
) -> None:
    gateway = start()
    operation_id = stuck(sandbox, witness, gateway)
    operator = Operator(gateway, sandbox)
    seen = operator.reads("operations", "show", operation_id)
    path, body = f"/internal/v1/operations/{operation_id}/resolve", {"outcome": "doneByHand", "reason": "by hand"}
    key = {"Idempotency-Key": str(uuid.uuid4())}
    assert operator.posts(path, body, **{"If-Match": seen["etag"]}).json()["code"] == "idempotency-key-missing"
    assert operator.posts(path, body, **key).status_code == 428
    assert operator.posts(path, body, **key, **{"If-Match": f'"{operation_id}-1"'}).status_code == 412
    nothing_said = operator.posts(path, body | {"reason": "   "}, **key, **{"If-Match": seen["etag"]})
    assert (nothing_said.status_code, nothing_said.json()["errors"][0]["pointer"]) == (400, "#/reason")
    first = operator.posts(path, body, **key, **{"If-Match": seen["etag"]})
    assert (first.status_code, first.json()["state"]) == (200, "completedWithExceptions")
    repeat = operator.posts(path, body, **key, **{"If-Match": seen["etag"]})
    assert (repeat.json(), repeat.headers["idempotency-replayed"]) == (first.json(), "true")


@pytest.mark.parametrize(
    ("words", "env", "code", "said"),
    [
        (("operations", "show", "op_never"), {}, 1, "Nothing that you may see has this id"),
        (("operations", "list", "--state", "asleep"), {}, 1, "asleep is no state"),
        (("operations", "resolve", "op_1", "--reason", "x y z"), {}, 2, "--done-by-hand"),
        (("operations", "list", "--older-than", "soon"), {}, 2, "15m"),
        (("operations", "cancel", "op_1", "--yes"), {}, 2, "--reason"),
        (("exceptions", "list"), {"ORDERGATE_CLI_URL": "http://127.0.0.1:9"}, 2, "is the gateway up?"),
        (("exceptions", "list"), {"ORDERGATE_CLI_CLIENT_SECRET": "wrong"}, 2, "ORDERGATE_CLI_CLIENT_SECRET"),
        (("exceptions", "list"), {"ORDERGATE_CLI_CLIENT_ID": ""}, 2, "ORDERGATE_CLI_TOKEN"),
        (("exceptions", "list"), {"ORDERGATE_CLI_TOKEN": "made.up.token"}, 1, "take a fresh token"),
    ],
)
def test_what_cannot_be_done_is_said_with_what_to_do(
    pair: tuple[Sandbox, Gateway], words: tuple[str, ...], env: dict[str, str], code: int, said: str
) -> None:
    sandbox, gateway = pair
    ran = Operator(gateway, sandbox).runs(*words, **env)
    assert (ran.returncode, said in ran.stderr) == (code, True), ran.stderr
    assert "Traceback" not in ran.stderr


def test_who_may_look_may_not_step_in(pair: tuple[Sandbox, Gateway]) -> None:
    sandbox, gateway = pair
    auditor = Operator(gateway, sandbox)
    looked = auditor.runs("operations", "list", client="auditor")
    assert (looked.returncode, "Nothing of the kind" in looked.stdout or "operation" in looked.stdout) == (0, True)
    tried = auditor.runs("exceptions", "ack", "exc_1", "--reason", "curious", client="auditor")
    assert (tried.returncode, "needs the scope ops:write" in tried.stderr) == (1, True), tried.stderr
    dealer = auditor.runs("operations", "list", client="crm")
    assert dealer.returncode == 1
    assert "ops:read" in dealer.stderr


def test_beside_a_sandbox_nothing_has_to_be_said_about_who_calls(pair: tuple[Sandbox, Gateway]) -> None:
    sandbox, gateway = pair
    env = {"ORDERGATE_ENV": "sandbox", "ORDERGATE_SANDBOX_ISSUER": sandbox.issuer}
    ran = ordergate("exceptions", "list", "--url", gateway.internal_url, **env)
    assert ran.returncode == 0, ran.stderr
