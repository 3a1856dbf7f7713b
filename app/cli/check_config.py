"""`ordergate check-config`: is this configuration fit to start? One line if not."""

from __future__ import annotations

import sys

import rich_click as click

from app.cli.examples import examples


@click.command(
    "check-config",
    epilog=examples(
        what_the_sandbox_would_start_with="ORDERGATE_ENV=sandbox ordergate check-config",
        before_a_restart="ORDERGATE_CONFIG=/etc/ordergate.toml ordergate check-config",
    ),
)
def check_config() -> None:
    """Read environment and TOML file as `serve` would, start nothing, name the first fault.

    One line on standard error and exit code 1, or one line on standard output and 0.
    """
    from app import settings  # noqa: PLC0415  the whole world of a file: not to be loaded for --help

    try:
        found = settings.load()
    except settings.SettingsError as fault:
        click.echo(str(fault), err=True)
        sys.exit(1)
    systems = found.world.systems
    instances = (
        *(each.instance for each in systems.erp),
        *(each.instance for each in systems.crm),
        *(each.instance for each in systems.scheduler),
    )
    click.echo(f"{found.config} is fit to start: {', '.join(instances)}; {len(found.world.clients)} clients")
