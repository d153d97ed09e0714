"""
The JSON API.
"""

from __future__ import annotations

from seedcore_web.api import calls, outside, past, presets, providers, routes
from seedcore_web.api.described import Described
from seedcore_web.api.openapi import openapi
from seedcore_web.endpoints import Endpoint

_DESCRIBED: tuple[Described, ...] = (
    *calls.ENDPOINTS,
    *providers.ENDPOINTS,
    *presets.ENDPOINTS,
    *past.ENDPOINTS,
    *routes.ENDPOINTS,
)
DESCRIBED: tuple[Described, ...] = (*_DESCRIBED, openapi(_DESCRIBED))
"""All of the API."""

API: tuple[Endpoint, ...] = (*DESCRIBED, *outside.ENDPOINTS)
"""All that answers programs."""
