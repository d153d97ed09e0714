"""
A running stand-in for S3, moto's server beside it, and runners that ask them.
"""

from __future__ import annotations

import importlib.util
import os
import random
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from seedcore import Event, Registry, Runner
from seedcore.testing import LeapingClock, module_beside
from seedcore_s3 import s3

stand_in = module_beside(__file__, "store")


@pytest.fixture(autouse=True)
def _no_ambient_credentials(monkeypatch, tmp_path):
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "no-config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "no-credentials"))


@pytest.fixture
def say() -> ModuleType:
    """
    What the stand-in is made of, and its errors.
    """
    return stand_in


@pytest.fixture
async def store() -> AsyncIterator[Any]:
    """
    The stand-in, open.
    """
    async with stand_in.Store() as running:
        yield running


@pytest.fixture
def events() -> list[Event]:
    """
    What the runner reported.
    """
    return []


def settings_of(url: str | None, **settings: Any) -> dict[str, Any]:
    """
    Return settings with which the stand-in at *url* is asked, without waiting between.
    """
    own = {
        "endpoint_url": url,
        "bucket": stand_in.BUCKET,
        "region": stand_in.REGION,
        "access_key": stand_in.KEY_ID,
        "secret_key": stand_in.SECRET,
        "retry_base_delay": 0,
        **settings,
    }
    return {name: value for name, value in own.items() if value is not None}


@pytest.fixture
def runner_for(events: list[Event]) -> Callable[..., Runner]:
    """
    A runner, still to be entered, whose s3 asks the given address; *others* are providers too.
    """

    def make(
        url: str | None,
        *,
        database: str | None = None,
        middlewares: Any = (),
        others: Any = (),
        **settings: Any,
    ) -> Runner:
        registry = Registry(discover=False)
        for name, provider in {"s3": s3, **dict(others)}.items():
            registry.add(name, provider)
        return Runner(
            registry=registry,
            database=database,
            settings={"providers": {"s3": settings_of(url, **settings)}},
            sinks=[events.append],
            clock=LeapingClock(),
            rng=random.Random(1),
            http_middlewares=middlewares,
        )

    return make


@pytest.fixture
async def runner(store: Any, runner_for: Callable[..., Runner]) -> AsyncIterator[Runner]:
    """
    A runner whose s3 asks the stand-in.
    """
    async with runner_for(store.url) as opened:
        yield opened


@pytest.fixture(scope="session")
def moto() -> Iterator[str]:
    """
    The address of moto's server, a real process; a machine without moto skips its tests.
    """
    if importlib.util.find_spec("moto") is None:
        missing = "moto isn't installed: it is in the group test of this plugin"
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    command = [sys.executable, str(Path(__file__).with_name("moto_server.py"))]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        try:
            assert line, "moto's server doesn't start"
            yield f"http://127.0.0.1:{int(line)}"
        finally:
            process.terminate()
