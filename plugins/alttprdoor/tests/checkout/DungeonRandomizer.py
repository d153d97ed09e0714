# ruff: noqa: D103 - each does what its name says
"""
A stand-in for the Door Randomizer that can fail in every way the real one was seen to, and some.

What it does is in ``course.json`` beside it: a name for each run, the last for all further ones.
Of each run it notes the settings, the environment and the current folder in ``runs``.
"""

import json
import os
import resource
import secrets
import shutil
import signal
import string
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
BANNER = "ALttP Door Randomizer Version 1.1.8-dev : --seed {seed} --code AAAAAhI4OAAAAAA=\n\n\n"
TRACEBACK = (
    'Traceback (most recent call last):\n  File "{path}", line 90, in <module>\n    start()\n'
)
SETTINGS = json.loads(Path(sys.argv[2]).read_text("utf-8"))
OUT = Path(SETTINGS["outputpath"])
NAME = f"DR_{SETTINGS['outputname']}"
GAME, LOG = OUT / f"{NAME}.sfc", OUT / f"{NAME}_Spoiler.txt"
SECURE = "".join(secrets.choice(string.ascii_letters) for _ in range(9))
SEED = SECURE if SETTINGS["securerandom"] else "859948864"
LOCATIONS = "Locations:\n\nSanctuary: Hookshot\n\nPlaythrough:\n\n"


def names_in(folder: str) -> list[str]:
    return sorted(path.name for path in Path(folder).iterdir())


def say(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()


def begin() -> None:
    say(BANNER.format(seed=SEED) + "Creating Meta Info\nShuffling the World about\n")


def fail(line: str, *, begun: bool = True) -> None:
    if begun:
        begin()
    say(TRACEBACK.format(path=__file__) + line + "\n")
    sys.exit(1)


def game(seed: str = SEED) -> bytes:
    rom = Path(SETTINGS["rom"]).read_bytes()
    made = bytearray(rom.ljust(0x20000, b"\0"))
    made[0x7FC0 : 0x7FC0 + 21] = f"ER118_1_1_{seed}".encode().ljust(21, b"\0")
    made[100:132] = secrets.token_bytes(32)
    return bytes(made)


def log(code: str = "Hash: Key, Quake, Bow, Ocarina, Shovel\n") -> str:
    if SETTINGS["mystery"] and not SETTINGS.get("suppress_meta"):  # it goes to another file then
        (OUT / f"{NAME}_meta.txt").write_text(code)
        code = ""
    code = "" if SETTINGS["suppress_rom"] else code
    return (
        f"ALttP Dungeon Randomizer Version 1.1.8-dev  -  Seed: {SEED}\n\n{code}"
        f"Filling Algorithm:               balanced\n\n{LOCATIONS}"
    )


def succeed(made: bytes | None = None, written: str | None = None) -> None:
    begin()
    LOG.write_text(written or log(), "utf-8")
    Path("data/base2current.json").write_text("[]")
    if not SETTINGS["suppress_rom"]:
        GAME.write_bytes(made or game())
    say("\nDone. Enjoy.\n\nPatched ROM:         Yes\n")


def linked() -> None:
    succeed()
    GAME.unlink()
    GAME.symlink_to("/etc/passwd")


def hard_linked() -> None:
    succeed()
    os.link(LOG, OUT / "another")


def moved() -> None:
    succeed()
    OUT.rename(OUT.with_name("elsewhere"))
    OUT.symlink_to(OUT.with_name("elsewhere"))


def renamed() -> None:
    succeed()
    OUT.parent.rename(OUT.parent.with_name("elsewhere"))


def vanished() -> None:
    succeed()
    for folder in ("home", "desk"):
        shutil.rmtree(OUT.parent / folder)
    Path(SETTINGS["rom"]).unlink()


def deep() -> None:
    succeed()
    os.chdir(OUT)
    for _ in range(1200):  # of which the path is longer than the system takes
        Path("dddd").mkdir()
        os.chdir("dddd")


def planted() -> None:
    succeed()
    (OUT.parent / "patch").write_text("")


def pipe() -> None:
    succeed()
    GAME.unlink()
    os.mkfifo(GAME)


def huge() -> None:
    succeed()
    with LOG.open("r+b") as file:
        file.truncate(5 * 1024 * 1024)


def locked() -> None:
    succeed()
    (OUT / "closed").mkdir()
    (OUT / "closed" / "file").write_text("")
    (OUT / "closed").chmod(0)


def flood() -> None:
    begin()
    while True:
        os.write(2, b"Lowering key door count because not enough candidates\n" * 1000)


def hang() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    (HERE / "pids").write_text(f"{os.getpid()} {child.pid}")
    time.sleep(600)


def orphan() -> None:
    # It gets away into a session of its own, and keeps stderr open.
    child = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True
    )
    (HERE / "pids").write_text(str(child.pid))
    succeed()


