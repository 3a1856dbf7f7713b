"""How a use of an OData service is declared: which paths, and what is done with which of their properties."""

from __future__ import annotations

from msgspec import Struct

from system_apis.sap.dialect import V2, Dialect

REFERENCE_LENGTH = 35


class Use(Struct, frozen=True):
    """What is used at a path (a set, then navigations): properties by what is done with them."""

    path: str
    read: tuple[str, ...] = ()
    create: tuple[str, ...] = ()
    update: tuple[str, ...] = ()
    filter: tuple[str, ...] = ()


class ServiceUse(Struct, frozen=True):
    """`functions`: the parameters we call each function import with."""

    service: str
    uses: tuple[Use, ...] = ()
    functions: dict[str, tuple[str, ...]] = {}
    dialect: Dialect = V2
