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
