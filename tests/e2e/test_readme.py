"""What the README tells a newcomer to type is typed here."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from app.cli.pair import Gateway, Sandbox
from app.settings import NAMES

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_its_code_works_as_it_stands(pair: tuple[Sandbox, Gateway], tmp_path: Path) -> None:
    sandbox, gateway = pair
    script = "\n".join(["set -eu", *_blocks("bash")])
    for usual, url in (("http://127.0.0.1:8080", gateway.url), ("http://127.0.0.1:9410", sandbox.issuer)):
        assert usual in script
        script = script.replace(usual, url)
    typed = subprocess.run(
        ["bash", "-c", script],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "PATH": f"{_curl(tmp_path)}:{os.environ['PATH']}"},
    )
    assert typed.returncode == 0, typed.stderr
    promise, operation = _documents(typed.stdout)
    assert promise["lines"][0]["onTimeQuantity"]["value"] == "60", "as the README says"
    assert operation["state"] == "completed", operation


def test_its_make_targets_and_commands_exist() -> None:
    lines = [line.split("#")[0].split() for block in _blocks("sh") for line in block.splitlines()]
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in [words[1] for words in lines if words[0] == "make"]:
        assert f"\n{target}:" in makefile
    for command in [words[1:] for words in lines if words[0] == "ordergate"]:
        helped = subprocess.run(
            [str(Path(sys.executable).with_name("ordergate")), command[0], "--help"], capture_output=True, check=False
        )
        assert helped.returncode == 0, command


def test_it_lists_every_setting() -> None:
    table = "\n".join(line for line in README.splitlines() if line.startswith("| `ORDERGATE_"))
    assert set(re.findall(r"`(ORDERGATE_[A-Z_]+)`", table)) == set(NAMES)


def test_the_example_environment_names_settings_only() -> None:
    named = set(re.findall(r"^(?:# )?(ORDERGATE_\w+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    secrets = set(re.findall(r"\$\{(\w+)\}", (ROOT / "app/config/example.toml").read_text()))
    assert named <= set(NAMES) | secrets
    assert secrets <= named


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", "CONTEXT.md", "CHANGELOG.md"])
def test_its_links_lead_somewhere(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    for link in re.findall(r"\]\((?!https?://)([^)#]+)", text):
        assert (ROOT / link).exists(), link


def _blocks(language: str) -> list[str]:
    found = re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    assert found
    return found


def _curl(directory: Path) -> Path:
    """Where `curl` is: the machine's own, or on a machine without one the few options that the README uses."""
    own = shutil.which("curl")
    if own:
        return Path(own).parent
    stand_in = directory / "curl"
    stand_in.write_text(f'#!/bin/sh\nexec {sys.executable} {Path(__file__).with_name("curl.py")} "$@"\n')
    stand_in.chmod(0o755)
    return directory


def _documents(text: str) -> list[dict[str, Any]]:
    decoder, found = json.JSONDecoder(), []
    while text.strip():
        document, end = decoder.raw_decode(text := text.strip())
        found.append(document)
        text = text[end:]
    return found
