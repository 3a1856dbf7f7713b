"""The engine as a process of `--role api` knows it: the operations are in the table, workers run them."""

from __future__ import annotations

from process_apis.bells import Ring
from process_apis.durable import Durable


class Elsewhere(Durable):
    """Rings the workers. Whatever they do not hear, they find in the table."""

    async def launch(self) -> None:
        """Nothing runs here."""
        await self._executor.open_store()

    async def close(self) -> None:
        """So nothing ends here."""
        await self._silence()
        self._executor.close_store()

    async def start_once(self, workflow: str, operation_id: str, run: int = 1) -> None:
        """A worker starts it."""
        await self._executor.ring_elsewhere(Ring("start", workflow, operation_id, run))
