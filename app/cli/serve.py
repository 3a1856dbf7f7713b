"""`ordergate serve`: the gateway itself."""

from __future__ import annotations

import os

import rich_click as click

from app.cli.examples import examples


@click.command(
    epilog=examples(
        beside_a_sandbox="ORDERGATE_ENV=sandbox ordergate serve",
        answers_calls_only="ORDERGATE_CONFIG=/etc/ordergate.toml ordergate serve --role api",
        runs_operations_only="ORDERGATE_CONFIG=/etc/ordergate.toml ordergate serve --role worker",
    )
)
@click.option(
    "--role",
    type=click.Choice(["all", "api", "worker"]),
    default=None,
    help="api answers calls, worker runs operations, all does both. [env: ORDERGATE_ROLE; default: all]",
)
@click.option("--host", default=None, help="Address of the external door. [env: ORDERGATE_HOST]")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=None, help="Port of the external door. [env: ORDERGATE_PORT]"
)
@click.option(
    "--internal-host",
    default=None,
    help="Address of the internal door; keep it private. [env: ORDERGATE_INTERNAL_HOST]",
)
@click.option(
    "--internal-port",
    type=click.IntRange(0, 65535),
    default=None,
    help="Port of the internal door: /readyz, /metrics. [env: ORDERGATE_INTERNAL_PORT]",
)
def serve(
    role: str | None, host: str | None, port: int | None, internal_host: str | None, internal_port: int | None
) -> None:
    """Serve the API on the external door and operations on the internal one.

    Everything comes from the environment and one TOML file; an option here wins over both.
    """
    given = {
        "ORDERGATE_ROLE": role,
        "ORDERGATE_HOST": host,
        "ORDERGATE_PORT": port,
        "ORDERGATE_INTERNAL_HOST": internal_host,
        "ORDERGATE_INTERNAL_PORT": internal_port,
    }
    os.environ.update({name: str(value) for name, value in given.items() if value is not None})
    from app.server import serve as serve_until_stopped  # noqa: PLC0415  the whole gateway: not to be loaded for --help

    serve_until_stopped()
