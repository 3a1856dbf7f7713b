"""The services of the system by their roots, and which of the two sales order services somebody has activated."""

from __future__ import annotations

from typing import Literal

from system_apis.sandbox.sap import engineering, product_availability, sales_order, simulation
from system_apis.sandbox.sap.catalogue import Catalogue
from system_apis.sandbox.sap.errors import Refused, refused
from system_apis.sandbox.sap.manner import Spoken
from system_apis.sandbox.sap.model import load
from system_apis.sandbox.sap.product_availability import ProductAvailability
from system_apis.sandbox.sap.records import SOURCES
from system_apis.sandbox.sap.sales_order import SalesOrders
from system_apis.sandbox.sap.service import Service
from system_apis.sandbox.sap.simulation import Simulation
from system_apis.sandbox.sap.v4 import model as v4_model
from system_apis.sandbox.sap.v4.service import V4Service
from system_apis.sandbox.sap.v4.words import WORDS

SalesOrderService = Literal["v2", "v4", "both"]
V4_ROOTS = "/sap/opu/odata4/"
_V2_ROOTS = "/sap/opu/odata/sap/"
_ORDERS = {
    "v2": f"{_V2_ROOTS}{sales_order.SERVICE}",
    "v4": f"{V4_ROOTS}sap/api_salesorder/srvd_a2x/sap/salesorder/0001",
}
_PAGE_OF_ORDERS, _PAGE_OF_RECORDS = 1_000, 20


class Installed:
    def __init__(self) -> None:
        orders, simulated, available = map(
            load, (sales_order.SERVICE, simulation.SERVICE, product_availability.SERVICE)
        )
        served = v4_model.load()
        self._services: dict[str, Spoken] = {
            _ORDERS["v2"]: Service(orders, SalesOrders(orders), _PAGE_OF_ORDERS),
            _ORDERS["v4"]: V4Service(served, SalesOrders(served.model, WORDS), _PAGE_OF_ORDERS),
            _V2_ROOTS + simulation.SERVICE: Service(simulated, Simulation(simulated), _PAGE_OF_ORDERS),
            _V2_ROOTS + product_availability.SERVICE: Service(available, ProductAvailability(), _PAGE_OF_RECORDS),
        }
        for name, sources in (SOURCES | engineering.SOURCES).items():
            model = load(name)
            self._services[_V2_ROOTS + name] = Service(model, Catalogue(model, sources), _PAGE_OF_RECORDS)
        self._page_sizes = {root: service.page_size for root, service in self._services.items()}
        self._missing: dict[str, Refused] = {}

    def configure(self, page_size: int | None, orders: SalesOrderService | None) -> None:
        """Rows per page for every service (nothing: as SAP ships them); nothing said of `orders` leaves them as is."""
        for root, service in self._services.items():
            service.page_size = page_size or self._page_sizes[root]
        if orders is not None:
            self._missing = {
                _ORDERS[version]: _inactive(version) for version in _ORDERS if orders not in (version, "both")
            }

    def found(self, path: str) -> tuple[str, Spoken] | None:
        """The service below whose root a path lies, and that root."""
        return next((each for each in self._services.items() if f"{path}/".startswith(f"{each[0]}/")), None)

    def missing(self, root: str) -> Refused | None:
        """What the system says of a service that it has and nobody has activated."""
        return self._missing.get(root)


def _inactive(version: str) -> Refused:
    if version == "v2":
        text = f"No service found for namespace '', name '{sales_order.SERVICE}', version '0001'"
        return refused(403, "/IWFND/MED/170", text)
    return refused(404, "/IWBEP/CM_V4_COS/014", "Service group 'API_SALESORDER' not published")
