"""One question to one neighbour: knows which failure tells the truth about it.

The same broken connection means "ask again" for a read and "it may have happened" for a write. That difference
is decided here once, so that no client has to remember it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TypeVar

from system_apis.errors import (
    CredentialsRefused,
    HeldBy,
    NotAllowed,
    NotFoundInSystem,
    ObjectLocked,
    OutcomeUnknown,
    SystemRefused,
    SystemTimeout,
    SystemUnavailable,
    UnreadableAnswer,
    UpstreamError,
    VersionMoved,
    VersionRequired,
)

LONGEST_TEXT, LONGEST_CODE = 500, 100
Failure = TypeVar("Failure", bound=UpstreamError)


@dataclass(frozen=True, slots=True)
class Errand:
    """`operation` is what is asked, in our words; `writes` says whether a lost answer may hide a deed.

    `attempt` counts the tries, `began` is when the first of them did (monotonic clock; None: nobody measures).
    """

    system: str
    instance: str
    operation: str
    writes: bool
    attempt: int = 1
    began: float | None = None

    def again(self) -> Errand:
        """The same question, once more."""
        return Errand(self.system, self.instance, self.operation, self.writes, self.attempt + 1, self.began)

    def not_done(
        self, detail: str, retry_after_s: float | None = None, *, sent: bool = True, held_by: HeldBy = ""
    ) -> SystemUnavailable:
        """Provably nothing happened: no byte of the request was acted upon, or (not `sent`) none even left."""
        failure = SystemUnavailable(
            self.system, self.instance, self.operation, detail, retry_after_s, sent=sent, held_by=held_by
        )
        return self._measured(failure)

    def out_of_time(self, detail: str) -> UpstreamError:
        """The deadline ended before anything was sent."""
        return self.not_done(detail, sent=False) if self.writes else self._failed(SystemTimeout, detail)

    def too_late(self, detail: str) -> UpstreamError:
        """Sent, and no answer inside the deadline."""
        return self._failed(OutcomeUnknown if self.writes else SystemTimeout, detail)

    def no_answer(self, detail: str) -> UpstreamError:
        """Sent, and the connection or the neighbour broke before an answer could be read."""
        return self._failed(OutcomeUnknown, detail) if self.writes else self.not_done(detail)

    def unreadable(self, detail: str) -> UpstreamError:
        """Answered, but not as the neighbour's contract says."""
        return self._failed(OutcomeUnknown if self.writes else UnreadableAnswer, detail)

    def credentials_refused(self, detail: str) -> CredentialsRefused:
        return self._measured(CredentialsRefused(self.system, self.instance, self.operation, detail))

    def refused(self, code: str, message: str, status: int) -> SystemRefused:
        return self._no(SystemRefused, code, message, status)

    def not_allowed(self, code: str, message: str) -> SystemRefused:
        return self._no(NotAllowed, code, message, 403)

    def not_found(self, code: str, message: str) -> SystemRefused:
        return self._no(NotFoundInSystem, code, message, 404)

    def moved(self, code: str, message: str) -> SystemRefused:
        return self._no(VersionMoved, code, message, 412)

    def version_required(self, code: str, message: str) -> SystemRefused:
        return self._no(VersionRequired, code, message, 428)

    def locked(self, code: str, message: str, status: int) -> SystemRefused:
        return self._no(ObjectLocked, code, message, status)

    def _failed(self, kind: type[UpstreamError], detail: str) -> UpstreamError:
        return self._measured(kind(self.system, self.instance, self.operation, detail))

    def _no(self, kind: type[SystemRefused], code: str, message: str, status: int) -> SystemRefused:
        failure = kind(self.system, self.instance, self.operation, code[:LONGEST_CODE], message[:LONGEST_TEXT], status)
        return self._measured(failure)

    def _measured(self, failure: Failure) -> Failure:
        failure.attempt = self.attempt
        if self.began is not None:
            failure.elapsed_s = time.monotonic() - self.began
        return failure
