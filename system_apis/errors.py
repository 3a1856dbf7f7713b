"""What can go wrong between us and a neighbour: few sentences, each with its facts.

A caller of a system API needs one question answered above all: *may I send this again?*
`safe_to_repeat` says so, per error, and never by guessing from a status code.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

_KINDS = {"sap": "erp", "salesforce": "crm"}


class HalfDone(NamedTuple):
    """How far a change came that the neighbour only takes step by step: so many of its `steps` are `done`, which made
    it the given `version` (None: that is not known)."""

    done: int
    steps: int
    version: str | None


class UpstreamError(Exception):
    """A neighbour did not do what was asked.

    `system` and `instance` say who, `operation` what was asked, in our words.
    `detail` is for logs and for a mapped source message; it never holds credentials or a raw body.
    `attempt` is the try that ended so (1 is the first), `elapsed_s` what all of them took; 0 where nobody measured.
    `half_done`: what stands already of the change that ended so; None: nothing, as ever where a change is one request.
    """

    safe_to_repeat = False
    attempt = 1
    elapsed_s = 0.0
    half_done: HalfDone | None = None

    def __init__(self, system: str, instance: str, operation: str, detail: str = "") -> None:
        super().__init__(f"{system} {instance}: {operation}: {detail or type(self).__name__}")
        self.system = system
        self.instance = instance
        self.operation = operation
        self.detail = detail

    @property
    def kind(self) -> str:
        """The kind of system, in the words above this package: `erp`, `crm`, `scheduler`."""
        return _KINDS.get(self.system, self.system)

    def __str__(self) -> str:
        said = super().__str__()
        return f"{said} (attempt {self.attempt}, {self.elapsed_s:.3f} s)" if self.elapsed_s else said


HeldBy = Literal["", "breaker", "bulkhead", "maintenance"]
"""Who in this process kept a question from being sent; `maintenance`: a window that was agreed beforehand."""


class SystemUnavailable(UpstreamError):
    """Nothing was done: no connection, a refused connection, or a 429/503 that came before any work.

    `retry_after_s` repeats what the neighbour asked for, if it did. `sent` is False where provably not one byte of the
    request left this process; `held_by` names what kept it here, if it was us.
    """

    safe_to_repeat = True

    def __init__(
        self,
        system: str,
        instance: str,
        operation: str,
        detail: str = "",
        retry_after_s: float | None = None,
        *,
        sent: bool = True,
        held_by: HeldBy = "",
    ) -> None:
        super().__init__(system, instance, operation, detail)
        self.retry_after_s = retry_after_s
        self.sent = sent
        self.held_by = held_by


class SystemTimeout(UpstreamError):
    """A read did not answer inside its deadline."""

    safe_to_repeat = True


class OutcomeUnknown(UpstreamError):
    """A write was sent and no readable answer came: it may have happened, it may still happen.

    Never repeat it blindly; look it up by our reference first and respect the instance's settle time.
    """


class SystemRefused(UpstreamError):
    """The neighbour understood and said no. `code` and `message` are its own, for a mapped source message.

    `part`: of an all-or-nothing request, the part (from 0) it would not take, where it says so. Nothing of it was done
    then; of a change in steps (`half_done`) it is the step, and those before it are done.
    """

    part: int | None = None

    def __init__(  # noqa: PLR0917  the facts of a refusal, in the order its sentence has
        self, system: str, instance: str, operation: str, code: str, message: str, status: int
    ) -> None:
        super().__init__(system, instance, operation, f"{code} {message}")
        self.code = code
        self.message = message
        self.status = status

    @property
    def final(self) -> bool:
        """Whether it is an answer to what was asked. Otherwise the very same may be answered otherwise by and by: once
        nobody else edits the object, or once our own user has the right that it lacks."""
        return not self.safe_to_repeat


class NotAllowed(SystemRefused):
    """The neighbour knows us and does not let us do this: our own user lacks a right, or the service is not active for
    it. No order and no customer can do anything about that; an operator can."""

    @property
    def final(self) -> bool:
        return False


class NotFoundInSystem(SystemRefused):
    """The neighbour does not know the id."""


class VersionMoved(SystemRefused):
    """The neighbour's object changed since the version we named (HTTP 412)."""


class VersionRequired(SystemRefused):
    """The neighbour changes this only for who names the version it has seen (HTTP 428)."""


class OwnerViolation(SystemRefused):
    """We were about to write a field that belongs to another system (`system_apis.ownership`). Nothing was sent."""

    CODE = "owner-violation"


class ObjectLocked(SystemRefused):
    """Somebody else is editing the object; repeating later is safe, nothing was done."""

    safe_to_repeat = True


class CredentialsRefused(UpstreamError):
    """The neighbour does not accept *our* credentials: an operator has to act."""


class UnreadableAnswer(UpstreamError):
    """An answer to a read that is not what the neighbour's contract says (wrong media type, shape or size)."""
