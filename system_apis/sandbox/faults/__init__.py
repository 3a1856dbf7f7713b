"""Faults on request: how a neighbour fails in ways that matter to whoever must not lose or double an order."""

from system_apis.sandbox.faults.register import Faults, Inside
from system_apis.sandbox.faults.wanted import FaultWanted, System
from system_apis.sandbox.faults.wire import behind_faults

__all__ = ["FaultWanted", "Faults", "Inside", "System", "behind_faults"]
