"""The seed world: materials, stock, customers, orders; quotes and capacity beside them."""

from system_apis.sandbox.world.seed import World

__all__ = ["World"]
