"""
Finding, loading and refusing plugins.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from seedcore import (
    BrokenPluginError,
    DisabledProviderError,
    IncompatiblePluginError,
    PluginError,
    ProviderClashError,
    Registry,
    Runner,
    Seed,
    SettingsError,
    UnconfiguredProviderError,
    UnknownProviderError,
)
from support.installed import environment, make_plugin

FINE = """
    from seedcore import Seed

    def demo():
        return Seed(id="1")
"""


UNHASHABLE = """
    import attrs
    from seedcore import hookimpl

    @attrs.define
    class demo:
        @hookimpl
        def generate(self):
            pass
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """
    A directory where plugins can be installed; modules imported from it are forgotten again.
    """
    directory = tmp_path / "site"
    directory.mkdir()
    monkeypatch.syspath_prepend(str(directory))
    yield directory
    for name, module in list(sys.modules.items()):
        if (getattr(module, "__file__", None) or "").startswith(str(directory)):
            del sys.modules[name]


def status_of(registry: Registry, name: str) -> tuple[str, str | None]:
    """
    Return status and reason of a provider as listed.
    """
    (line,) = (line for line in registry.listing() if line.provider == name)
    return line.status, line.reason


def refusal_of(registry: Registry, name: str) -> PluginError:
    """
    Return the error that loading *name* raises.
    """
    with pytest.raises(PluginError) as caught:
        registry.load(name)
    return caught.value


def test_installed_providers_are_listed_without_importing_them(site: Path) -> None:
    """
    One that would fail at import is ready until somebody uses it.
    """
    make_plugin(site, "seedcore-a", entry_points={"a": "a_mod:a"}, files={"a_mod.py": "1/0"})
    (line,) = (line for line in Registry().listing() if line.provider == "a")
    assert ("ready", "seedcore-a", "1.0", None) == (
        line.status,
        line.distribution,
        line.version,
        line.reason,
    )
    assert "a_mod" not in sys.modules


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("raise RuntimeError('boom')", "RuntimeError: boom"),
        ("raise SystemExit(3)", "SystemExit"),
        ("import nothing_of_this_name", "ModuleNotFoundError"),
        ("other = 1", "AttributeError"),
        ("demo = 42", "offers no operation"),
        ("class demo:\n    def __init__(self, x): pass", "TypeError"),
        ("def demo(req): pass", "not req"),
        (
            "from seedcore import *\nclass demo:\n    @hookimpl\n    def genrate(self): pass",
            "there is no hook 'genrate'. Did you mean 'generate'?",
        ),
        (
            "from seedcore import *\nclass demo:\n    @hookimpl\n    def map_error(self, err): 1",
            "map_error takes error, request; remove 'err'",
        ),
        (
            UNHASHABLE,
            "eq=False",
        ),
    ],
)
def test_a_broken_plugin_is_named_and_hurts_nobody(site: Path, body: str, words: str) -> None:
    """
    Its reason is in the error and in the listing; the other provider works.
    """
    make_plugin(
        site, "seedcore-bad", entry_points={"bad": "bad_mod:demo"}, files={"bad_mod.py": body}
    )
    make_plugin(site, "seedcore-ok", entry_points={"ok": "ok_mod:demo"}, files={"ok_mod.py": FINE})
    registry = Registry()
    error = refusal_of(registry, "bad")
    assert isinstance(error, BrokenPluginError)
    assert ("bad", "seedcore-bad") == (error.name, error.distribution)
    assert words in str(error)
    status, reason = status_of(registry, "bad")
    assert "broken" == status
    assert reason is not None
    assert words in reason
    assert "ok" == registry.load("ok").name
    assert ("loaded", None) == status_of(registry, "ok")


def test_a_broken_plugin_stays_broken_without_being_imported_again(site: Path) -> None:
    """
    Asking twice gives the same error.
    """
    make_plugin(
        site, "seedcore-bad", entry_points={"bad": "bad_mod:x"}, files={"bad_mod.py": "1/0"}
    )
    registry = Registry()
    assert refusal_of(registry, "bad") is refusal_of(registry, "bad")


@pytest.mark.parametrize("requirement", ["seedcore>=99", "seedcore[postgres]<0.0.1", "SeedCore>99"])
def test_a_plugin_for_another_version_is_refused_before_import(
    site: Path, requirement: str
) -> None:
    """
    With the versions and the pip line.
    """
    make_plugin(
        site,
        "seedcore-new",
        entry_points={"new": "new_mod:demo"},
        files={"new_mod.py": FINE},
        requires=[requirement],
    )
    registry = Registry()
    assert "incompatible" == status_of(registry, "new")[0]
    error = refusal_of(registry, "new")
    assert isinstance(error, IncompatiblePluginError)
    assert "pip install -U seedcore seedcore-new" in str(error)
    assert "new_mod" not in sys.modules


@pytest.mark.parametrize(
    "requirement",
    ["seedcore>=0.1", "seedcore-other>=99", "seedcore>=99; python_version < '3'", "seedcore @@ x"],
)
def test_other_requirements_do_not_matter(site: Path, requirement: str) -> None:
    """
    Another distribution's, one for another Python, and one that can't be read.
    """
    make_plugin(
        site,
        "seedcore-ok",
        entry_points={"ok": "ok_mod:demo"},
        files={"ok_mod.py": FINE},
        requires=[requirement],
    )
    assert "ok" == Registry().load("ok").name


def test_one_name_in_two_distributions_loads_neither(site: Path) -> None:
    """
    Both are named, and switching one off is up to the user.
    """
    for name in ("seedcore-one", "seedcore-two"):
        module = name.replace("-", "_")
        make_plugin(
            site, name, entry_points={"twin": f"{module}:demo"}, files={f"{module}.py": FINE}
        )
    registry = Registry()
    assert "clash" == status_of(registry, "twin")[0]
    error = refusal_of(registry, "twin")
    assert isinstance(error, ProviderClashError)
    assert "seedcore-one and seedcore-two both offer it" in str(error)


