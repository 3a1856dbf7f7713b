"""Request bodies of V4, decoded by the model."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from system_apis.sandbox.sap.errors import refused
from system_apis.sandbox.sap.model import Entity, Property
from system_apis.sandbox.sap.v4.errors import misread
from system_apis.sandbox.sap.v4.model import MESSAGES, Served
from system_apis.sandbox.sap.v4.values import from_json
from system_apis.sandbox.sap.wire import Payload, Request

_JSON = msgspec.json.Decoder(float_hook=Decimal)
_COMPATIBLE = "ieee754compatible=true"


def payload(served: Served, entity: Entity, request: Request, *, creating: bool) -> Payload:
    """Refused: what is no JSON, names that the model does not have, values of another type, and what is read only."""
    kind = request.headers.get("content-type", "").lower().replace(" ", "")
    if not kind.startswith("application/json"):
        raise refused(415, "ZSB/415", "Unsupported media type: this service reads application/json")
    try:
        document = _JSON.decode(request.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ArithmeticError):
        raise misread("The request body is no JSON") from None
    return _Reading(served, request.body, creating, _COMPATIBLE in kind).payload(entity, document)


class _Reading:
    def __init__(self, served: Served, text: bytes, creating: bool, texts: bool) -> None:  # noqa: FBT001 - plain facts
        self._served, self._text, self._creating, self._texts = served, text, creating, texts

    def payload(self, entity: Entity, raw: object) -> Payload:
        if not isinstance(raw, dict):
            raise misread(f"'{entity.name}' is no object")
        body = Payload({}, {})
        for name, value in raw.items():
            if "@" in name or name == MESSAGES:
                continue
            if name in entity.properties:
                prop = self._writable(entity, name)
                offset = self._text.find(b'"%s"' % name.encode())
                body.fields[name] = from_json(prop, value, offset, decimals_are_texts=self._texts)
            elif name in entity.navigations:
                body.navigations[name] = self._inner(entity, name, value)
            else:
                raise misread(f"Property '{name}' is invalid")
        return body

    def _writable(self, entity: Entity, name: str) -> Property:
        prop = entity.properties[name]
        if not (prop.creatable if self._creating else prop.updatable):
            verb = "created" if self._creating else "updated"
            raise refused(400, "ZSB/400", f"Property '{name}' of '{entity.name}' is read only and cannot be {verb}")
        return prop

    def _inner(self, entity: Entity, name: str, value: object) -> list[Payload]:
        if not self._creating or name not in self._served.allowed[entity.name].inserts:
            deep = "insert" if self._creating else "update"
            raise refused(400, "ZSB/400", f"Deep {deep} of '{name}' is not supported for '{entity.name}'")
        if not isinstance(value, list):
            raise misread(f"Navigation property '{name}' is no array")
        target = self._served.model.entities[entity.navigations[name].target]
        return [self.payload(target, each) for each in value]
