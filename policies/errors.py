"""Why a policy turned a call away. Facts only; `app/problems.py` alone knows what HTTP makes of them."""

from __future__ import annotations

from datetime import datetime


class PolicyRefusal(Exception):
    """A rule of the house, not of the business, said no."""


class CredentialsMissing(PolicyRefusal):
    """The call names nobody (RFC 6750 §3: the challenge carries no error code)."""


class CredentialsMalformed(PolicyRefusal):
    """More than one credential, or a header that holds none (RFC 6750 `invalid_request`)."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class TokenInvalid(PolicyRefusal):
    """Expired, forged, meant for somebody else (RFC 6750 `invalid_token`). `reason` is safe to show."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class KeyInvalid(PolicyRefusal):
    """An API key that is none of ours, revoked, expired, or of a client that is gone. `reason` is safe to show."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class ScopeMissing(PolicyRefusal):
    """A known client without the scope the sheet asks for (RFC 6750 `insufficient_scope`).

    `presented` is the kind of credential: the challenge belongs to tokens only.
    """

    def __init__(self, scope: str, presented: str = "token") -> None:
        super().__init__(f"the scope {scope} is needed")
        self.scope = scope
        self.presented = presented


class ClientKindRefused(PolicyRefusal):
    """A known client with the scope, of a kind that the sheet does not let in."""

    def __init__(self, kind: str, kinds: tuple[str, ...]) -> None:
        super().__init__(f"a client of the kind {kind} is not {' or '.join(kinds)}")
        self.kind = kind
        self.kinds = kinds


class RoleMissing(PolicyRefusal):
    """A known client with the scope, without any of the roles that the sheet asks for."""

    def __init__(self, roles: tuple[str, ...]) -> None:
        super().__init__(f"the role {' or '.join(roles)} is needed")
        self.roles = roles


class IssuerUnavailable(PolicyRefusal):
    """No usable key set of the issuer: we cannot tell, so the caller may come again (never a 401)."""

    def __init__(self, issuer: str, retry_after_s: int = 5) -> None:
        super().__init__(f"the keys of {issuer} cannot be read")
        self.issuer = issuer
        self.retry_after_s = retry_after_s


class LimitSpent(PolicyRefusal):
    """The client's quota does not cover this call. Nothing was charged for it."""

    def __init__(self, violated: tuple[str, ...], retry_after_s: int, headers: tuple[tuple[str, str], ...]) -> None:
        super().__init__(f"the limit {', '.join(violated)} is spent")
        self.violated = violated
        self.retry_after_s = retry_after_s
        self.headers = headers


class WeightAboveLimit(PolicyRefusal):
    """The call alone is heavier than the window holds: waiting would not help, a smaller request does. It costs 1."""

    def __init__(self, weight: int, quota: int, headers: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(f"the call weighs {weight}, the limit holds {quota}")
        self.weight = weight
        self.quota = quota
        self.headers = headers


class IdempotencyKeyMissing(PolicyRefusal):
    """The route starts or decides something and must know a repeat from a new wish."""


class IdempotencyKeyMalformed(PolicyRefusal):
    """Longer than 255 characters, empty or not printable."""


class IdempotencyKeyReused(PolicyRefusal):
    """The key was used before with another payload."""


class IdempotencyKeyInFlight(PolicyRefusal):
    """The first call under this key is still at work."""

    def __init__(self, retry_after_s: int = 1) -> None:
        super().__init__("the first call under this key is still at work")
        self.retry_after_s = retry_after_s


class PreconditionMissing(PolicyRefusal):
    """The route changes something that others change too and needs If-Match (RFC 6585, 428)."""


class VersionGone(PolicyRefusal):
    """The route was served until `sunset_at`; `successor` is the path template that took its place, if any."""

    def __init__(self, sunset_at: datetime | None, successor: str | None) -> None:
        super().__init__("this version is not served any more")
        self.sunset_at = sunset_at
        self.successor = successor


class NotVisible(PolicyRefusal):
    """The client may not see the object; to it, the object does not exist."""

    def __init__(self, kind: str, ident: str) -> None:
        super().__init__(f"no {kind} {ident}")
        self.kind = kind
        self.ident = ident


class CountersUnavailable(PolicyRefusal):
    """The shared counters do not answer, and what is left of the limit on this replica does not cover the call."""

    def __init__(self, retry_after_s: int = 1) -> None:
        super().__init__("the shared counters of limits do not answer")
        self.retry_after_s = retry_after_s


class StoreUnavailable(PolicyRefusal):
    """The store of claims and operations does not answer: nothing new is started without it."""

    def __init__(self, retry_after_s: int = 5) -> None:
        super().__init__("the operation store does not answer")
        self.retry_after_s = retry_after_s
