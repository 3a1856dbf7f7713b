"""`ordergate sandbox`: the neighbours in miniature. The one place that knows where the sandbox lives."""

from __future__ import annotations

import rich_click as click


@click.command(
    context_settings={"ignore_unknown_options": True, "help_option_names": []},
    short_help="SAP, Salesforce, a scheduler and an OAuth issuer in miniature.",
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def sandbox(arguments: tuple[str, ...]) -> None:
    """SAP, Salesforce, a scheduler and an OAuth issuer in miniature. `ordergate sandbox --help` lists its options."""
    from system_apis.sandbox.__main__ import main  # noqa: PLC0415  the outside world: loaded only to be it

    main(list(arguments))
