"""An org in which the metadata folder is deployed: what `describe` says there, made from the folder's own files."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import httpx

from system_apis.salesforce import fields

FOLDER = Path(fields.__file__).parent / "org"
OBJECTS = FOLDER / "force-app/main/default/objects"
NAMESPACE = {"m": "http://soap.sforce.com/2006/04/metadata"}
_TYPES = {
    "Text": "string",
    "Date": "date",
    "DateTime": "datetime",
    "Number": "double",
    "Checkbox": "boolean",
    "Lookup": "reference",
}
_STANDARD = {
    "Account": {"Id": "id", "Name": "string"},
    "Product2": {"Id": "id", "ProductCode": "string"},
    "Quote": {
        "Id": "id",
        "QuoteNumber": "string",
        "Name": "string",
        "Status": "picklist",
        "ExpirationDate": "date",
        "LastModifiedDate": "datetime",
        "AccountId": "reference",
        "CurrencyIsoCode": "picklist",
    },
    "QuoteLineItem": {
        "Id": "id",
        "LineNumber": "string",
        "Quantity": "double",
        "UnitPrice": "currency",
        "Product2Id": "reference",
    },
    "Ordergate_Exception__c": {"Id": "id", "Name": "string"},
}


def custom_fields(entity: str) -> dict[str, dict[str, str]]:
    """The fields that the folder adds to an object: their metadata, by name."""
    files = sorted((OBJECTS / entity / "fields").glob("*.field-meta.xml"))
    read = [
        {child.tag.partition("}")[2]: child.text or "" for child in ElementTree.parse(one).getroot()} for one in files
    ]
    return {one["fullName"]: one for one in read}


def described(entity: str) -> dict[str, Any]:
    standard = [_field(name, kind, 0, writable=False) for name, kind in _STANDARD[entity].items()]
    custom = [
        _field(name, _TYPES[one["type"]], int(one.get("length", 0)), writable=True)
        | {"externalId": one["externalId"] == "true", "unique": one.get("unique") == "true"}
        for name, one in custom_fields(entity).items()
    ]
    rights = {"queryable": True, "createable": True, "updateable": True}
    return {"name": entity, "label": entity, "fields": standard + custom, **rights}


class Deployed:
    """Answers like that org. A test takes away or changes what it wants in `objects`."""

    def __init__(self) -> None:
        self.objects = {name: described(name) for name in _STANDARD}
        self.served = ["67.0", "68.0"]
        self.down_after: int | None = None

    def field(self, entity: str, name: str) -> dict[str, Any]:
        return next(one for one in self.objects[entity]["fields"] if one["name"] == name)

    def hide(self, entity: str, name: str) -> None:
        self.objects[entity]["fields"].remove(self.field(entity, name))

    @property
    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if self.down_after is not None:
            self.down_after -= 1
            if self.down_after < 0:
                raise httpx.ConnectError("refused", request=request)
        *_, last = request.url.path.split("/")
        if last == "token":
            return httpx.Response(200, json={"access_token": "00D!AQ", "token_type": "Bearer"})
        if last == "data":
            return httpx.Response(200, json=[{"version": one, "label": "", "url": ""} for one in self.served])
        entity = request.url.path.split("/")[-2]
        if last == "describe" and entity in self.objects:
            return httpx.Response(200, json=self.objects[entity])
        return httpx.Response(
            404, json=[{"errorCode": "NOT_FOUND", "message": "The requested resource does not exist"}]
        )


def _field(name: str, kind: str, length: int, *, writable: bool) -> dict[str, Any]:
    rights = {"createable": writable, "updateable": writable, "filterable": True}
    return {"name": name, "type": kind, "length": length, "externalId": False, "unique": False, **rights}
