"""
Patches that are made without flips.
"""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest
from bps.apply import apply_to_bytearrays
from bps.io import read_bps
from hypothesis import given, strategies as st

from seedcore import ProviderCapabilityError
from seedcore_alttprdoor import linear
from seedcore_alttprdoor.patch import patch_of
from seedcore_alttprdoor.spoiler import head_of

PARTS = st.lists(
    st.one_of(st.binary(max_size=40), st.builds(bytes.ljust, st.just(b""), st.integers(0, 60))),
    max_size=8,
).map(b"".join)


@given(base=PARTS, game=PARTS)
def test_any_game_is_made_of_any_base(tmp_path_factory, base, game):
    """
    Equal parts, runs, ends that are longer or shorter.
    """
    folder = tmp_path_factory.mktemp("patch")
    (folder / "base").write_bytes(base)
    (folder / "game").write_bytes(game)
    linear.write(folder / "base", folder / "game", folder / "patch")
    made = bytearray(len(game))
    with (folder / "patch").open("rb") as patch:
        apply_to_bytearrays(read_bps(patch), base, made)

    assert game == bytes(made)


def test_what_is_equal_costs_nothing(tmp_path):
    """
    A megabyte of zeros at the end of a game is a few bytes.
    """
    (tmp_path / "base").write_bytes(bytes(range(256)) * 1024)
    (tmp_path / "game").write_bytes(bytes(range(256)) * 1024 + bytes(0x100000))
    script = str(Path(linear.__file__))
    files = [str(tmp_path / name) for name in ("base", "game", "patch")]
    subprocess.run([sys.executable, "-I", script, *files], check=True)

    assert (tmp_path / "patch").stat().st_size < 64


async def test_words_in_a_patch_are_read(tmp_path, temporary):
    """
    A tool may write what it likes into it; it is judged before people see it.
    """
    flips = tmp_path / "flips"
    flips.write_text(
        f"#!{sys.executable}\n"
        "import sys, io\nfrom pathlib import Path\n"
        "from bps import operations as ops\nfrom bps.io import write_bps\nfrom zlib import crc32\n"
        "base, game = (Path(name).read_bytes() for name in sys.argv[3:5])\n"
        "with open(sys.argv[5], 'wb') as patch:\n"
        "    write_bps([ops.Header(len(base), len(game), 'made by hand'), ops.TargetRead(game),\n"
        "        ops.SourceCRC32(crc32(base)), ops.TargetCRC32(crc32(game))], patch)\n"
    )
    flips.chmod(0o755)
    patch = await patch_of(b"base" * 300, b"game" * 300, flips=str(flips))

    assert "made by hand" == patch.notes
    assert [] == [*temporary.iterdir()]


async def test_who_says_too_much_makes_no_patch(tmp_path, temporary, monkeypatch):
    """
    It may have ended well before anybody could end it.
    """
    monkeypatch.setattr("seedcore_alttprdoor.program.MOST_SAID", 4)
    monkeypatch.setattr("seedcore_alttprdoor.program._kill", lambda _: None)
    flips = tmp_path / "flips"
    flips.write_text("#!/bin/sh\necho much too much\n")
    flips.chmod(0o755)
    with pytest.raises(ProviderCapabilityError, match="much too much"):
        await patch_of(b"base", b"game", flips=str(flips))


def test_the_top_of_a_log():
    """
    Icons have the names that people know; older logs have none where no game was made.
    """
    text = (
        "ALttP Dungeon Randomizer Version 1.1.8-dev  -  Seed: 6699557\r\n\r\n"
        "Hash: Bug Net, Bomb, Bottle, Rod, Pearl\r\n"
    )
    head = head_of(text)

    assert ("1.1.8-dev", "Bugnet/Bombs/Empty Bottle/Ice Rod/Moon Pearl") == (
        head.version,
        head.code,
    )


def test_something_else_has_no_top():
    """
    What isn't found is not made up.
    """
    head = head_of("<html>" * 1000)

    assert (None, None) == (head.version, head.code)


def test_a_patch_is_what_the_library_reads():
    """
    The operations are the library's own.
    """
    written = io.BytesIO()
    from bps.io import write_bps

    write_bps(linear.operations(b"abcdefgh", b"abcdXfgh" + b"\0" * 20), written)
    made = bytearray(28)
    apply_to_bytearrays(read_bps(io.BytesIO(written.getvalue())), b"abcdefgh", made)

    assert b"abcdXfgh" + b"\0" * 20 == bytes(made)
