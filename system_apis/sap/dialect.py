"""The dialects of OData that SAP speaks, as far as they differ below a single question: where a service lives, which
media type keeps its numbers exact, and how its metadata is written."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from system_apis.sap import metadata
from system_apis.sap.metadata import ServiceMetadata
from system_apis.sap.v4 import metadata as metadata_v4


class Dialect(Struct, frozen=True):
    """`root` is the path of a service by its technical name, `media` what bodies are asked for and sent as."""

    root: str
    media: str
    described: Callable[[bytes], ServiceMetadata]


V2 = Dialect("/sap/opu/odata/sap/{service}", "application/json", metadata.read)
SALES_ORDER_V4 = Dialect(
    # A version 4 service is published in a group, whose path does not follow from the service's name.
    "/sap/opu/odata4/sap/api_salesorder/srvd_a2x/sap/salesorder/0001",
    # Without it decimals come as JSON numbers, which whoever stands between us and SAP may read as floats.
    "application/json;IEEE754Compatible=true",
    metadata_v4.read,
)
