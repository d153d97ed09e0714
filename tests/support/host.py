"""
A host program with a Tortoise of its own: naive times in Paris, and a router.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator
from pathlib import Path
from unittest import mock

from tortoise import Tortoise, fields, timezone
from tortoise.context import get_current_context
from tortoise.models import Model
from tortoise.router import router


class Meeting(Model):
    """
    A model of the host.
    """

    id = fields.IntField(primary_key=True)
    at = fields.DatetimeField()

    class Meta:
        app = "host"


class HostRouter:
    """
    Sends whatever names no connection to the host's database.
    """

    def db_for_read(self, model: type[Model]) -> str:
        """
        Read all models there.
        """
        return "host"

    def db_for_write(self, model: type[Model]) -> str:
        """
        Write all models there.
        """
        return "host"


@contextlib.asynccontextmanager
async def host(folder: Path) -> AsyncIterator[None]:
    """
    Set up the host's Tortoise with a database in *folder*, and undo that afterwards.
    """
    config = {
        "connections": {"host": f"sqlite://{folder}/host.sqlite3"},
        "apps": {"host": {"models": [__name__], "default_connection": "host"}},
        "use_tz": False,
        "timezone": "Europe/Paris",
        "routers": [HostRouter],
    }
    routers = router._routers
    with mock.patch.dict(os.environ):
        await Tortoise.init(config)
        await Tortoise.generate_schemas()
        try:
            yield
        finally:
            await Tortoise.close_connections()
            router._routers = routers
    timezone._reset_timezone_cache()


def what_a_host_sees() -> dict[str, object]:
    """
    Return everything of the process that setting up a Tortoise changes.
    """
    return {
        "environment": dict(os.environ),
        "use_tz": timezone.get_use_tz(),
        "timezone": timezone.get_timezone(),
        "default": timezone.get_default_timezone(),
        "routers": router._routers,
        "context": get_current_context(),
    }
