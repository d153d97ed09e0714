"""
The progress of a demo as a picture that changes in place; the only module that imports rich.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import TextIO

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from seedcore.demo.progress import Progress

WIDEST = 80
MOST_HAPPENINGS = 8
OTHER_LINES = 8
"""Lines of the picture that are no happenings, and one below it."""
COLOURS = {"closed": "green", "half_open": "yellow", "open": "red", "up": "green", "down": "red"}


@contextlib.contextmanager
def live_view(stream: TextIO) -> Iterator[Callable[[Progress], None]]:
    """
    Draw on *stream*, a terminal; give what shows a progress there. It is gone at the end.
    """
    console = Console(file=stream, highlight=False)
    with Live(
        console=console,
        auto_refresh=False,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    ) as live:
        drawn: object = None

        def show(progress: Progress) -> None:
            nonlocal drawn
            # Only what differs is drawn again: nothing flickers.
            seen = _seen(progress)
            if seen != drawn:
                drawn = seen
                live.update(picture(progress, console), refresh=True)

        yield show


def _seen(progress: Progress) -> object:
    counts = (progress.began, progress.served, progress.failed, progress.attempts)
    return int(progress.now), counts, len(progress.happenings)


def picture(progress: Progress, console: Console) -> RenderableType:
    """
    Return *progress* as rich draws it, as high and wide as the *console* has room for.
    """
    # The last column stays free: some terminals wrap there.
    width = min(WIDEST, console.width) - 1
    room = max(1, min(MOST_HAPPENINGS, console.height - OTHER_LINES))
    latest = [
        Text(str(each), style="dim" if each.minor else "") for each in progress.happenings[-room:]
    ]
    # Always as many, so that the picture keeps its height.
    latest += [Text()] * (room - len(latest))
    # The cursor stays on an empty line: a ^C that the terminal shows must not wrap there.
    lines = [Text(), *_facts(progress), Text(), *latest, Text()]
    for line in lines:
        line.truncate(width, overflow="ellipsis")
    return Group(_bar(progress, width), *lines)


def _bar(progress: Progress, width: int) -> Table:
    calls, done = progress.course.calls, len(progress.ended)
    count = Text(f"{done} of {calls} calls, {progress.now:.0f} s")
    bar = Table.grid(padding=(0, 1))
    room = max(4, width - len(count) - 1)
    bar.add_row(ProgressBar(calls, done, room, complete_style="cyan"), count)
    return bar


def _facts(progress: Progress) -> list[Text]:
    attempts = Text(f"{progress.attempts}")
    return [
        _line("served", progress.served, "green", "circuit", _circuit(progress)),
        _line("failed", progress.failed, "red", "site", _site(progress)),
        _line("waiting", progress.waiting, "yellow", "attempts", attempts),
    ]


def _line(what: str, number: int, colour: str, beside: str, state: Text) -> Text:
    shown = Text(f"{number:>6}", style=f"bold {colour}" if number else "dim")
    return Text.assemble(f"{what:8}", shown, f"    {beside:10}", state)


def _circuit(progress: Progress) -> Text:
    return Text(progress.circuit_state, style=COLOURS[progress.circuit_state])


def _site(progress: Progress) -> Text:
    if not progress.site_is_down:
        return Text("up", style=COLOURS["up"])
    left = max(0.0, progress.returns_at - progress.now)
    return Text(f"down, back in {left:.0f} s", style=COLOURS["down"])
