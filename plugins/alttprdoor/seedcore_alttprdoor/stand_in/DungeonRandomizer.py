# ruff: noqa: INP001 - it is a program, called as the randomizer's is
"""
A stand-in for the Door Randomizer, for ``seedcore check alttprdoor`` where there is no checkout.

It takes a settings file, and leaves a game and a spoiler log as the randomizer does. The game is
none: whatever is in the ROM, a title, and a few bytes that nobody can guess.
"""

import json
import secrets
import string
import sys
from pathlib import Path

TITLE = 0x7FC0
SIZE = 0x10000

settings = json.loads(Path(sys.argv[2]).read_text("utf-8"))
secure = "".join(secrets.choice(string.ascii_letters) for _ in range(9))
seed = secure if settings["securerandom"] else "123456789"
out = Path(settings["outputpath"])
name = f"DR_{settings['outputname']}"
code = "" if settings["suppress_rom"] else "Hash: Key, Quake, Bow, Ocarina, Shovel\n"

sys.stderr.write(f"ALttP Door Randomizer Version 1.1.8-dev : --seed {seed} --code IAAAAgA4OAA=\n")
if not settings["suppress_rom"]:
    game = bytearray(SIZE)
    rom = Path(settings["rom"]).read_bytes()
    game[: len(rom)] = rom
    game[TITLE : TITLE + 21] = f"ER118_1_1_{seed}".encode().ljust(21, b"\0")
    game[-32:] = secrets.token_bytes(32)
    (out / f"{name}.sfc").write_bytes(game)
(out / f"{name}_Spoiler.txt").write_text(
    f"ALttP Dungeon Randomizer Version 1.1.8-dev  -  Seed: {seed}\n\n{code}"
    f"Mode:                            {settings.get('mode', 'open')}\n\n"
    "Locations:\n\nSanctuary: Heart Container\n",
    "utf-8",
)
sys.stderr.write("\nDone. Enjoy.\n")
