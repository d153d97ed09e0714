"""
The command line.

Modules are imported when a command needs them: ``--help`` and ``list`` are typed often, and
aiohttp, Tortoise and loguru together take half a second to import.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Sequence

INTERRUPTED = 130
"""128 and the number of SIGINT, as shells count."""
CLOSED_PIPE = 141
"""128 and the number of SIGPIPE."""


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Run one command and return its exit status; *arguments* are those of the process if not given.

    0 done, 1 the provider failed or the output can't be written, 2 wrong usage or settings,
    3 unknown or broken plugin.
    """
    try:
        from seedcore.cli.group import run

        if isinstance(sys.stdout, io.TextIOWrapper):
            # A mark that the terminal's encoding lacks must not lose a seed.
            sys.stdout.reconfigure(errors="backslashreplace")
        status = run(sys.argv[1:] if arguments is None else list(arguments))
        if sys.stdout is not None:
            sys.stdout.flush()
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        _give_up_output()
        return CLOSED_PIPE
    except OSError as error:  # of stdout: every other one has been reported
        _give_up_output()
        with contextlib.suppress(OSError):
            sys.stderr.write(f"The output can't be written: {error.strerror}.\n")
        return 1
    return status


def _give_up_output() -> None:
    """
    Let what Python still has to write at its end go nowhere instead of raising again.
    """
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


__all__ = ["main"]
