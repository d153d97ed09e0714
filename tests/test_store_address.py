"""
Which URL means which file, and what is wrong with the others.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from seedcore.errors import DatabaseError
from seedcore.store.address import sqlite_file
from support.stored import as_nobody


def test_a_relative_path_is_in_the_current_directory(tmp_path: Path) -> None:
    """
    Two slashes lead to a file where the program was started.
    """
    assert str(tmp_path / "seedcore.sqlite3") == sqlite_file("sqlite://seedcore.sqlite3")


def test_three_slashes_make_an_absolute_path(tmp_path: Path) -> None:
    """
    What follows the second slash is the path as it is.
    """
    assert str(tmp_path / "a b%20.db") == sqlite_file(f"sqlite://{tmp_path}/a b%20.db")


def test_memory_stays_memory() -> None:
    """
    The database in memory has no path.
    """
    assert sqlite_file("sqlite://:memory:") == ":memory:"


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("seedcore.sqlite3", "has no scheme; write sqlite://"),
        ("tom:pa55word@db.example", "has no scheme; write sqlite://"),
        ("sqlite://", "names no file"),
        ("sqlite://x.db?key=pa55word", "x.db can't be used: an SQLite URL takes no options"),
        ("mysql://tom:pa55word@db.example/x?y=pa55word", "mysql://db.example/x can't be used"),
        ("postgres://tom:pa55word@db.example/x", "postgres://db.example/x can't be used"),
        ("postgresql://db.example/x", "PostgreSQL is not supported by this version"),
        ("asyncpg://tom:pa55word@[db.example/x", "PostgreSQL is not supported by this version"),
    ],
)
def test_another_url_is_refused_without_telling_its_secrets(url: str, told: str) -> None:
    """
    The sentence says what is wrong and what to write, and shows no userinfo and no query.
    """
    with pytest.raises(DatabaseError) as refused:
        sqlite_file(url)

    assert told in str(refused.value)
    assert "SEEDCORE_DATABASE_URL" in str(refused.value)
    assert "pa55word" not in str(refused.value)
    assert "tom" not in str(refused.value)


def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    """
    SQLite would only say that it can't open the file.
    """
    with pytest.raises(DatabaseError, match=r"nowhere/x\.db can't be used: its directory does not"):
        sqlite_file(f"sqlite://{tmp_path}/nowhere/x.db")


def test_a_directory_is_no_database(tmp_path: Path) -> None:
    """
    A path that ends too early is told from a broken file.
    """
    with pytest.raises(DatabaseError, match="it is a directory; name a file in it"):
        sqlite_file(f"sqlite://{tmp_path}")


def test_a_file_that_is_not_writable_is_refused() -> None:
    """
    Otherwise only the first write would fail, after a seed was made.
    """

    def refusal() -> str:
        with pytest.raises(DatabaseError) as refused:
            sqlite_file(f"sqlite://{file}")
        return str(refused.value)

    with tempfile.TemporaryDirectory() as folder:  # tmp_path is closed to others
        Path(folder).chmod(0o755)
        file = Path(folder, "x.db")
        file.touch(mode=0o444)

        assert "x.db can't be used: it is not writable; change its" in as_nobody(refusal)
