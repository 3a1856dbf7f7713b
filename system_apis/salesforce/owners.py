"""Salesforce's objects and fields that a write may carry, in the words of `system_apis.ownership`. What is not named
(a quote's status, a price, a customer's own field) belongs to the CRM."""

from __future__ import annotations

from collections.abc import Mapping

from system_apis.ownership import REST, Words

_OURS = {
    "Ordergate_State__c": "conversionState",
    "Ordergate_Message__c": "message",
    "Confirmed_Date__c": "confirmedDate",
}
WORDS: Mapping[str, Words] = {
    "Quote": Words(
        "quote",
        {
            REST: "other",
            **_OURS,
            "Ordergate_Operation__c": "operation",
            "ERP_Order_Number__c": "orderNumber",
            "ERP_Instance__c": "orderInstance",
        },
    ),
    "QuoteLineItem": Words(
        "quoteLine",
        {REST: "other", **_OURS, "ERP_Item__c": "orderItem", "Confirmed_Quantity__c": "confirmedQuantity"},
    ),
    "Ordergate_Exception__c": Words("exception", {REST: "any"}),
    "Account": Words("customer", {REST: "other"}),
    "Opportunity": Words("opportunity", {REST: "other"}),
}
