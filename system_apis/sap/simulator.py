"""The promise of SAP: API_SALES_ORDER_SIMULATION_SRV, an order that is priced, checked and never saved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

import httpx
import msgspec

from system_apis.bodies import decoded
from system_apis.deadline import Deadline
from system_apis.errors import ObjectLocked
from system_apis.sap import blame, complaints, reading, wire, writing
from system_apis.sap.asking import SapErrand
from system_apis.sap.models import Demand, SalesArea, Simulation, SourceMessage
from system_apis.sap.service import Service
from system_apis.sap.units import Units, UnitUnknown

SERVICE = "API_SALES_ORDER_SIMULATION_SRV"
MOST_ROUNDS = 3
_ANSWER = msgspec.json.Decoder(wire.Envelope[wire.SimulatedOrder])


@dataclass(frozen=True, slots=True)
class Question:
    """Who wants to buy where. `order` names an existing order whose own demand is not to count against it.

    The service takes an order number by its metadata; SAP publishes nothing on what it does with it, so that this is
    to be tried on each system. Where it is ignored the answer errs to the safe side: less is promised, not more.
    """

    sold_to: str
    sales_area: SalesArea
    order_type: str
    order: str | None
    with_elements: bool = False
    ship_to: str | None = None


class Simulator:
    """The simulation service. It saves nothing, so that every question may be asked again."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def simulate(self, question: Question, lines: Sequence[Demand], deadline: Deadline) -> Simulation:
        """SAP refuses the whole document for one bad line: such lines are set aside with SAP's message and the others
        are asked again, a few times."""
        errand = self._service.errand("simulate an order")
        asked, refused = _with_known_units(writing.numbered(lines), self._service.units)
        for rounds_left in reversed(range(MOST_ROUNDS)):
            if not asked:
                break
            answer = await self._ask(question, asked, errand, deadline)
            if answer.is_success:
                warnings = complaints.warnings(answer.headers.get("sap-message"))
                read = decoded(_ANSWER, answer.content, errand).d
                return reading.simulation(read, asked, refused, warnings, errand)
            guilty = self._guilty(answer, asked, errand, last=rounds_left == 0)
            refused |= {asked[number].line_id: message for number, message in guilty.items()}
            asked = {number: line for number, line in asked.items() if number not in guilty}
        return _nothing_simulated(refused)

    async def _ask(
        self, question: Question, asked: Mapping[str, Demand], errand: SapErrand, deadline: Deadline
    ) -> httpx.Response:
        body = writing.simulation(
            question.sold_to,
            question.sales_area,
            asked,
            order_type=question.order_type,
            order=question.order,
            with_elements=question.with_elements,
            ship_to=question.ship_to,
            units=self._service.units,
        )
        return await self._service.post("A_SalesOrderSimulation", msgspec.json.encode(body), errand, deadline)

    def _guilty(
        self, answer: httpx.Response, asked: Mapping[str, Demand], errand: SapErrand, *, last: bool
    ) -> dict[str, SourceMessage]:
        """The lines this refusal names. If it names none, or is about a lock, it stands for the whole."""
        said = complaints.complaint(answer.status_code, answer.content)
        failure = self._service.failure(answer.status_code, answer.content, errand)
        if isinstance(failure, ObjectLocked) or answer.status_code != httpx.codes.BAD_REQUEST:
            raise failure
        guilty = blame.blamed(said.entries, asked)
        if not guilty or (last and len(guilty) < len(asked)):
            raise failure
        return guilty


def _with_known_units(items: Mapping[str, Demand], units: Units) -> tuple[dict[str, Demand], dict[str, SourceMessage]]:
    """The lines SAP can be asked for, and a refusal of ours for each whose unit has no counterpart there."""
    known: dict[str, Demand] = {}
    refused: dict[str, SourceMessage] = {}
    for number, line in items.items():
        try:
            units.to_sap(line.unit)
            known[number] = line
        except UnitUnknown as unknown:
            refused[line.line_id] = SourceMessage(UnitUnknown.CODE, str(unknown))
    return known, refused


def _nothing_simulated(refused: Mapping[str, SourceMessage]) -> Simulation:
    nothing = Decimal(0)
    return Simulation((), dict(refused), nothing, nothing, "", "notChecked", (), datetime.now(UTC))
