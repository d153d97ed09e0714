"""
Mysteries: games whose options are rolled by weights, so that nobody knows them.

``parse`` reads a weightset and checks all of it; ``resolve`` rolls it. What comes out are
options for the providers ``alttpr`` or ``alttprdoor``; no game is made here.
"""

from __future__ import annotations

from seedcore_alttpr.mystery.document import parse
from seedcore_alttpr.mystery.rolls import Found, Resolved, resolve, roll
from seedcore_alttpr.mystery.weightset import Weightset

__all__ = ["Found", "Resolved", "Weightset", "parse", "resolve", "roll"]
