"""
Many presets at once: what today's bots have in folders and tables.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any, Literal

import attrs
import pytest

from seedcore import Clock, provider
from seedcore.errors import DatabaseError
from seedcore.plugins import Registry
from seedcore.presets import OPERATOR, Draft, Outcome, Presets
from seedcore.presets.sources import drafts_in, drafts_of_lines
from seedcore.settings import Settings
from seedcore.store import Store
from support.stored import look

pytestmark = pytest.mark.dialects

ME, YOU = "discord:1", "discord:2"
SAVED = "SELECT provider, namespace, name FROM seedcore_presets ORDER BY provider, namespace, name"


@attrs.frozen(kw_only=True)
class Options:
    """
    What can be chosen.
    """

    mode: Literal["open", "standard", "inverted"] = "open"
    hints: Literal["on", "off"] = "off"
    crystals: dict[str, str] = attrs.field(factory=dict)
    customizer: bool = False


@provider(options=Options, presets="shipped", ignored_options=("tournament", "spoilers"))
async def alttpr(request: Any) -> None:
    """Roll."""


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    """
    An open database.
    """
    opened = await Store.open(database_url)
    yield opened
    await opened.close()


@pytest.fixture
def presets(store: Store) -> Presets:
    """
    The presets of a program that has one of the providers.
    """
    return presets_of(store)


def presets_of(store: Store | None) -> Presets:
    """
    Return the presets in *store*.
    """
    registry = Registry(discover=False)
    registry.add("alttpr", alttpr)
    return Presets(registry, Settings.load({}, installed=registry.names), lambda: store, Clock())


def write(folder: Path, **texts: str | bytes) -> Path:
    """
    Write a file for each of *texts*; ``__`` stands for a slash, ``_`` before the ending a dot.
    """
    for name, text in texts.items():
        stem, _, ending = name.replace("__", "/").rpartition("_")
        file = folder / f"{stem}.{ending}"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder


def in_folder(
    folder: Path, *, provider: str | None = None, namespace: str = ""
) -> tuple[list[Draft], list[Outcome]]:
    """
    Return what a folder has: documents, and what is off.
    """
    return split(drafts_in(folder, provider=provider, namespace=namespace))


def split(found: Iterable[Draft | Outcome]) -> tuple[list[Draft], list[Outcome]]:
    """
    Return documents, and what is off.
    """
    every = list(found)
    drafts = [each for each in every if isinstance(each, Draft)]
    return drafts, [each for each in every if isinstance(each, Outcome)]


def brief(outcomes: Iterable[Outcome]) -> list[tuple[str, str, str | None]]:
    """
    Return name, state and problem of each.
    """
    return [(each.name, each.state, each.problem) for each in outcomes]


TREE: dict[str, str | bytes] = {
    "alttpr__open_yaml": "goal_name: casual open\nsettings: {mode: open, hints: off}\n",
    "alttpr__Casual_yaml": (
        "goal_name: casual\nrandomizer: alttpr\n"
        "settings: {mode: standard, tournament: true, spoilers: false, crystals: {ganon: '7'}}\n"
    ),
    "alttpr__custom_yml": "customizer: true\nsettings: {mode: open}\nstudytime: 900\n",
    "alttpr__keys_yaml": "doors: true\nbranch: stable\nsettings: {door_shuffle: crossed}\n",
    "alttpr__typo_yaml": "settigns: {mode: open}\n",
    "alttpr__wrong_yaml": "settings: {mode: opne}\n",
    "alttpr__torn_yaml": "settings: {mode: [\n",
    "alttpr__odd_yaml": "goal: what\nsettings: {}\n",
    "alttpr__image_yaml": b"\x89PNG\r\n\x1a\n\x00",
    "alttpr__with space_yaml": "settings: {}\n",
    "alttpr__readme_txt": "not a preset",
    "alttpr__old__open_yaml": "settings: {}\n",
    "alttprmystery__weighted_yaml": "weights: {}\nsettings: {}\n",
    "loose_yaml": "settings: {}\n",
    "alttpr__.hidden_yaml": "settings: {",
    ".git__config_yaml": "settings: {",
}


async def test_a_tree_of_files(presets: Presets, tmp_path: Path, database_url: str) -> None:
    """
    Each file is judged by itself; what is off has a sentence, and the good ones are saved.
    """
    drafts, off = in_folder(write(tmp_path / "presets", **TREE))
    outcomes = await presets.load(drafts, by=OPERATOR)
    notes = {each.name: each.notes for each in outcomes if each.notes}

    assert [
        ("old", "off", "folders inside a provider's folder are not read"),
        ("loose.yaml", "off", "it is in no provider's folder; name its provider with --provider"),
    ] == sorted(brief(off), reverse=True)
    assert [
        ("casual", "saved", None),
        ("custom", "saved", None),
        ("image", "off", "it is binary, no UTF-8 text"),
        ("keys", "saved", None),
        ("odd", "saved", None),
        ("open", "saved", None),
        ("torn", "off", "line 2, column 1: expected the node content, but found the end"),
        ("typo", "off", "'settings' is missing; write it for 'settigns'"),
        ("weighted", "saved", None),
        ("with space", "off", outcomes[8].problem),
        ("wrong", "off", "option: mode must be one of open, standard, inverted"),
    ] == sorted(brief(outcomes))
    assert "'with space' is no name to save under" in str(outcomes[8].problem)
    assert {
        "keys": ("not checked: the provider 'alttprdoor' is not installed",),
        "odd": ("unknown key 'goal' is ignored. Did you mean 'goal_name'?",),
        "weighted": ("not checked: the provider 'alttprmystery' is not installed",),
    } == notes
    saved = [("alttpr", "", name) for name in ("casual", "custom", "keys", "odd", "open")]
    assert [*saved, ("alttprmystery", "", "weighted")] == look(database_url, SAVED)
    assert "casual open" == (await presets.find("alttpr", "open")).title
    assert str(tmp_path / "presets" / "alttpr" / "Casual.yaml") == outcomes[0].origin


async def test_importing_again_changes_nothing(
    presets: Presets, tmp_path: Path, database_url: str
) -> None:
    """
    Only what differs is a new revision, also of what was deleted meanwhile.
    """
    folder = write(tmp_path / "alttpr", a_yaml="settings: {}", b_yaml="settings: {}")
    drafts, _ = in_folder(folder, provider="alttpr", namespace="me")
    await presets.load(drafts, by=ME)
    again = await presets.load(drafts, by=ME)
    write(folder, a_yaml="settings: {} # changed")
    await presets.delete("alttpr", "me/b", by=ME)
    drafts, _ = in_folder(folder, provider="alttpr", namespace="me")
    changed = await presets.load(drafts, by=ME)

    assert [("me/a", "unchanged", None), ("me/b", "unchanged", None)] == brief(again)
    assert [("me/a", "saved", None), ("me/b", "saved", None)] == brief(changed)
    assert [(5,)] == look(database_url, "SELECT count(*) FROM seedcore_presets")


async def test_a_dry_run_writes_nothing(
    presets: Presets, tmp_path: Path, database_url: str
) -> None:
    """
    It says the same, and needs no database.
    """
    drafts, _ = in_folder(write(tmp_path / "presets", **TREE), namespace="me")
    dry = await presets.load(drafts, by=ME, dry_run=True)
    nowhere = await presets_of(None).load(drafts, by=ME, dry_run=True)

    assert [] == look(database_url, SAVED)
    assert [(0,)] == look(database_url, "SELECT count(*) FROM seedcore_namespaces")
    assert dry == nowhere == await presets.load(drafts, by=ME)


async def test_each_preset_once(presets: Presets, tmp_path: Path) -> None:
    """
    The second of two files with one name is off, and told which the first is.
    """
    folder = write(tmp_path / "alttpr", Open_yaml="settings: {}", open_yml="settings: {}")
    drafts, _ = in_folder(folder, provider="alttpr")
    outcomes = await presets.load(drafts, by=OPERATOR)

    expected = [
        ("open", "saved", None),
        ("open", "off", f"it is the same preset as {folder}/Open.yaml"),
    ]
    assert expected == brief(outcomes)


async def test_whose_they_become(presets: Presets) -> None:
    """
    Whoever the document names, else who imports; a namespace that is there stays as it is.
    """

    def draft(name: str, **more: Any) -> Draft:
        return Draft(provider="alttpr", name=name, text="settings: {}", origin=name, **more)

    await presets.save("alttpr", "old/a", "settings: {}", by=YOU)
    outcomes = await presets.load(
        [
            draft("mine/a"),
            draft("yours/a", owner=YOU, collaborators=(ME, "discord:3", ME)),
            draft("yours/b", owner="thief"),
            draft("old/b"),
            draft("open"),
            draft("me/no name"),
        ],
        by=ME,
    )
    by_operator = await presets.load([draft("old/b", owner=ME), draft("open")], by=OPERATOR)

    assert ["saved", "saved", "saved", "off", "off", "off"] == [each.state for each in outcomes]
    assert "the namespace 'old' belongs to somebody else" in str(outcomes[3].problem)
    assert "only operators save presets without a namespace" in str(outcomes[4].problem)
    assert ["saved", "saved"] == [each.state for each in by_operator]
    found = [await presets.namespace(name) for name in ("mine", "yours", "old")]
    assert [(ME, ()), (YOU, (ME, "discord:3")), (YOU, ())] == [
        (each.owner, each.collaborators) for each in found if each
    ]


async def test_a_namespace_has_room_for_so_many(
    presets: Presets, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Those that are there count, too.
    """
    monkeypatch.setattr("seedcore.presets.load.MOST_PRESETS", 3)
    await presets.save("alttpr", "me/0", "settings: {}", by=ME)
    drafts = [
        Draft(provider="alttpr", name=f"me/{number}", text="settings: {} # 2", origin=str(number))
        for number in range(5)
    ]
    outcomes = await presets.load(drafts, by=ME)

    assert ["saved", "saved", "saved", "off", "off"] == [each.state for each in outcomes]


