"""
The progress of a demo as lines, for a file, a pipe or a plain terminal.
"""

from __future__ import annotations

from collections.abc import Callable

from seedcore.demo.progress import Progress


class PlainLines:
    """
    Writes a line for whatever changes, and one each second.
    """

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._told = 0
        self._second = -1

    def __call__(self, progress: Progress) -> None:
        """
        Write what is new.
        """
        for happening in progress.happenings[self._told :]:
            self._told += 1
            if not happening.minor:
                self._write(str(happening))
        if int(progress.now) > self._second:
            self._second = int(progress.now)
            self._write(f"{progress.now:6.1f} s  {_counts(progress)}")


def _counts(progress: Progress) -> str:
    return (
        f"{progress.served} served, {progress.failed} failed, {progress.waiting} under way, "
        f"{progress.attempts} attempts"
    )
