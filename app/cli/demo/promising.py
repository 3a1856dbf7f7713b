"""The first question: what can be promised for the three lines of the quote?"""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from app.cli.demo.stage import CUSTOMER, Stage

REQUESTED_IN_DAYS = 5
ASKED = {"TG11": 40, "TG12": 100, "FG126": 50}
ON_TIME_TG12 = 60
"""What lies in stock of TG12; the rest waits for a purchase receipt."""
TO_MAKE_FG126 = 40
"""What the plant has to make of FG126: ten lie in stock."""


def promise(stage: Stage, token: str) -> dict[str, Any]:
    """Ask; check that the answer says what stock, receipt and plan allow, and that nothing was reserved by asking."""
    narrator = stage.narrator
    orders_before = stage.witness.orders_in_all()
    answer = stage.door.call("POST", "/v1/atp-checks", token=token, body=question(stage.today))
    narrator.claim("the check is answered", answer.is_success, found=answer.text)
    made: dict[str, Any] = answer.json()
    narrator.table(
        ("line", "asked", "on time", "confirmed", "status", "schedule"), [_row(line) for line in made["lines"]]
    )
    _check_lines(stage, {line["lineId"]: line for line in made["lines"]})
    sources = {source["system"]: source["outcome"] for source in made["sources"]}
    narrator.claim("ERP and scheduler are named as sources", sources == {"erp": "ok", "scheduler": "ok"}, found=sources)
    narrator.claim("asking made no order", stage.witness.orders_in_all() == orders_before)
    return made


def question(today: date) -> dict[str, Any]:
    requested = (today + timedelta(days=REQUESTED_IN_DAYS)).isoformat()
    return {
        "soldTo": {"id": CUSTOMER},
        "lines": [
            {
                "lineId": material,
                "product": {"id": material},
                "quantity": {"value": str(quantity), "unit": "C62"},
                "requestedDate": requested,
            }
            for material, quantity in ASKED.items()
        ],
    }


def _check_lines(stage: Stage, lines: dict[str, Any]) -> None:
    claim = stage.narrator.claim
    on_time, late, short = lines["TG11"], lines["TG12"], lines["FG126"]
    claim("TG11 comes on time", on_time["status"] == "confirmed", found=on_time["status"])
    claim(
        "TG12 is late: 60 on time, 40 from a purchase receipt",
        late["status"] == "confirmedLate" and Decimal(late["onTimeQuantity"]["value"]) == ON_TIME_TG12,
        found=late,
    )
    made = [piece for piece in short["schedule"] if piece["supply"] == "production"]
    planned = sum(Decimal(piece["quantity"]["value"]) for piece in made)
    claim(
        "FG126 is short in SAP: the plant would make the missing 40", planned == TO_MAKE_FG126, found=short["schedule"]
    )
    claim(
        "and says how sure it is: simulated, not reserved",
        {piece["firmness"] for piece in made} == {"simulated"},
        found=made,
    )


def _row(line: dict[str, Any]) -> tuple[str, ...]:
    return (
        line["lineId"],
        line["requested"]["quantity"]["value"],
        *((line[name] or {"value": "unknown"})["value"] for name in ("onTimeQuantity", "confirmedQuantity")),
        line["status"],
        ", ".join(f"{piece['quantity']['value']} on {_short(piece['deliveryDate'])}" for piece in line["schedule"]),
    )


def _short(day: str) -> str:
    return f"{date.fromisoformat(day):%d %b}"
