"""The command line as a person meets it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.e2e.conftest import ORDERGATE

ROOT = Path(__file__).parents[2]
COMMANDS = (
    "demo", "run", "sandbox",
    "serve", "check-config", "operations", "exceptions", "systems", "figures",
    "clients", "keys",
    "explain", "audit", "versions",
    "openapi", "access", "scheduler-check",
)  # fmt: skip


def ordergate(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    bare = {name: value for name, value in os.environ.items() if not name.startswith("ORDERGATE_")}
    return subprocess.run(
        [ORDERGATE, *arguments], capture_output=True, text=True, env={**bare, **env}, cwd=ROOT, timeout=60, check=False
    )


def test_help_is_quick_and_names_every_command() -> None:
    began = time.monotonic()
    shown = ordergate("--help")
    assert shown.returncode == 0
    assert time.monotonic() - began < 2, "the gateway is not to be loaded for a --help"
    for command in COMMANDS:
        assert re.search(rf"^│ {command} ", shown.stdout, re.MULTILINE)


@pytest.mark.parametrize("command", [each for each in COMMANDS if each != "sandbox"])
def test_each_command_teaches_by_example(command: str) -> None:
    shown = ordergate(command, "--help")
    assert shown.returncode == 0
    assert re.search(rf"^ \$ .*ordergate {command}", shown.stdout, re.MULTILINE)


def test_the_sandbox_explains_its_own_options() -> None:
    shown = ordergate("sandbox", "--help")
    assert shown.returncode == 0
    assert "--sap-port" in shown.stdout


def test_the_version_is_the_packages() -> None:
    assert ordergate("--version").stdout.startswith("ordergate, version 0.")


def test_a_fit_configuration_is_called_fit() -> None:
    checked = ordergate("check-config", ORDERGATE_ENV="sandbox")
    assert checked.returncode == 0, checked.stderr
    assert "s4-1710" in checked.stdout


@pytest.mark.parametrize(
    ("env", "named"),
    [
        ({}, "ORDERGATE_CONFIG"),
        ({"ORDERGATE_ENV": "sandbox", "ORDERGATE_PORT": "http"}, "ORDERGATE_PORT"),
        ({"ORDERGATE_ENV": "sandbox", "ORDERGATE_PROT": "8080"}, "ORDERGATE_PORT"),
        ({"ORDERGATE_ENV": "sandbox", "ORDERGATE_DATABASE_URL": "sqlite://"}, "ORDERGATE_DATABASE_URL"),
        ({"ORDERGATE_CONFIG": str(ROOT / "app/config/sandbox.toml")}, "ORDERGATE_DATABASE_URL"),
    ],
)
def test_an_unfit_configuration_is_named_in_one_line(env: dict[str, str], named: str) -> None:
    checked = ordergate("check-config", **env)
    assert checked.returncode == 1
    assert named in checked.stderr
    assert len(checked.stderr.strip().splitlines()) == 1


def test_serve_stops_at_a_bad_value_with_one_line() -> None:
    served = ordergate("serve", ORDERGATE_ENV="sandbox", ORDERGATE_DRAIN_S="soon")
    assert served.returncode != 0
    assert "ORDERGATE_DRAIN_S" in served.stderr
    assert "Traceback" not in served.stderr


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("sqlite:///{directory}", "unable to open database file"),
        ("sqlite:///{directory}/file/ordergate.db", "File exists|Not a directory"),
        ("postgresql://nobody:hunter2@127.0.0.1:1/x", "Connection refused"),
    ],
)
def test_serve_says_in_one_line_why_it_has_no_store(url: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    served = ordergate("serve", ORDERGATE_ENV="sandbox", ORDERGATE_DATABASE_URL=url.format(directory=tmp_path))
    assert served.returncode == 3
    assert re.fullmatch(rf"ordergate: ORDERGATE_DATABASE_URL: .* cannot be opened: .*({says}).*\n", served.stderr)
    assert "hunter2" not in served.stderr


@pytest.mark.parametrize("text", ["", "{}", '{"urls": {}}', '{"urls": []}'])
def test_a_demo_on_no_sandbox_says_so(text: str, tmp_path: Path) -> None:
    (tmp_path / "world.json").write_text(text)
    shown = ordergate("demo", "--sandbox", str(tmp_path / "world.json"), "--logs", str(tmp_path))
    assert shown.returncode == 1
    assert "names no sandbox" in shown.stdout
    assert not shown.stderr


@pytest.mark.parametrize("command", ["demo", "run"])
def test_logs_that_cannot_be_written_are_said(command: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    shown = ordergate(command, "--logs", str(tmp_path / "file" / "logs"))
    assert shown.returncode == 1
    assert "name another --logs" in shown.stdout + shown.stderr
    assert "Traceback" not in shown.stderr


def test_the_committed_document_is_what_the_routes_say() -> None:
    checked = ordergate("openapi", "--check")
    assert checked.returncode == 0, checked.stderr


def test_a_document_out_of_date_is_shown_and_refused(tmp_path: Path) -> None:
    (tmp_path / "v1.json").write_text("{}\n")
    checked = ordergate("openapi", "--check", "--directory", str(tmp_path))
    assert checked.returncode == 1
    assert "make openapi" in checked.stderr


def test_run_prints_a_first_call_that_works_by_copy_and_paste(tmp_path: Path) -> None:
    with subprocess.Popen(
        [ORDERGATE, "run", "--free-ports"], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        shown = ""
        while "Ctrl-C" not in shown:
            line = running.stdout.readline()
            assert line, f"run ended early: {shown}"
            shown += line
        call = re.search(r"^  (curl .*?)\n\n", shown, re.MULTILINE | re.DOTALL)
        assert call
        typed = subprocess.run(["bash", "-c", call[1]], capture_output=True, text=True, timeout=30, check=False)
        running.send_signal(signal.SIGTERM)
        shown += running.stdout.read()
    assert '"status":"confirmed"' in typed.stdout.replace(" ", "")
    assert running.returncode == 0
    assert "stopped" in shown