async def test_a_database_that_refuses_has_none_of_them(
    presets: Presets, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The error is the database's, and nothing is there.
    """
    draft = Draft(provider="alttpr", name="me/a", text="settings: {}", origin="a")
    await store.close()

    with pytest.raises(DatabaseError):
        await presets.load([draft], by=ME)


def lines(tmp_path: Path, *records: Any) -> Path:
    """
    Write a file with a line for each of *records*; bytes are written as they are.
    """
    file = tmp_path / "table.jsonl"
    texts = [each if isinstance(each, bytes) else json.dumps(each).encode() for each in records]
    file.write_bytes(b"\n".join(texts))
    return file


async def test_lines_of_a_table(presets: Presets, tmp_path: Path) -> None:
    """
    A namespace's numbers are people at Discord.
    """
    row = {"randomizer": "alttpr", "preset_name": "Latest", "content": "settings: {}"}
    file = lines(
        tmp_path,
        {**row, "namespace": "Me", "discord_user_id": 185198185990324225, "collaborators": [7]},
        b"",
        {**row, "preset_name": "b", "namespace": "me", "id": 4, "generated_count": 0},
        {**row, "namespace": "you", "owner": "racetime:abc"},
        {**row, "namespace": None},
    )
    drafts, off = split(drafts_of_lines(file, provider=None, namespace=""))
    elsewhere, _ = split(drafts_of_lines(file, provider="sm", namespace="all"))
    outcomes = await presets.load(drafts, by=OPERATOR)
    mine, yours = await presets.namespace("me"), await presets.namespace("you")

    assert [] == off
    assert ["me/latest", "me/b", "you/latest", "latest"] == [each.name for each in outcomes]
    assert ["saved"] * 4 == [each.state for each in outcomes]
    assert [f"{file}:1", f"{file}:3", f"{file}:4", f"{file}:5"] == [o.origin for o in outcomes]
    assert mine is not None
    assert yours is not None
    assert ("discord:185198185990324225", ("discord:7",)) == (mine.owner, mine.collaborators)
    assert "racetime:abc" == yours.owner
    assert ["all/Latest", "all/b", "all/Latest", "all/Latest"] == [each.name for each in elsewhere]


@pytest.mark.parametrize(
    ("record", "problem"),
    [
        (b"{", "it is no line of JSON"),
        (b"\xff\xfe", "it is no line of JSON"),
        (b"[" * 100_000, "it is no line of JSON"),
        (b"[]", "it must be a JSON object"),
        ({}, "'preset_name' must be a text"),
        ({"preset_name": "a"}, "'randomizer' must be a text"),
        ({"randomizer": "", "preset_name": "a"}, "'randomizer' must be a text"),
        ({"randomizer": "alttpr", "preset_name": "a"}, "'content' must be a text"),
        ({"randomizer": "alttpr", "preset_name": 7, "content": ""}, "'preset_name' must be a text"),
        ({"preset_name": "a", "namespace": ["x"]}, "'namespace' must be a text"),
        ({"owner": "x\n"}, "'owner' must be a printable text"),
        ({"owner": "x" * 201}, "'owner' must be a printable text"),
        ({"owner": True}, "'owner' must be a printable text"),
        ({"collaborators": "x"}, "'collaborators' must be a list of at most 100"),
        ({"collaborators": [1] * 101}, "'collaborators' must be a list of at most 100"),
        ({"collaborators": [{}]}, "'collaborators' must be a printable text"),
    ],
)
def test_lines_that_are_none(tmp_path: Path, record: Any, problem: str) -> None:
    """
    Each has its sentence, and the next one is read all the same.
    """
    whole = {"randomizer": "alttpr", "preset_name": "a", "content": "settings: {}"}
    known = ("owner", "collaborators")
    if isinstance(record, dict) and any(key in record for key in known):
        record = whole | record
    drafts, off = split(
        drafts_of_lines(lines(tmp_path, record, whole), provider=None, namespace="")
    )

    assert ["a"] == [each.name for each in drafts]
    assert [f"{tmp_path}/table.jsonl:1"] == [each.origin for each in off]
    assert str(off[0].problem).startswith(problem)


def test_a_line_has_a_limit(tmp_path: Path) -> None:
    """
    A file that is something else fills no memory.
    """
    file = lines(tmp_path, b"x" * 2**21, {})
    drafts, off = split(drafts_of_lines(file, provider=None, namespace=""))

    assert [] == drafts
    assert ["the line is longer than 1 MiB; the rest is not read"] == [o.problem for o in off]


def test_files_that_are_none(tmp_path: Path) -> None:
    """
    A pipe is not waited for, and a dead link has a sentence.
    """
    folder = write(tmp_path / "alttpr", open_yaml="settings: {}")
    os.mkfifo(folder / "pipe.yaml")
    (folder / "dead.yaml").symlink_to("nowhere")
    drafts, off = in_folder(folder, provider="alttpr")

    assert ["open"] == [each.name for each in drafts]
    assert [("dead", "off", "it is no file"), ("pipe", "off", "it is no file")] == brief(off)


IMPORTING = """
import asyncio, sys
from seedcore import Clock
from seedcore.plugins import Registry
from seedcore.presets import Draft, Presets
from seedcore.settings import Settings
from seedcore.store import Store

async def main():
    store = await Store.open(sys.argv[1])
    registry = Registry(discover=False)
    presets = Presets(registry, Settings.load({}, installed=()), lambda: store, Clock())
    pad = "#" * 30_000
    for round in range(1000):
        drafts = [
            Draft(
                provider="alttpr", name=f"me/p{number}",
                text=f"settings: {{}} # {round} {pad}", origin=str(number),
            )
            for number in range(200)
        ]
        print(round, flush=True)
        await presets.load(drafts, by="discord:1")

asyncio.run(main())
"""


@pytest.mark.parametrize("rounds", [1, 2, 3])
def test_a_killed_import_leaves_all_or_nothing(tmp_path: Path, rounds: int) -> None:
    """
    Wherever the kill hits, each round is there with all its presets or with none.
    """
    database = tmp_path / "audit.sqlite3"
    command = [sys.executable, "-c", IMPORTING, f"sqlite://{database}"]
    with contextlib.ExitStack() as ended:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        ended.callback(process.wait, 60)
        ended.callback(process.kill)
        for _ in range(rounds):
            assert process.stdout is not None
            process.stdout.readline()
        log = Path(f"{database}-wal")
        before = log.stat().st_mtime_ns
        while log.stat().st_mtime_ns == before and process.poll() is None:
            pass  # until it has begun to write
        process.kill()
        process.communicate(timeout=60)

    counts = "SELECT count(*) FROM seedcore_presets GROUP BY revision"
    found = [count for (count,) in look(database, counts)]
    assert len(found) in (rounds - 1, rounds)
    assert {200} >= set(found)
    assert [(int(bool(found)),)] == look(database, "SELECT count(*) FROM seedcore_namespaces")