def test_switched_off_providers_are_neither_loaded_nor_hidden(site: Path) -> None:
    """
    disable and only say by which setting.
    """
    for name in ("one", "two"):
        make_plugin(
            site,
            f"seedcore-{name}",
            entry_points={name: f"{name}_mod:demo"},
            files={f"{name}_mod.py": FINE},
        )
    registry = Registry()
    registry.load("one")
    registry.restrict(disable=["one"])
    assert "disabled" == status_of(registry, "one")[0]
    assert "SEEDCORE_DISABLE" in str(refusal_of(registry, "one"))
    registry.restrict(only=["one"])
    assert isinstance(refusal_of(registry, "two"), DisabledProviderError)
    assert "one" == registry.load("one").name


def test_an_unknown_provider_names_what_there_is_and_the_pip_line() -> None:
    """
    Provider names map to distributions, also where they are called differently.
    """
    registry = Registry(discover=False)
    registry.add("smdash", lambda: Seed(id="1"))
    with pytest.raises(UnknownProviderError) as caught:
        registry.load("smdahs")
    assert "Installed: smdash. Did you mean 'smdash'?" in str(caught.value)
    with pytest.raises(UnknownProviderError, match="pip install seedcore-local"):
        registry.load("z1r")
    with pytest.raises(LookupError):
        registry.load("z1r")


@pytest.mark.parametrize("name", ["retry", "log", "circuit-breaker", "max"])
def test_names_of_settings_are_reserved(name: str) -> None:
    """
    A provider called retry would own SEEDCORE_RETRY_ENABLED.
    """
    with pytest.raises(BrokenPluginError, match="reserved"):
        Registry(discover=False).add(name, lambda: Seed(id="1"))


@pytest.mark.parametrize("name", ["", "a b", "../x", "x\n", "-x"])
def test_odd_names_are_refused(name: str) -> None:
    """
    They would not fit into variables and file names.
    """
    with pytest.raises(BrokenPluginError, match="letters, digits"):
        Registry(discover=False).add(name, lambda: Seed(id="1"))


def test_what_is_added_in_code_replaces_an_installed_provider(site: Path) -> None:
    """
    So that a host can wrap one.
    """
    make_plugin(site, "seedcore-ok", entry_points={"ok": "ok_mod:demo"}, files={"ok_mod.py": "1/0"})
    registry = Registry()
    refusal_of(registry, "ok")
    registry.add("ok", lambda: Seed(id="mine"))
    assert "ok" == registry.load("ok").name
    assert "loaded" == status_of(registry, "ok")[0]


def test_strict_makes_a_broken_plugin_an_error_at_the_start(site: Path) -> None:
    """
    SEEDCORE_STRICT=1 for servers that would rather not start.
    """
    make_plugin(
        site, "seedcore-bad", entry_points={"bad": "bad_mod:x"}, files={"bad_mod.py": "1/0"}
    )
    Runner(registry=Registry(), database=None)
    with pytest.raises(BrokenPluginError, match="bad"):
        Runner(registry=Registry(), database=None, settings={"strict": True})


async def test_a_provider_without_its_required_setting_is_unconfigured(site: Path) -> None:
    """
    The error names the variable; once it is set the provider works.
    """
    source = """
        import attrs
        from seedcore import Seed, provider, secret

        @attrs.frozen
        class Settings:
            api_key: str = secret()

        @provider(settings=Settings)
        def keyed(context):
            return Seed(id=str(len(context.settings.api_key)))
    """
    make_plugin(
        site, "seedcore-k", entry_points={"keyed": "k_mod:keyed"}, files={"k_mod.py": source}
    )
    async with Runner(registry=Registry(), database=None, sinks=[]) as runner:
        with pytest.raises(UnconfiguredProviderError, match="SEEDCORE_KEYED_API_KEY") as caught:
            await runner.generate("keyed", surface="test")
        assert isinstance(caught.value, SettingsError)
        assert ("api_key",) == caught.value.missing
    settings = {"providers": {"keyed": {"api_key": "12345"}}}
    async with Runner(registry=Registry(), database=None, sinks=[], settings=settings) as runner:
        assert "5" == (await runner.generate("keyed", surface="test")).id


def test_a_sink_plugin_receives_events_and_a_broken_one_is_reported(site: Path) -> None:
    """
    Found through seedcore.sinks, without further set-up of the host.
    """
    sink = "seen = []\ndef sink(event):\n    print('SINK', event.event, event.outcome)\n"
    make_plugin(
        site,
        "seedcore-s",
        entry_points={"s": "s_mod:sink"},
        files={"s_mod.py": sink},
        group="seedcore.sinks",
    )
    make_plugin(
        site,
        "seedcore-t",
        entry_points={"t": "t_mod:sink"},
        files={"t_mod.py": "1/0"},
        group="seedcore.sinks",
    )
    make_plugin(site, "seedcore-ok", entry_points={"ok": "ok_mod:demo"}, files={"ok_mod.py": FINE})
    code = (
        "import asyncio, seedcore\n"
        "async def main():\n"
        "    async with seedcore.Runner(database=None) as runner:\n"
        "        await runner.generate('ok', surface='test')\n"
        "asyncio.run(main())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=environment(site, SEEDCORE_LOG="json"),
    )
    assert "SINK sink_failed None" in done.stdout
    assert "SINK call success" in done.stdout
    assert '"event":"sink_failed"' in done.stderr
    assert '"outcome":"success"' in done.stderr
