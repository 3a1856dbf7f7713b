"""The command line. Each command lives in a file of its own and loads what it needs only when it runs."""

from __future__ import annotations

import importlib.metadata
import os
import sys

import rich_click as click

from app.cli.access import access
from app.cli.audit import audit
from app.cli.check_config import check_config
from app.cli.clients import clients
from app.cli.demo import demo
from app.cli.examples import examples
from app.cli.exceptions import exceptions
from app.cli.explain import explain
from app.cli.figures import figures
from app.cli.keys import keys
from app.cli.openapi import openapi
from app.cli.operations import operations
from app.cli.retention import retention
from app.cli.run import run
from app.cli.sandbox import sandbox
from app.cli.scheduler_check import scheduler_check
from app.cli.serve import serve
from app.cli.systems import systems
from app.cli.versions import versions

click.rich_click.TEXT_MARKUP = "ansi"
click.rich_click.SHOW_ARGUMENTS = True
click.rich_click.COMMAND_GROUPS = {
    "ordergate": [
        {"name": "Try it", "commands": ["demo", "run", "sandbox"]},
        {"name": "Operate it", "commands": ["serve", "check-config", "operations", "exceptions", "systems", "figures"]},
        {"name": "Say who may call", "commands": ["clients", "keys"]},
        {"name": "Look into it", "commands": ["explain", "audit", "versions", "retention"]},
        {"name": "Build against it", "commands": ["openapi", "access", "scheduler-check"]},
    ]
}


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": None},
    epilog=examples(
        the_main_job_from_start_to_end="ordergate demo",
        gateway_and_sandbox_to_play_with="ordergate run",
        is_this_configuration_fit_to_start="ordergate check-config && echo yes",
        one_worker_of_a_larger_installation="ordergate serve --role worker",
    ),
)
@click.version_option(importlib.metadata.version("ordergate"), prog_name="ordergate")
def group() -> None:
    """Ordergate: the one governed door between CRM, ERP and the plant.

    It answers what can be promised and when, turns an accepted quote into exactly one order,
    and changes a running order in all systems at once.
    """


for command in (
    demo,
    run,
    sandbox,
    serve,
    check_config,
    operations,
    exceptions,
    systems,
    figures,
    clients,
    keys,
    explain,
    audit,
    versions,
    retention,
    openapi,
    access,
    scheduler_check,
):
    group.add_command(command)


def main() -> None:
    """The console script. Colours only where somebody looks: a terminal, and NO_COLOR not set."""
    if not sys.stdout.isatty():
        os.environ.setdefault("NO_COLOR", "1")
    group(prog_name="ordergate")
