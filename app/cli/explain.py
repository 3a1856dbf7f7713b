"""`ordergate explain`: why was this call refused?"""

from __future__ import annotations

import json
from typing import Any

import rich_click as click

from app.cli.at_the_desk import in_line
from app.cli.examples import examples
from app.cli.internal_door import REFUSED, DoorRefused, InternalDoor, at_the_internal_door

PATH = "/internal/v1/explanations/{instance}"


@click.command(
    epilog=examples(
        the_instance_of_a_problem="ordergate explain urn:uuid:6f1ed002-ab55-4f0e-8a29-0c1c0d1b7a10",
        where_several_replicas_run="ordergate explain 6f1ed002-ab55-4f0e-8a29-0c1c0d1b7a10 "
        "--also http://10.0.0.2:8081 --also http://10.0.0.3:8081",
    )
)
@click.argument("instance")
@click.option("--also", "others", multiple=True, metavar="URL", envvar="ORDERGATE_CLI_ALSO", show_envvar=True,
              help="The internal doors of further replicas: only the one that refused a call knows why.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="The answer as it came, for programs.")
@at_the_internal_door
def explain(door: InternalDoor, instance: str, others: tuple[str, ...], as_json: bool) -> None:
    """Why the call with this INSTANCE got its 401, 403, 404, 409, 412, 422 or 429: which policy decided, on which
    facts, and what would help.

    INSTANCE stands in the caller's problem and in X-Request-ID of every answer. A process remembers its last few
    thousand refusals, a fair share of each client's; it forgets them when it ends.
    """
    found = _asked(door, instance, others)
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    click.echo(in_line(f"{found['status']} {found['code']}: {found['because']}"))
    _line("decided by", found["decidedBy"])
    _line("call", found["operation"] or "no known address")
    _line("client", f"{found['clientId']} with {found['credential']}" if found["clientId"] else "nobody known")
    _line("at", f"{found['at']}, {found['process']}")
    _line("correlation", found["correlationId"])
    for name, value in found["facts"].items():
        _line(name, value if isinstance(value, str) else json.dumps(value))
    _line("what helps", found["remedy"])


def _line(label: str, value: Any) -> None:
    click.echo(f"  {label:<18} {in_line(value)}")


def _asked(door: InternalDoor, instance: str, others: tuple[str, ...]) -> dict[str, Any]:
    path = PATH.format(instance=instance)
    asked = [door.url]
    try:
        return door.get(path)
    except DoorRefused as refused:
        if refused.code != "not-found":
            raise
    for url in others:
        with door.beside(url.rstrip("/")) as other:
            asked.append(url)
            try:
                return other.get(path)
            except DoorRefused as refused:
                if refused.code != "not-found":
                    raise
    hint = (
        "only the process that refused it knows, for a while: name the other replicas with --also; "
        "its access log has a line with this request_id for as long as logs are kept"
    )
    raise DoorRefused(f"no refusal {instance} is remembered at {', '.join(asked)}", hint, REFUSED)
