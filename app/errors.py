"""What only the edge refuses: calls that are no calls of ours, or too much of one. Facts, as in the other layers."""

from __future__ import annotations

from process_apis.errors import Fault


class EdgeRefusal(Exception):
    """The call did not get as far as a policy."""


class CallUnreadable(EdgeRefusal):
    """No HTTP can be read from what came, in its head or in the framing of its body (RFC 9112 §2.2)."""


class ServerFull(EdgeRefusal):
    """More connections, or calls under way, than this process takes at a time."""


class RouteUnknown(EdgeRefusal):
    """No route has this path."""


class MethodUnknown(EdgeRefusal):
    """The path exists, the method does not. `allowed` are those that do (RFC 9110 §15.5.6)."""

    def __init__(self, method: str, allowed: tuple[str, ...]) -> None:
        super().__init__(f"{method} is not among {', '.join(allowed)}")
        self.method = method
        self.allowed = allowed


class BodyMalformed(EdgeRefusal):
    """The body is not what the document says: the first structural fault of it."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(f"{fault.pointer}: {fault.detail}")
        self.fault = fault


class ParameterMalformed(EdgeRefusal):
    """A header or query parameter that cannot be read. `place` is `header` or `query`."""

    def __init__(self, place: str, name: str, reason: str) -> None:
        super().__init__(f"{place} {name}: {reason}")
        self.place = place
        self.name = name
        self.reason = reason


class BodyTooLarge(EdgeRefusal):
    """More bytes than a body may have."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"the body has more than {limit} bytes")
        self.limit = limit


class BodyTooSlow(EdgeRefusal):
    """The body did not arrive in time; the connection is given up."""

    def __init__(self, limit_s: float) -> None:
        super().__init__(f"the body did not arrive within {limit_s:g} s")
        self.limit_s = limit_s


class FramingUnclear(EdgeRefusal):
    """Where the body ends can be read in two ways (RFC 9112 §6.1): nothing behind it on the connection is a call."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}")
        self.name = name
        self.reason = reason


class HeadersTooLarge(EdgeRefusal):
    """More header bytes, or more headers, than a call may have (RFC 6585, 431)."""


class TargetTooLong(EdgeRefusal):
    """A path and query longer than any of ours (RFC 9110, 414)."""


class MediaTypeUnsupported(EdgeRefusal):
    """A body that is not JSON in UTF-8 (RFC 9110, 415)."""

    def __init__(self, given: str) -> None:
        super().__init__(f"{given or 'no media type'} is not application/json")
        self.given = given


class EncodingUnsupported(EdgeRefusal):
    """A compressed body: none is unpacked here (RFC 9110 §12.5.3, 415 with Accept-Encoding)."""

    def __init__(self, given: str) -> None:
        super().__init__(f"the content encoding {given} is not taken")
        self.given = given


class DeadlinePassed(EdgeRefusal):
    """The time the caller gave was over before an answer was there."""
