"""`python -m system_apis.sandbox`: SAP, Salesforce, a scheduler and an OAuth issuer on this machine."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import uvloop

from system_apis.sandbox.run import Options, serve

_SYSTEMS = ("issuer", "sap", "salesforce", "scheduler", "control")
_TLS_PORT = 9443


def main(argv: Sequence[str] | None = None) -> None:
    """Starts the sandbox and stays until told to stop; a port that is taken ends it with one line and status 1."""
    options = _parsed(argv)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve(options))
    except OSError as wrong:
        sys.exit(f"sandbox: {wrong}")


def _parsed(argv: Sequence[str] | None) -> Options:
    plain = Options()
    parser = argparse.ArgumentParser(prog="ordergate sandbox", description=__doc__)
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
    parser.add_argument("--today", type=date.fromisoformat, metavar="YYYY-MM-DD", help="the world's first day")
    given = vars(parser.parse_args(argv))
    if not given.pop("tls"):
        given["tls_port"] = None
    return Options(**given)


if __name__ == "__main__":
    main()
