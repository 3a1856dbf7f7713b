"""The application behind a service: what its records are and what may be done with them, whatever the dialect."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from system_apis.sandbox.sap.changes import Changes
from system_apis.sandbox.sap.errors import Refused, refused
from system_apis.sandbox.sap.wire import Keys, Node, Payload
from system_apis.sandbox.world.orders import Value


class Book:
    """What it does not offer is refused as SAP refuses it."""

    def rows(self, changes: Changes, entity: str) -> Iterable[Node]:  # noqa: ARG002 - the interface of a book
        raise _not_implemented(entity, "GET_ENTITYSET")

    def find(self, changes: Changes, entity: str, keys: Keys) -> Node | None:  # noqa: ARG002
        raise _not_implemented(entity, "GET_ENTITY")

    def insert(self, changes: Changes, entity: str, parent: Keys | None, body: Payload) -> Node:  # noqa: ARG002
        raise _not_implemented(entity, "CREATE_ENTITY")

    def change(self, changes: Changes, entity: str, keys: Keys, body: Payload) -> None:  # noqa: ARG002
        raise _not_implemented(entity, "UPDATE_ENTITY")

    def delete(self, changes: Changes, entity: str, keys: Keys) -> None:  # noqa: ARG002
        raise _not_implemented(entity, "DELETE_ENTITY")

    def call(self, changes: Changes, function: str, given: Mapping[str, Value]) -> Sequence[Mapping[str, Value]]:  # noqa: ARG002
        raise _not_implemented(function, "EXECUTE_ACTION")


def _not_implemented(name: str, method: str) -> Refused:
    text = f"Method '{name.upper()}_{method}' not implemented in data provider class."
    return refused(501, "/IWBEP/CM_MGW_RT/021", text)
