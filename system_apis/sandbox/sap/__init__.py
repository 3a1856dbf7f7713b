"""The ERP in miniature: SAP's OData services, sales orders in V2 and in V4."""

from system_apis.sandbox.sap.server import ApplicationServer
from system_apis.sandbox.world import World


def app(world: World) -> ApplicationServer:
    """The ERP of `world` as an ASGI application; it knows nothing of faults."""
    return ApplicationServer(world)
