"""What others call our products and customers is looked up, never guessed."""

from __future__ import annotations

import pytest

from process_apis.reference_maps import CustomerName, ProductName, ReferenceMaps, Substitute

MAPS = ReferenceMaps.of(
    [
        ProductName("gtin", "4006381333931", "TG11"),
        ProductName("sku", "BEARING-6204", "TG11"),
        ProductName("customerPart", "NT-7", "TG12", "17100001"),
        ProductName("customerPart", "NT-7", "TG13", "0017100002"),
    ],
    [CustomerName("001000000000001AAA", "0017100001")],
    [Substitute("TG14", "TG13")],
)


@pytest.mark.parametrize(
    ("scheme", "ident", "customer", "material"),
    [
        ("erp", "TG99", "17100001", "TG99"),
        ("sku", "BEARING-6204", "17100001", "TG11"),
        ("gtin", "4006381333931", "17100001", "TG11"),
        ("gtin", "04006381333931", "17100001", "TG11"),
        ("customerPart", "NT-7", "17100001", "TG12"),
        ("customerPart", "NT-7", "17100002", "TG13"),
        ("customerPart", "NT-7", "17100003", None),
        ("sku", "bearing-6204", "17100001", None),
        ("gtin", "4006381333932", "17100001", None),
    ],
)
def test_a_product_is_known_by_its_names(scheme, ident, customer, material) -> None:
    assert MAPS.material(scheme, ident, customer) == material


def test_an_account_is_known_by_both_lengths_of_its_id() -> None:
    assert MAPS.customer("crm", "001000000000001") == MAPS.customer("crm", "001000000000001AAA") == "17100001"
    assert MAPS.customer("crm", "001000000000002AAA") is None
    assert MAPS.customer("erp", "0017100001") == "17100001"


def test_a_substitute_is_declared_or_there_is_none() -> None:
    assert (MAPS.substitute("TG14"), MAPS.substitute("TG13")) == ("TG13", None)
