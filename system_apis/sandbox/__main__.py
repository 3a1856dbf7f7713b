"""`python -m system_apis.sandbox`: SAP, Salesforce, a scheduler and an OAuth issuer on this machine."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import get_args

import uvloop

from system_apis.sandbox.run import Options, serve
from system_apis.sandbox.sap.installed import SalesOrderService

_SYSTEMS = ("issuer", "sap", "salesforce", "scheduler", "control")
_TLS_PORT = 9443


def main(argv: Sequence[str] | None = None) -> None:
    """Starts the sandbox and stays until told to stop; a port that is taken ends it with one line and status 1."""
    words = sys.argv[1:] if argv is None else list(argv)
    if words[:1] == ["fault"]:
        from system_apis.sandbox.faults import by_hand  # noqa: PLC0415 - a client, which the sandbox has no use for

        by_hand.main(words[1:])
        return
    options = _parsed(words)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve(options))
    except OSError as wrong:
        sys.exit(f"sandbox: {wrong}")


def _parsed(argv: Sequence[str]) -> Options:
    plain = Options()
    epilog = "`ordergate sandbox fault --help` tells how to make a running sandbox fail."
    parser = argparse.ArgumentParser(prog="ordergate sandbox", description=__doc__, epilog=epilog)
    parser.add_argument("--host", default=plain.host)
    for system in _SYSTEMS:
        default = getattr(plain, f"{system}_port")
        parser.add_argument(
            f"--{system}-port", type=int, default=default, metavar="N", help=f"default {default}; 0 = any"
        )
    parser.add_argument("--tls", action="store_true", help="Salesforce over TLS as well")
    parser.add_argument("--tls-port", type=int, default=_TLS_PORT, metavar="N", help=f"default {_TLS_PORT}; 0 = any")
    parser.add_argument(
        "--ca-file", type=Path, default=plain.ca_file, help="where the TLS authority's certificate is written"
    )
    parser.add_argument("--key-file", type=Path, help="keeps the issuer's key over restarts")
    parser.add_argument("--issuer-url", help="the issuer identifier, where it is not the issuer's own address")
    parser.add_argument(
        "--announce", type=Path, metavar="FILE", help="write the addresses here, not to standard output"
    )
    parser.add_argument("--seed", type=int, default=plain.seed, metavar="N", help="of what is left to chance")
    parser.add_argument(
        "--quotes",
        type=int,
        default=plain.quotes,
        metavar="N",
        help="approved quotes to convert in a crowd (Q-2001 ...)",
    )
    parser.add_argument(
        "--repeatability", action="store_true", help="SAP honours RequestID: a repeated change is done once"
    )
    parser.add_argument(
        "--sap-sales-order",
        choices=get_args(SalesOrderService),
        default=plain.sap_sales_order,
        help="which sales order services SAP has: OData V2, V4 or both (default)",
    )
    parser.add_argument(
        "--jwt-key-file", type=Path, help="Salesforce's JWT bearer flow: the client's private key, made if missing"
    )
    parser.add_argument("--today", type=date.fromisoformat, metavar="YYYY-MM-DD", help="the world's first day")
    given = vars(parser.parse_args(argv))
    if not given.pop("tls"):
        given["tls_port"] = None
    return Options(**given)


if __name__ == "__main__":
    main()
