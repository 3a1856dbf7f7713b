"""How fast a neighbour answers at its best, so that no call is started that can't finish.

A write that is started and cut off leaves its outcome unknown, which costs far more than one that never left.
"""

from __future__ import annotations

LEAST_S = 0.001
_UP = 0.05
_DOUBT = 0.9


class Pace:
    """The low end of the answer times of one operation: follows a faster answer at once and slower ones slowly."""

    def __init__(self) -> None:
        self._best_s = 0.0

    def answered(self, seconds: float) -> None:
        if not self._best_s or seconds < self._best_s:
            self._best_s = seconds
        else:
            self._best_s += (seconds - self._best_s) * _UP

    def fits(self, left_s: float) -> bool:
        """Whether an answer can come in this time. Each no lowers the estimate, so that it is put to the test again."""
        if left_s >= max(LEAST_S, self._best_s):
            return True
        self._best_s *= _DOUBT
        return False
