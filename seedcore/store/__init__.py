"""
The audit database: what was called, what failed, and the stored state of the breakers.

The only folder that imports tortoise.
"""

from seedcore.store.queries import Queries
from seedcore.store.store import Store

__all__ = ["Queries", "Store"]
