"""`ordergate run`: gateway and sandbox stay up, with everything at hand for a first call."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from app.cli.examples import examples

if TYPE_CHECKING:
    from app.cli.pair import Gateway, Sandbox

LINE = {"lineId": "1", "product": {"id": "TG11"}, "quantity": {"value": "40", "unit": "C62"}}
DEALER = ("dealer-north", "north-sandbox-secret")


@click.command(
    epilog=examples(
        the_usual_ports_or_free_ones_where_those_are_taken="ordergate run",
        beside_another_one="ordergate run --free-ports",
    )
)
@click.option("--free-ports", is_flag=True, help="Take free ports at once instead of the usual ones.")
@click.option(
    "--logs",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("var/run"),
    show_default=True,
    help="Where both write their logs.",
)
def run(free_ports: bool, logs: Path) -> None:
    """Start the sandbox and a gateway in front of it, and keep both up until Ctrl-C.

    Prints where everything listens, an access token, and a first call to copy. The world begins anew with each start.
    """
    from app.cli.pair import running_pair  # noqa: PLC0415  httpx and all: not to be loaded for --help
    from app.cli.processes import ChildFailed, ended_by_signals  # noqa: PLC0415  likewise

    try:
        with ended_by_signals(), running_pair(logs, free_ports=free_ports) as (sandbox, gateway):
            _welcome(sandbox, gateway, logs)
            gateway.process.wait()
            click.echo(f"the gateway ended with code {gateway.process.returncode}; its log is {gateway.log}", err=True)
            sys.exit(1)
    except KeyboardInterrupt:
        click.echo("\nstopped")
    except ChildFailed as failure:
        click.echo(str(failure), err=True)
        sys.exit(1)


def _welcome(sandbox: Sandbox, gateway: Gateway, logs: Path) -> None:
    from app.cli.pair import access_token  # noqa: PLC0415  likewise

    token = access_token(sandbox.issuer, *DEALER)
    requested = datetime.now(UTC).date() + timedelta(days=5)
    where = (
        ("API", f"{gateway.url}/v1", "docs at /docs, document at /openapi/v1.json"),
        ("operators", gateway.internal_url, "/readyz, /metrics"),
        ("issuer", sandbox.issuer, "POST /token, client credentials"),
        ("SAP", sandbox.sap, "user SANDBOX, password Welcome1"),
        ("Salesforce", sandbox.salesforce, "client ordergate, secret salesforce-sandbox-secret"),
        ("scheduler", sandbox.scheduler, "X-API-Key scheduler-sandbox-key"),
        ("faults", sandbox.control, "POST /faults"),
    )
    click.secho("Ordergate and its sandbox are up", bold=True)
    for name, url, hint in where:
        click.echo(f"  {name:<11} {click.style(url, fg='cyan')}  {click.style(hint, dim=True)}")
    click.echo(f"  {'logs':<11} {logs}")
    click.secho(f"\nAn access token of {DEALER[0]}, good for an hour", bold=True)
    click.echo(f"  TOKEN={token}")
    click.secho("\nA first call: can 40 pieces of TG11 be there in five days?", bold=True)
    body = {"soldTo": {"id": "17100001"}, "lines": [{**LINE, "requestedDate": requested.isoformat()}]}
    click.echo(f"  curl -s {gateway.url}/v1/atp-checks \\")
    click.echo(f"    -H 'Authorization: Bearer {token}' \\")
    click.echo("    -H 'Content-Type: application/json' \\")
    click.echo(f"    -d '{json.dumps(body)}'")
    click.secho("\nCtrl-C stops both.", dim=True)
