"""`sandbox fault …`: arms, lists and lifts the faults of a sandbox that is running."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Sequence
from typing import Any

import httpx
import msgspec

from system_apis.sandbox.faults.kinds import ALL, KINDS
from system_apis.sandbox.faults.wanted import FaultWanted

_CONTROL = "http://127.0.0.1:9414"
_EXAMPLES = """examples:
  fault sap locked --method POST --path '\\$batch' --count 2
  fault salesforce unavailable --probability 0.1 --retry-after-seconds 1
  fault scheduler delay --latency lognormal:0.05:1.5
  fault sap maintenance --seconds 30
  fault                             (lists what is armed)
  fault --lift fault-3              (--lift alone lifts all)
"""
_LATENCIES = {"fixed": ("seconds",), "uniform": ("low", "high"), "lognormal": ("p50", "p99")}


def main(argv: Sequence[str]) -> None:
    """Speaks to the control door. What cannot be ends with one line and status 1."""
    given = vars(_parser().parse_args(argv))
    url, lifted = given.pop("control"), given.pop("lift")
    asked = {name: value for name, value in given.items() if value is not None}
    try:
        with httpx.Client(base_url=url, timeout=10, trust_env=False) as control:
            if lifted is not None:
                control.delete(f"/faults/{lifted}" if lifted else "/faults").raise_for_status()
            elif asked:
                sys.stdout.write(_armed(control, asked) + "\n")
            else:
                sys.stdout.writelines(_line(fault) + "\n" for fault in control.get("/faults").json()["faults"])
    except (httpx.HTTPError, ValueError) as wrong:
        sys.exit(f"sandbox fault: {wrong}")


def _armed(control: httpx.Client, asked: dict[str, Any]) -> str:
    if "latency" in asked:
        shape, *numbers = asked["latency"].split(":")
        if len(numbers) != len(_LATENCIES.get(shape, ())) or not numbers:
            raise ValueError("a latency is fixed:SECONDS, uniform:LOW:HIGH or lognormal:P50:P99")
        asked["latency"] = {"distribution": shape, **dict(zip(_LATENCIES[shape], numbers, strict=True))}
    wanted = msgspec.convert(asked, FaultWanted, strict=False)
    answer = control.post("/faults", content=msgspec.json.encode(wanted))
    if answer.is_error:
        raise ValueError(answer.json()["message"])
    return str(answer.json()["id"])


def _line(fault: dict[str, Any]) -> str:
    where = " ".join(fault[name] for name in ("method", "path", "body") if fault[name])
    often = f"{fault['fired']} of {fault['count'] or 'any'}"
    return f"{fault['id']}  {fault['system']} {fault['kind']} {where or 'everything'}, struck {often}"


def _parser() -> argparse.ArgumentParser:
    kinds = "\n".join(f"  {name:24}{each.says} ({', '.join(each.systems)})" for name, each in KINDS.items())
    parser = argparse.ArgumentParser(
        prog="ordergate sandbox fault",
        description=f"{__doc__}\n\nkinds:\n{kinds}",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("system", nargs="?", choices=ALL)
    parser.add_argument("kind", nargs="?", metavar="kind", choices=KINDS)
    for field in msgspec.structs.fields(FaultWanted):
        if field.name not in ("system", "kind"):
            option = re.sub(r"_", "-", field.name)
            parser.add_argument(f"--{option}", dest=field.encode_name, metavar=option.split("-")[-1].upper())
    parser.add_argument("--lift", nargs="?", const="", metavar="ID", help="lift one fault, or all")
    control = os.environ.get("ORDERGATE_SANDBOX_CONTROL", _CONTROL)
    parser.add_argument("--control", default=control, metavar="URL", help=f"the control door, by default {control}")
    return parser
