"""
What is missing on this machine is told before anything is made.
"""

from __future__ import annotations

import pytest

from seedcore import SettingsError, UnconfiguredProviderError
from seedcore_alttprdoor.settings import Settings


async def test_without_settings_it_is_unconfigured(runner_for):
    """
    The folder and the ROM have no default.
    """
    from seedcore import Registry, Runner
    from seedcore_alttprdoor import alttprdoor

    registry = Registry(discover=False)
    registry.add("alttprdoor", alttprdoor)
    async with Runner(registry=registry, database=None, settings={}) as runner:
        with pytest.raises(UnconfiguredProviderError, match="SEEDCORE_ALTTPRDOOR_CHECKOUT"):
            await runner.generate("alttprdoor", surface="test")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("checkout", "checkout must be the folder of an ALttPDoorRandomizer"),
        ("unstable_checkout", "unstable_checkout must be the folder of an ALttPDoorRandomizer"),
        ("rom", "rom must be a file: the Japanese 1.0 ROM"),
        ("python", "python must be a program that can be run"),
        ("enemizer", "enemizer must be a program that can be run"),
        ("flips", "flips must be a program that can be run"),
        ("patcher_url", "patcher_url must be an http:// or https:// address with {patch} in it"),
    ],
)
@pytest.mark.parametrize("value", ["/nowhere/at-all", "nul\0", "x" * 5000])
def test_what_a_setting_must_be(checkout, rom, name, words, value):
    """
    The sentence has the setting and what to do, and not the value.
    """
    good = {"checkout": str(checkout.folder), "rom": str(rom)}
    with pytest.raises(SettingsError) as raised:
        Settings(**{**good, name: value})

    assert str(raised.value).startswith(words)
    assert value not in str(raised.value)


def test_programs_are_found_by_name(checkout, rom):
    """
    As a shell finds them.
    """
    settings = Settings(checkout=str(checkout.folder), rom=str(rom), python="sh")

    assert settings.interpreter.endswith("/sh")


def test_a_home_may_be_written_short(checkout, rom, tmp_path, monkeypatch):
    """
    ``~`` is the home of whoever runs the program.
    """
    monkeypatch.setenv("HOME", str(tmp_path))
    settings = Settings(checkout="~/checkout", rom="~/base.sfc")

    assert checkout.folder == settings.checkout_of(None)
