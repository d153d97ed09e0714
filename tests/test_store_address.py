"""
Which URL means which file, and what is wrong with the others.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

import pytest

from seedcore.errors import DatabaseError
from seedcore.store.address import Address, address_of, missing_driver
from support.stored import as_nobody


def test_a_relative_path_is_in_the_current_directory(tmp_path: Path) -> None:
    """
    Two slashes lead to a file where the program was started.
    """
    file = str(tmp_path / "seedcore.sqlite3")

    assert Address(dialect="sqlite", name=file, path=file) == address_of(
        "sqlite://seedcore.sqlite3"
    )


def test_three_slashes_make_an_absolute_path(tmp_path: Path) -> None:
    """
    What follows the second slash is the path as it is.
    """
    assert str(tmp_path / "a b%20.db") == address_of(f"sqlite://{tmp_path}/a b%20.db").path


def test_memory_stays_memory(tmp_path: Path) -> None:
    """
    The database in memory has no path, and is the only one that ends with its process.
    """
    memory = address_of("sqlite://:memory:")

    assert (":memory:", ":memory:", True) == (memory.path, memory.name, memory.in_memory)
    assert not address_of(f"sqlite://{tmp_path}/x.db").in_memory
    assert not address_of("postgres://db.example/:memory:").in_memory


@pytest.mark.parametrize("scheme", ["postgres", "postgresql"])
def test_a_server_is_named_without_who_asks(scheme: str) -> None:
    """
    User name and password go to the driver alone; what may be shown are host and database.
    """
    address = address_of(f"{scheme}://tom%40x:pa55%2Fword@DB.example:5433/se%20eds?sslmode=require")

    assert ("postgres", "postgres://db.example:5433/se eds") == (address.dialect, address.name)
    assert address.credentials == {
        "host": "db.example",
        "port": 5433,
        "database": "se eds",
        "user": "tom@x",
        "password": "pa55/word",
        "ssl": "require",
    }
    assert "pa55" not in repr(address)
    assert "tom" not in repr(address)


@pytest.mark.parametrize(
    ("url", "credentials"),
    [
        ("postgres:///x", {"host": "localhost", "port": 5432, "database": "x"}),
        ("postgres://[::1]/x", {"host": "::1", "port": 5432, "database": "x"}),
        (
            "postgres://tom@/x?host=/run/postgresql",
            {"host": "/run/postgresql", "port": 5432, "database": "x", "user": "tom"},
        ),
    ],
)
def test_what_a_server_url_leaves_out(url: str, credentials: dict[str, object]) -> None:
    """
    This machine, the usual port, and whoever runs the program.
    """
    assert credentials == address_of(url).credentials


def test_every_process_has_the_same_key_for_a_database(tmp_path: Path) -> None:
    """
    It stands in the names of files, so it has no odd characters and tells no secrets.
    """
    keys = [
        address_of(url).key
        for url in (
            "postgres://tom:pa55word@db.example/x",
            "postgresql://eve@db.example:5432/x?sslmode=require",
            "postgres://db.example/y",
            f"sqlite://{tmp_path}/seedcore.sqlite3",
            "sqlite://seedcore.sqlite3",
        )
    ]

    assert keys[0] == keys[1]
    assert keys[3] == keys[4]
    assert 3 == len(set(keys))
    assert all(re.fullmatch("[0-9a-f]{12}", key) for key in keys)
    assert "94f74278a9e0" == address_of("postgres://db.example/x").key


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("seedcore.sqlite3", "has no scheme; write sqlite://"),
        ("tom:pa55word@db.example", "has no scheme; write sqlite://"),
        ("sqlite://", "names no file"),
        ("sqlite://x.db?key=pa55word", "x.db can't be used: an SQLite URL takes no options"),
        ("mysql://tom:pa55word@db.example/x?y=pa55word", "mysql://db.example/x can't be used"),
        ("asyncpg://tom:pa55word@[db.example/x", "its scheme is not supported; write sqlite://"),
        ("postgres://tom:pa55word@[db.example/x", "its URL can't be read; write sqlite://"),
        ("postgres://tom:pa55word@db.example:pa55word/x", "its URL can't be read; write sqlite"),
        ("postgres://tom:pa55word@db.example", "postgres://db.example can't be used: its URL"),
        ("postgres://tom:pa55word@db.example/", "names no database; write postgres://host/"),
        ("postgres://tom:pa55word@db.example/x/y", "names no database; write postgres://host/"),
        ("postgres://tom:pa55word@db.example/x?maxsize=9", "in the setting database_pool_size"),
        ("postgres://tom:pa55word@db.example/x?password=pa55word", "sslmode and host only."),
        ("postgres://db.example/x?sslmod=require", "Did you mean 'sslmode'?"),
        ("postgres://db.example/x?sslmode=pa55word", "sslmode is one of disable, allow, prefer"),
    ],
)
def test_another_url_is_refused_without_telling_its_secrets(url: str, told: str) -> None:
    """
    The sentence says what is wrong and what to write, and shows no userinfo and no query.
    """
    with pytest.raises(DatabaseError) as refused:
        address_of(url)

    assert told in str(refused.value)
    assert "SEEDCORE_DATABASE_URL" in str(refused.value)
    assert "pa55word" not in str(refused.value)
    assert "tom" not in str(refused.value)


@pytest.mark.parametrize(
    "url",
    [
        "postgres://bot:hunter/secret@db.example/seeds",
        "postgres://bot:5/secret@db.example/seeds",
        "postgresql+asyncpg://bot:hunter/secret@db.example/seeds",
    ],
)
def test_a_password_with_a_slash_is_not_taken_for_a_database(url: str) -> None:
    """
    No part of it is shown, but the remedy is.
    """
    with pytest.raises(DatabaseError, match="percent-encode") as refused:
        address_of(url)
    for word in ("hunter", "secret", "bot"):
        assert word not in str(refused.value).replace("seedcore", "")


def test_a_missing_driver_is_named_with_the_command_that_installs_it() -> None:
    """
    It is an extra that most don't need.
    """
    assert "pip install 'seedcore[postgres]'" in str(missing_driver())


def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    """
    SQLite would only say that it can't open the file.
    """
    with pytest.raises(DatabaseError, match=r"nowhere/x\.db can't be used: its directory does not"):
        address_of(f"sqlite://{tmp_path}/nowhere/x.db")


def test_a_directory_is_no_database(tmp_path: Path) -> None:
    """
    A path that ends too early is told from a broken file.
    """
    with pytest.raises(DatabaseError, match="it is a directory; name a file in it"):
        address_of(f"sqlite://{tmp_path}")


def test_a_file_that_is_not_writable_is_refused() -> None:
    """
    Otherwise only the first write would fail, after a seed was made.
    """

    def refusal() -> str:
        with pytest.raises(DatabaseError) as refused:
            address_of(f"sqlite://{file}")
        return str(refused.value)

    with tempfile.TemporaryDirectory() as folder:  # tmp_path is closed to others
        Path(folder).chmod(0o755)
        file = Path(folder, "x.db")
        file.touch(mode=0o444)

        assert "x.db can't be used: it is not writable; change its" in as_nobody(refusal)
