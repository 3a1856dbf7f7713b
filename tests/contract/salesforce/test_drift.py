"""What an org lacks of what we use, found before a quote trips over it."""

from __future__ import annotations

import pytest

from system_apis.drift import Finding
from system_apis.errors import SystemUnavailable
from system_apis.salesforce.client import Salesforce, connect
from tests.contract.salesforce.crm import soon
from tests.contract.salesforce.deployed import Deployed


@pytest.fixture
def org() -> Deployed:
    return Deployed()


def client(org: Deployed, *, multi_currency: bool = False, api_version: str = "v68.0") -> Salesforce:
    return connect(
        instance="crm-main",
        base_url="https://crm.example",
        client_id="ordergate",
        client_secret="s3cret",
        multi_currency=multi_currency,
        api_version=api_version,
        transport=org.transport,
    )


async def found(org: Deployed, *, multi_currency: bool = False) -> list[tuple[str, str, str | None]]:
    findings = await client(org, multi_currency=multi_currency).drift(deadline=soon())
    assert all((one.system, one.instance) == ("salesforce", "crm-main") for one in findings)
    assert all(one.detail for one in findings)
    return [(one.kind, one.entity, one.field) for one in findings]


@pytest.mark.parametrize("multi_currency", [False, True])
async def test_an_org_with_our_metadata_has_no_drift(org: Deployed, multi_currency: bool) -> None:
    assert await found(org, multi_currency=multi_currency) == []


async def test_an_object_that_was_not_deployed_is_missing(org: Deployed) -> None:
    del org.objects["Ordergate_Exception__c"]
    assert await found(org) == [("missing", "Ordergate_Exception__c", None)]


async def test_a_field_that_is_hidden_is_as_good_as_missing_and_the_finding_says_so(org: Deployed) -> None:
    org.hide("QuoteLineItem", "Plant__c")
    (finding,) = await client(org).drift(deadline=soon())
    assert (finding.kind, finding.field) == ("missing", "Plant__c")
    assert "field-level security" in finding.detail


async def test_a_standard_field_may_be_hidden_too(org: Deployed) -> None:
    org.hide("Quote", "AccountId")
    org.hide("Product2", "ProductCode")
    assert await found(org) == [("missing", "Product2", "ProductCode"), ("missing", "Quote", "AccountId")]


async def test_a_renamed_field_is_recognised(org: Deployed) -> None:
    org.field("Quote", "ERP_Order_Number__c")["name"] = "ERP_OrderNumber__c"
    (finding,) = await client(org).drift(deadline=soon())
    assert (finding.kind, finding.field) == ("renamed", "ERP_Order_Number__c")
    assert "ERP_OrderNumber__c" in finding.detail


@pytest.mark.parametrize(
    ("entity", "name", "change", "kind"),
    [
        ("Quote", "Ordergate_State__c", {"updateable": False}, "notUpdatable"),
        ("Quote", "Ordergate_Message__c", {"length": 80}, "tooShort"),
        ("Quote", "Confirmed_Date__c", {"type": "datetime"}, "wrongType"),
        ("Quote", "Revision__c", {"type": "double"}, "wrongType"),
        ("Quote", "ERP_Order_Number__c", {"filterable": False}, "notFilterable"),
        ("Ordergate_Exception__c", "Exception_Id__c", {"unique": False}, "notUnique"),
        ("Ordergate_Exception__c", "Exception_Id__c", {"externalId": False}, "notUnique"),
        ("Ordergate_Exception__c", "Code__c", {"createable": False}, "notCreatable"),
    ],
)
async def test_a_field_that_is_not_what_it_was_is_named(
    org: Deployed, entity: str, name: str, change: dict[str, object], kind: str
) -> None:
    org.field(entity, name).update(change)
    assert await found(org) == [(kind, entity, name)]


@pytest.mark.parametrize(
    ("entity", "right", "kind"),
    [
        ("Quote", "updateable", "notUpdatable"),
        ("Ordergate_Exception__c", "createable", "notCreatable"),
        ("Account", "queryable", "notReadable"),
    ],
)
async def test_a_right_that_was_taken_away_is_named(org: Deployed, entity: str, right: str, kind: str) -> None:
    org.objects[entity][right] = False
    assert await found(org) == [(kind, entity, None)]


async def test_what_we_only_read_need_not_be_writable(org: Deployed) -> None:
    org.objects["Account"] |= {"createable": False, "updateable": False}
    org.field("QuoteLineItem", "Unit__c").update(createable=False, updateable=False)
    assert await found(org) == []


async def test_a_version_that_is_not_served_is_the_only_finding(org: Deployed) -> None:
    findings = await client(org, api_version="v99.0").drift(deadline=soon())
    detail = "the org serves v67.0 to v68.0, and api_version is v99.0"
    assert findings == (Finding("salesforce", "crm-main", "versionNotServed", "/services/data", None, detail),)


async def test_an_org_that_is_down_has_not_drifted(org: Deployed) -> None:
    org.down_after = 3
    with pytest.raises(SystemUnavailable):
        await client(org).drift(deadline=soon(1))
