"""Why the business said no. Facts only; `app/problems.py` alone knows what HTTP makes of them."""

from __future__ import annotations

from msgspec import Struct


class Fault(Struct, frozen=True, rename="camel"):
    """One thing wrong with a request. `pointer` is a JSON Pointer as URI fragment (`#/lines/0/quantity`)."""

    pointer: str
    detail: str
    code: str


class BusinessRefusal(Exception):
    """A rule of the business said no; nothing was changed."""


class RequestFaulty(BusinessRefusal):
    """Well-formed, but wrong by rule: every fault at once."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        super().__init__(f"{len(faults)} fault(s): {faults[0].detail}")
        self.faults = faults


class NoSuchThing(BusinessRefusal):
    """Unknown, or not the caller's to see: the two are told apart nowhere."""

    def __init__(self, kind: str, ident: str) -> None:
        super().__init__(f"no {kind} {ident}")
        self.kind = kind
        self.ident = ident


class EventsForgotten(BusinessRefusal):
    """Events behind the one to go on from are not kept any more: going on would skip them without a word."""

    def __init__(self, event_id: str) -> None:
        super().__init__(f"events behind {event_id} are not kept any more")
        self.event_id = event_id


class QuoteNotConvertible(BusinessRefusal):
    """The quote is not in a state from which an order may come (draft, rejected, expired)."""

    def __init__(self, quote_id: str, reason: str) -> None:
        super().__init__(f"quote {quote_id}: {reason}")
        self.quote_id = quote_id
        self.reason = reason


class QuoteVersionMoved(BusinessRefusal):
    """The quote was changed since the version the caller named."""

    def __init__(self, quote_id: str, current: str) -> None:
        super().__init__(f"quote {quote_id} stands at version {current}")
        self.quote_id = quote_id
        self.current = current


class LinesAlreadyConverted(BusinessRefusal):
    """A quote line becomes an order item once. `operation_id` is the operation that holds it."""

    def __init__(self, quote_id: str, operation_id: str) -> None:
        super().__init__(f"quote {quote_id}: lines already converted by {operation_id}")
        self.quote_id = quote_id
        self.operation_id = operation_id


class QuoteLinesOrdered(BusinessRefusal):
    """Lines of the quote are items of an order already, says the CRM. `order_id` is the last order of the quote, where
    the CRM names it."""

    def __init__(self, quote_id: str, line_ids: tuple[str, ...], order_id: str | None) -> None:
        super().__init__(f"quote {quote_id}: {len(line_ids)} line(s) are ordered already")
        self.quote_id = quote_id
        self.line_ids = line_ids
        self.order_id = order_id


class QueueFull(BusinessRefusal):
    """Too many operations wait for a system already, or have waited too long: another one would only wait behind them.

    `waiting` is how many, `oldest_s` how long the first of them has waited, `retry_after_s` when it is worth asking.
    """

    def __init__(self, system: str, waiting: int, oldest_s: float, retry_after_s: float) -> None:
        super().__init__(f"{waiting} operation(s) wait for the {system}, the first for {oldest_s:.0f} s")
        self.system = system
        self.waiting = waiting
        self.oldest_s = oldest_s
        self.retry_after_s = retry_after_s


class ChangeRequestOpen(BusinessRefusal):
    """One open change request per order; `change_request_id` is the one that is open."""

    def __init__(self, order_id: str, change_request_id: str) -> None:
        super().__init__(f"order {order_id} has the open change request {change_request_id}")
        self.order_id = order_id
        self.change_request_id = change_request_id


class OrderInTheMaking(BusinessRefusal):
    """The conversion that made the order still works on it: its days and its quote are not settled yet."""

    def __init__(self, order_id: str, operation_id: str) -> None:
        super().__init__(f"order {order_id} is still worked on by {operation_id}")
        self.order_id = order_id
        self.operation_id = operation_id


class VersionStale(BusinessRefusal):
    """If-Match names a version that is no longer the current one."""

    def __init__(self, kind: str, ident: str, current_etag: str) -> None:
        super().__init__(f"{kind} {ident} has moved on")
        self.kind = kind
        self.ident = ident
        self.current_etag = current_etag


class DecisionNotPossible(BusinessRefusal):
    """The operation or change request is not in a state in which this can be decided."""

    def __init__(self, kind: str, ident: str, state: str) -> None:
        super().__init__(f"{kind} {ident} is {state}")
        self.kind = kind
        self.ident = ident
        self.state = state


class NoSourceAnswered(BusinessRefusal):
    """Not one neighbour answered: a promise without any source is not made."""

    def __init__(self, systems: tuple[str, ...], retry_after_s: int = 5) -> None:
        super().__init__(f"no answer from {', '.join(systems)}")
        self.systems = systems
        self.retry_after_s = retry_after_s


class ClientExists(BusinessRefusal):
    """A client with this id is registered already, here or in the configuration file."""

    def __init__(self, client_id: str) -> None:
        super().__init__(f"the client {client_id} is registered already")
        self.client_id = client_id


class ClientOfFile(BusinessRefusal):
    """The configuration file names the client: what stands there is changed there."""

    def __init__(self, client_id: str) -> None:
        super().__init__(f"the client {client_id} is managed by the configuration file")
        self.client_id = client_id


class TooManyKeys(BusinessRefusal):
    """The client has as many living keys as one may have: revoke one first. `living` are their ids."""

    def __init__(self, client_id: str, living: tuple[str, ...]) -> None:
        super().__init__(f"the client {client_id} has {len(living)} living keys")
        self.client_id = client_id
        self.living = living


class KeyNotLive(BusinessRefusal):
    """A key that has expired or was revoked has no successor: a new one is made instead."""

    def __init__(self, key_id: str, state: str) -> None:
        super().__init__(f"the key {key_id} is {state}")
        self.key_id = key_id
        self.state = state


class KeysNotTaken(BusinessRefusal):
    """No pepper is configured, so this installation takes no API keys."""

    def __init__(self) -> None:
        super().__init__("this installation takes no API keys")


class RoleNotYours(BusinessRefusal):
    """A key of a client with roles or scopes that its maker has not."""

    def __init__(self, client_id: str, roles: tuple[str, ...]) -> None:
        super().__init__(f"the client {client_id} has roles that the caller has not: {', '.join(roles)}")
        self.client_id = client_id
        self.roles = roles
