"""The engine as a process of `--role api` knows it: the operations are in the table, workers run them."""

from __future__ import annotations

from policies.punctual import ANSWER_S
from process_apis.bells import Ring
from process_apis.durable import Durable


class Elsewhere(Durable):
    """Rings the workers. Whatever they do not hear, they find in the table."""

    async def launch(self) -> None:
        """Nothing runs here; but others see that this process lives."""
        await self._executor.attend(answer_s=ANSWER_S)

    async def close(self) -> None:
        """So nothing ends here."""
        await self._silence()
        await self._executor.leave()

    async def start_once(self, workflow: str, operation_id: str, run: int = 1) -> None:
        """A worker starts it."""
        await self._executor.ring_elsewhere(Ring("start", workflow, operation_id, run))
