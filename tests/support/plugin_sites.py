"""
The plugins of this checkout, whether installed or not, and the sites that they ask.
"""

from __future__ import annotations

import asyncio
import importlib.util
import queue
import sys
import threading
import tomllib
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any
from unittest import mock

from seedcore.errors import environment_name
from seedcore.testing.conformance.case import filled_in
from seedcore.testing.conformance.find import shipped
from seedcore.testing.replies import Reply
from seedcore.testing.upstream import FaultUpstream, Received, Script

START = 10.0
"""Seconds that a site may take to start."""


def providers_in(folder: Path) -> dict[str, Any]:
    """
    Return the providers of the plugin in *folder*, which has to be on ``sys.path``.
    """
    project = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))["project"]
    targets = project["entry-points"]["seedcore.providers"]
    return {name: EntryPoint(name, text, "").load() for name, text in targets.items()}


def variables_of(names: Iterable[str], url: str) -> dict[str, str]:
    """
    Return what a person sets to call the providers *names* of an installed plugin at *url*.

    A setting without a default has the value that the plugin's contract gives.
    """
    variables = {"SEEDCORE_STORAGE_URL": "https://files.example"}
    for name in names:
        variables[environment_name(name, "base_url")] = url
        for contract in shipped(name):
            for key, value in filled_in(contract.settings, url).items():
                variables[environment_name(name, key)] = str(value)
    return variables


@contextmanager
def as_in_contracts(folder: Path) -> Iterator[None]:
    """
    Let the providers of the plugin in *folder* be those of its contracts.

    One that runs a program of this machine has a stand-in there.
    """
    project = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))["project"]
    with ExitStack() as patched:
        for name, text in project["entry-points"]["seedcore.providers"].items():
            for contract in shipped(name):
                if not isinstance(contract.provider, (str, type)):
                    module, _, attribute = text.partition(":")
                    home = sys.modules[module]
                    patched.enter_context(mock.patch.object(home, attribute, contract.provider))
        yield


def site_in(folder: Path) -> Script | None:
    """
    Return what answers like the site of the plugin in *folder*: that of its tests, if it has one.
    """
    path = folder / "tests" / "upstream.py"
    if not path.exists():
        return None
    spec = importlib.util.spec_from_file_location(f"{folder.name}_site", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    kind: Callable[[], Any] | None = getattr(module, "Site", None)
    return _endless(kind) if kind is not None else None


def _endless(kind: Callable[[], Any]) -> Script:
    """
    Return what answers like a site of *kind*; when all its seeds are used up, another one goes on.
    """
    site = kind()

    def script(received: Received) -> Reply:
        nonlocal site
        try:
            return _answer(site, received)
        except IndexError:
            site = kind()
            return _answer(site, received)

    return script


def _answer(site: Any, received: Received) -> Reply:
    reply: Reply = getattr(site, "answer", site)(received)
    return reply


@contextmanager
def played(script: Script) -> Iterator[str]:
    """
    Let *script* answer on loopback, in a thread of its own; the address is given.
    """
    address: queue.SimpleQueue[tuple[str, Callable[[], Any]]] = queue.SimpleQueue()

    async def play() -> None:
        over = asyncio.Event()
        loop = asyncio.get_running_loop()
        async with FaultUpstream() as upstream:
            upstream.script(script)
            address.put((upstream.url, lambda: loop.call_soon_threadsafe(over.set)))
            await over.wait()

    thread = threading.Thread(target=asyncio.run, args=(play(),))
    thread.start()
    url, end = address.get(timeout=START)
    try:
        yield url
    finally:
        end()
        thread.join(timeout=START)
