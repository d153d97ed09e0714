"""
The command line as a test runs it: in this process, or in one of its own.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import attrs
import pytest

from seedcore.cli import main
from support.installed import environment, make_plugin

DEMO = '''
import asyncio
import sys
from typing import Literal

import attrs
from seedcore import (
    PresetNotFoundError, Seed, hookimpl, operation, provider, secret, setting
)

rolled = 0

@attrs.frozen
class Options:
    players: int = setting(1, help="how many play", validator=attrs.validators.ge(1))
    mode: Literal["open", "inverted"] = setting("open", help="how it begins")

@attrs.frozen
class OwnSettings:
    token: str = secret(help="the key of the site")
    region: str = setting("eu", help="where it runs")

@provider(title="Demo randomizer", homepage="https://demo.example", options=Options)
async def demo(request, context):
    """Roll a demo seed."""
    global rolled
    rolled += 1
    if request.preset == "unknown":
        raise PresetNotFoundError("Valid presets are:\\nclassic, full", status_code=422)
    if request.preset == "down" or (request.preset == "once" and rolled == 1):
        raise ConnectionRefusedError
    if request.preset == "hang":
        print("started", file=sys.stderr, flush=True)
        await asyncio.sleep(60)
    return Seed(
        url="https://demo.example/s/1?q=2", id="1", code="Bow/Boots", version="7",
        settings={"players": request.options.players, **request.settings},
    )

def plain(request):
    """Echo what was asked."""
    if request.preset == "leak":
        raise RuntimeError("sent Bearer abcdef0123 to https://me:pw@host.example/x?key=hidden")
    if request.preset == "evil":
        return Seed(extra={"text": "a\\x1b[31mb\\u202ec\\nd"})
    return Seed(id="7", extra={"text": "Seed: 7 ▲", "options": dict(request.options)})

@provider(settings=OwnSettings)
class Site:
    @operation(effect="read")
    async def presets(self, kind="all"):
        """Name the presets."""
        return ["classic", {"name": "full"}]

    @operation(effect="read")
    def limits(self, context, site):
        """Tell the limits of a site."""
        return {"site": site, "most": float("nan")}

    @operation(effect="idempotent")
    def touch(self):
        return None

    @operation(effect="read")
    def leak(self, context):
        raise RuntimeError("my token is " + context.settings.token)
'''
"""A plugin with three providers: ``demo``, ``plain`` and ``site``, which needs a token."""


@attrs.frozen(kw_only=True)
class Ended:
    """
    How a command ended.
    """

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """
        What it printed, which has to be one JSON document and nothing else.
        """
        return json.loads(self.out)


class CommandLine:
    """
    Runs ``seedcore`` in an empty directory, with the plugins that ``install`` put there.
    """

    def __init__(
        self,
        directory: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        self.plugins = directory / "plugins"
        self.directory = directory / "work"
        self._monkeypatch = monkeypatch
        self._capsys = capsys
        for folder in (self.plugins, self.directory):
            folder.mkdir()
        for name in {*os.environ} - environment().keys():
            monkeypatch.delenv(name, raising=False)
        monkeypatch.chdir(self.directory)
        monkeypatch.syspath_prepend(str(self.plugins))
        self.set(SEEDCORE_RETRY_BASE_DELAY="0.001")

    def install(self, name: str, **plugin: Any) -> None:
        """
        Install a plugin as ``make_plugin`` does.
        """
        for path in plugin.get("files", {}):
            self._monkeypatch.delitem(sys.modules, Path(path).stem, raising=False)
        make_plugin(self.plugins, name, **plugin)

    def install_demo(self) -> None:
        """
        Install the distribution ``seedcore-demo`` with the providers demo, plain and site.
        """
        targets = {"demo": "demo_plugin:demo", "plain": "demo_plugin:plain"}
        targets["site"] = "demo_plugin:Site"
        files = {"demo_plugin.py": DEMO}
        requires = ["seedcore>=0.1"]
        self.install("seedcore-demo", entry_points=targets, files=files, requires=requires)

    def set(self, **variables: str) -> None:
        """
        Set environment variables.
        """
        for name, text in variables.items():
            self._monkeypatch.setenv(name, text)

    def __call__(self, *arguments: str, stdin: str = "") -> Ended:
        """
        Run a command in this process.
        """
        self._monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        self._capsys.readouterr()
        try:
            status = main(arguments)
        finally:
            if "loguru" in sys.modules:
                sys.modules["loguru"].logger.remove()  # what the command added
        out, err = self._capsys.readouterr()
        return Ended(status=status, out=out, err=err)

    def start(self, *arguments: str, **options: Any) -> subprocess.Popen[str]:
        """
        Start ``python -m seedcore`` as a process of its own; whoever starts it has to end it.
        """
        pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        variables = options.pop("variables", {})
        return subprocess.Popen(
            [sys.executable, "-m", "seedcore", *arguments],
            cwd=self.directory,
            env=environment(self.plugins, **variables),
            text=True,
            encoding="utf-8",
            **{**pipes, **options},
        )

    def process(self, *arguments: str, **options: Any) -> Ended:
        """
        Run ``python -m seedcore`` as a process of its own.
        """
        with self.start(*arguments, **options) as process:
            out, err = process.communicate(timeout=60)
        return Ended(status=process.returncode, out=out or "", err=err or "")
