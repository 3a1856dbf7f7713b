"""Reference maps: what others call our products and customers. Declared in the configuration, one for all processes.

A name that is not in the map is unknown, never guessed: a wrong material is worse than a refused line.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from msgspec import Struct

from process_apis.words import bare

ProductScheme = Literal["erp", "sku", "gtin", "customerPart"]
CustomerScheme = Literal["erp", "crm"]

_GTIN_DIGITS = 14
_CRM_ID_SIGNIFICANT = 15


class ProductName(Struct, frozen=True, forbid_unknown_fields=True):
    """`material` is the ERP's number of what `scheme` calls `id`. A `customerPart` is the word of one `customer` only
    (the ERP's number of it); the other schemes mean the same for everybody."""

    scheme: ProductScheme
    id: str
    material: str
    customer: str = ""


class CustomerName(Struct, frozen=True, forbid_unknown_fields=True):
    """`customer` is the ERP's number of the account that the CRM calls `id` (15 or 18 characters)."""

    id: str
    customer: str


class Substitute(Struct, frozen=True, forbid_unknown_fields=True):
    """`by` may be delivered in place of all of a line of `material`, where the caller allows it."""

    material: str
    by: str


@dataclass(frozen=True, slots=True)
class ReferenceMaps:
    """The maps of one configuration. Nobody is asked."""

    _products: dict[tuple[str, str, str], str] = field(default_factory=dict)
    _customers: dict[str, str] = field(default_factory=dict)
    _substitutes: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        products: Iterable[ProductName] = (),
        customers: Iterable[CustomerName] = (),
        substitutes: Iterable[Substitute] = (),
    ) -> ReferenceMaps:
        return cls(
            {_product_key(one.scheme, one.id, one.customer): one.material for one in products},
            {_crm_id(one.id): bare(one.customer) for one in customers},
            {one.material: one.by for one in substitutes},
        )

    def material(self, scheme: ProductScheme, ident: str, customer: str) -> str | None:
        """The ERP's material number, or None. `customer` is who asks: a customer's part number is its own word."""
        if scheme == "erp":
            return ident
        return self._products.get(_product_key(scheme, ident, customer))

    def customer(self, scheme: CustomerScheme, ident: str) -> str | None:
        """The ERP's customer number without its padding, or None."""
        return bare(ident) if scheme == "erp" else self._customers.get(_crm_id(ident))

    def substitute(self, material: str) -> str | None:
        """What may be delivered instead, or None."""
        return self._substitutes.get(material)


def _product_key(scheme: str, ident: str, customer: str) -> tuple[str, str, str]:
    """A GTIN of 8, 12 or 13 digits is the one of 14 with its leading zeros (GS1 General Specifications)."""
    if scheme == "gtin" and ident.isascii() and ident.isdigit():
        ident = ident.zfill(_GTIN_DIGITS)
    return scheme, ident, bare(customer) if scheme == "customerPart" else ""


def _crm_id(ident: str) -> str:
    """The last three of eighteen characters only repeat how the first fifteen are written."""
    return ident[:_CRM_ID_SIGNIFICANT]
