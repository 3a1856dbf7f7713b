"""`ordergate keys` and `ordergate clients`, as a person or a script runs them, against a real internal door."""

from __future__ import annotations

import asyncio
import json
import os
import stat
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.integration.credentials.conftest import Replica, opened_replica, token_of


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


async def ordergate(replica: Replica, *arguments: str, by: str = "key-admin") -> Ran:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ORDERGATE_")} | {
        "ORDERGATE_CLI_URL": str(replica.internal.base_url),
        "ORDERGATE_CLI_TOKEN": token_of(by)["Authorization"].removeprefix("Bearer "),
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "app.cli",
        *arguments,
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 30)
    return Ran(process.returncode or 0, out.decode(), err.decode())


async def test_a_key_from_its_making_to_its_end(tmp_path: Path) -> None:
    async with opened_replica(tmp_path) as replica:
        made = await ordergate(replica, "keys", "create", "--client", "dealer-north", "--label", "portal")
        assert made.code == 0, made.err
        key = made.out.strip()  # the key alone: made to be piped
        assert "keep it now" in made.err
        assert key not in made.err
        assert (await replica.events(key)).status_code == 200

        (listed,) = (await ordergate(replica, "keys", "list", "--json")).json()
        assert (listed["label"], listed["state"]) == ("portal", "live")
        assert "portal" in (await ordergate(replica, "keys", "list")).out

        file = tmp_path / "new.key"
        rotated = await ordergate(replica, "keys", "rotate", listed["keyId"], "--to", str(file), "--json")
        assert rotated.json()["key"] is None
        new = file.read_text().strip()
        assert new not in rotated.out + rotated.err
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert (await replica.events(new)).status_code == 200

        unasked = await ordergate(replica, "keys", "revoke", listed["keyId"])
        assert (unasked.code, "--yes" in unasked.err) == (2, True)
        revoked = await ordergate(replica, "keys", "revoke", listed["keyId"], "--yes", "--reason", "test")
        assert "revoked" in revoked.out
        assert (await replica.events(key)).status_code == 401


async def test_a_file_that_is_there_is_not_written_over_and_no_key_is_made_for_it(tmp_path: Path) -> None:
    async with opened_replica(tmp_path) as replica:
        file = tmp_path / "old.key"
        file.write_text("precious")
        ran = await ordergate(replica, "keys", "create", "--client", "crm", "--label", "x", "--to", str(file))
        assert (ran.code, file.read_text()) == (2, "precious")
        assert "name a new file" in ran.err
        assert (await replica.get("/api-keys")).json()["apiKeys"] == []


async def test_a_client_from_its_registration_to_its_end(tmp_path: Path) -> None:
    async with opened_replica(tmp_path) as replica:
        wish = ["dealer-east", "--name", "Eastbrook", "--scope", "orders:read", "--customer", "17100003"]
        made = await ordergate(replica, "clients", "create", *wish)
        assert (made.code, made.out) == (0, "dealer-east is registered\n")
        again = await ordergate(replica, "clients", "create", *wish)
        assert (again.code, "registered already" in again.err) == (1, True)
        shown = await ordergate(replica, "clients", "show", "dealer-east")
        assert "17100003" in shown.out
        off = await ordergate(replica, "clients", "disable", "dealer-east", "--yes")
        assert (off.code, off.out) == (0, "dealer-east is switched off\n")
        listed = {each["clientId"]: each for each in (await ordergate(replica, "clients", "list", "--json")).json()}
        assert (listed["dealer-east"]["enabled"], listed["dealer-north"]["managedBy"]) == (False, "file")


async def test_who_has_not_the_role_is_told_so(tmp_path: Path) -> None:
    async with opened_replica(tmp_path) as replica:
        ran = await ordergate(replica, "keys", "list", by="auditor")
        assert (ran.code, "ops:keys" in ran.err) == (1, True)