def left_behind() -> None:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    (HERE / "pids").write_text(str(child.pid))
    succeed()


def regrouped() -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(600)"], process_group=0
    )
    (HERE / "pids").write_text(str(child.pid))
    succeed()


def large(more: int) -> None:
    # Until then the limit may not be there yet.
    while resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY:
        time.sleep(0.001)
    with (OUT / "large").open("wb") as file:
        file.truncate(64 * 1024 * 1024 + more)
    succeed()


COURSE = {
    "ok": succeed,
    "asks": lambda: input(f"Could not find a thing at {HERE}/thing. \nPress Enter to exit."),
    "numbered": lambda: succeed(game("859948864")),
    "no_code": lambda: succeed(written=log("")),
    "small": lambda: succeed(b"half a game"),
    "nothing": begin,
    "empty": lambda: (succeed(), LOG.write_text("")),
    "linked": linked,
    "hard_linked": hard_linked,
    "moved": moved,
    "pipe": pipe,
    "huge": huge,
    "large": lambda: large(0),
    "too_large": lambda: large(1),
    "regrouped": regrouped,
    "renamed": renamed,
    "vanished": vanished,
    "deep": deep,
    "planted": planted,
    "unknown_item": lambda: (say("Unknown Item: Hookshoot\n"), succeed()),
    "no_sprite": lambda: input(
        "Could not find link sprite sheet at given location. \nPress Enter to exit."
    ),
    "markup": lambda: succeed(written=log().replace("1.1.8-dev", "<b>@everyone</b>")),
    "locked": locked,
    "flood": flood,
    "hang": hang,
    "orphan": orphan,
    "left_behind": left_behind,
    "killed": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "unwinnable": lambda: fail(
        "RuntimeError: Cannot beat game. Something went terribly wrong here!"
    ),
    "fill": lambda: fail("Fill.FillError: No more spots to place Small Key (Ice Palace)"),
    "number": lambda: fail(
        "ValueError: invalid literal for int() with base 10: 'eleven'", begun=False
    ),
    "key": lambda: fail("KeyError: 'sideways'", begun=False),
    "corrupt": lambda: fail(
        "bps.validate.CorruptFile: Source file should have CRC32 3322EFFC, got A738EA1C"
    ),
    "enemizer": lambda: fail(
        f"Main.EnemizerError: Enemizer not found: {HERE}/tools/EnemizerCLI.Core\n"
        "No Enemizer options will be applied"
    ),
    "module": lambda: fail("ModuleNotFoundError: No module named 'aenum'", begun=False),
    "missing": lambda: fail(
        f"FileNotFoundError: [Errno 2] No such file or directory: '{HERE}/data/sheet.gfx'"
    ),
    "memory": lambda: fail("MemoryError"),
    "silent": lambda: sys.exit(3),
}

runs = HERE / "runs"
runs.mkdir(exist_ok=True)
number = len(list(runs.iterdir()))
desk = {"cwd": str(Path.cwd()), "names": names_in("."), "data": names_in("data")}
noted = {
    "settings": SETTINGS,
    "environment": dict(os.environ),
    "rom": len(Path(SETTINGS["rom"]).read_bytes()),
    "stdin": sys.stdin.read(1),
    **desk,
}
(runs / f"{number:02}.json").write_text(json.dumps(noted))
course = json.loads((HERE / "course.json").read_text())
COURSE[course[min(number, len(course) - 1)]]()
