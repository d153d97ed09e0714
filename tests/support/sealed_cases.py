"""
Tests that seal something: those called ``shown`` show it, and must end in an error.

``tests/test_sealing.py`` runs them; nobody else collects them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import pytest

from seedcore import Event, ProviderInvalidRequestError, Registry, Rolled, Runner, Seed, provider

SECRET = "https://seeds.example/h/qoJm2K9eMX"


@pytest.fixture
async def runner(tmp_path: Path) -> Any:
    """
    A runner whose provider does what its options say.
    """

    @provider(delayed=True)
    async def demo(request: Any, context: Any) -> Rolled:
        said = request.options
        if "hide" in said:
            context.hide(said["hide"])
        if "fail" in said:
            raise ProviderInvalidRequestError(said["fail"])
        return Rolled(Seed(url=SECRET, id="1"), logs={"spoiler": {"Sanctuary": {"Chest": "Lamp"}}})

    registry = Registry(discover=False)
    registry.add("demo", demo)
    async with Runner(
        registry=registry,
        sinks=[lambda _: None],
        database=f"sqlite://{tmp_path}/audit.sqlite3",
        settings={"storage_directory": str(tmp_path / "files")},
    ) as opened:
        yield opened


async def test_hidden_by_every_reader(runner: Runner) -> None:
    """
    Readers hide it, and so do events.
    """
    await runner.generate("demo", surface="tests", sealed=True)
    await runner.generate("demo", surface="tests", spoilers="delayed", sealed=True)
    assert 2 == len(await runner._runtime.store.queries.calls())
    assert 2 == len([row async for row in runner._runtime.store.queries.export()])


@pytest.mark.parametrize("said", [SECRET, r"at 'https:\/\/seeds.example\/h\/qoJm2K9eMX'"])
async def test_shown_in_an_event(runner: Runner, said: str) -> None:
    """
    However it is written there.
    """
    await runner.generate("demo", surface="tests", sealed=True)
    runner._runtime.events.emit(Event(level="INFO", event="chat", extra={"said": said}))


async def test_shown_in_an_error(runner: Runner) -> None:
    """
    Of a later call, too.
    """
    await runner.generate("demo", surface="tests", spoilers="delayed")
    with pytest.raises(ProviderInvalidRequestError):
        await runner.generate("demo", surface="tests", options={"fail": "Chest: Lamp"})


async def test_shown_in_a_row(runner: Runner) -> None:
    """
    A failure's words are read by people.
    """
    await runner.generate("demo", surface="tests", spoilers="delayed")
    with pytest.raises(ProviderInvalidRequestError):
        await runner.generate("demo", surface="tests", options={"fail": "Chest: Lamp"})
    await runner._runtime.store.flush()
    assert await runner._runtime.store.queries.failures()


async def test_shown_by_a_command(runner: Runner) -> None:
    """
    A key that the provider asked to hide.
    """
    await runner.generate("demo", surface="tests", options={"hide": "k4vNq8ZtW2mX"})
    click.echo("the key is k4vNq8ZtW2mX")


async def test_unsealed_before(runner: Runner) -> None:
    """
    That is what it was unsealed for.
    """
    seed = await runner.generate("demo", surface="tests", sealed=True)
    await runner._runtime.store.unseal(seed.meta.call_id, "race room")
    click.echo(SECRET)


async def test_of_another_seed(runner: Runner) -> None:
    """
    Which everybody may see.
    """
    await runner.generate("demo", surface="tests", sealed=True)
    await runner.generate("demo", surface="tests")
    click.echo(SECRET)
