"""
What is shown on stderr while a call runs.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from seedcore.cli.output import one_line
from seedcore.cli.report import Invocation

WARNING = 30
"""From which level on everybody is told, as loguru counts."""


def log_to_stderr(invocation: Invocation) -> None:
    """
    Let a person see retries and problems, a plugin's own too, without values of variables.

    Whoever looks on at a terminal also sees what a site says that takes its time.
    """
    from loguru import logger

    debug, polls = invocation.debug, _is_watched(invocation)

    def wanted(record: Any) -> bool:
        if debug:
            return True
        if record["level"].no < WARNING:
            return polls and _is_poll(record)
        # How the call ended is what the command itself prints.
        return bool(record["extra"].get("event") != "call")

    def form(record: Any) -> str:
        if debug or not _is_poll(record):
            return "{level}: {message}\n{exception}"
        record["extra"]["shown"] = _progress(record["extra"])
        return "{extra[shown]}\n"

    logger.remove()
    logger.add(
        lambda message: print(message, end="", file=sys.stderr),  # noqa: T201
        level="DEBUG" if debug else "INFO",
        format=form,
        filter=wanted,
        backtrace=False,
        diagnose=False,
    )


def _is_watched(invocation: Invocation) -> bool:
    """
    Whether a person looks on, and not only a program that reads JSON.
    """
    return sys.stderr.isatty() and (sys.stdout.isatty() or not invocation.as_json)


def _is_poll(record: Any) -> bool:
    own = record["name"] == "seedcore.events"  # a plugin may bind what it likes
    return bool(own and record["extra"].get("event") == "poll")


def _progress(poll: Mapping[str, Any]) -> str:
    """
    Return what a site says about a seed that isn't done, as one line.
    """
    progress = poll.get("progress")
    done = "" if progress is None else f", {progress:.0%}".replace("%", " %")
    return one_line(f"{poll['provider']}: {poll['status']}{done}")
