"""
Keeps what is under test from reaching any network but the kit's own upstream.
"""

from __future__ import annotations

import contextlib
import errno
import socket
import sys
import threading
from collections.abc import Iterator
from typing import Any

_installed = False
_guards: list[Guard] = []


class Guard:
    """
    What was tried: ``elsewhere`` names each place that was refused, in order.

    It is about the whole process while it is on, threads of providers included, or about its
    own thread alone once that was given up.
    """

    def __init__(self) -> None:
        self.thread = threading.get_ident()
        self.everywhere = True
        self.others = {*threading.enumerate()} - {threading.current_thread()}
        """Threads that ran before, and have nothing to do with what is under test."""
        self.allowed: set[int] = set()
        """Ports of loopback that may be connected to."""
        self.elsewhere: list[str] = []

    def covers(self, thread: threading.Thread) -> bool:
        """
        Whether it is about what *thread* does.
        """
        own = thread.ident == self.thread
        return own or (self.everywhere and thread not in self.others)

    def refuse(self, place: str) -> None:
        """
        Note *place*, and keep it from being reached.
        """
        if place not in self.elsewhere:
            self.elsewhere.append(place)


@contextlib.contextmanager
def guarded() -> Iterator[Guard]:
    """
    Let nothing out while this runs, but to the ports that the guard allows.
    """
    _install()
    guard = Guard()
    _guards.append(guard)
    try:
        yield guard
    finally:
        _guards.remove(guard)


def confine(thread: threading.Thread) -> None:
    """
    Leave the rest of the process alone: *thread*, which may never end, was given up.
    """
    for guard in _guards:
        if guard.thread == thread.ident:
            guard.everywhere = False


def _install() -> None:
    """
    Hear of every connection and every look-up of a name, from whatever client.

    Patching the socket module would miss those who took its functions before. An audit hook
    can't be taken away again; without a guard it does nothing.
    """
    global _installed  # noqa: PLW0603 - a process has one list of audit hooks
    if not _installed:
        _installed = True
        sys.addaudithook(_heard)


def _heard(event: str, arguments: tuple[Any, ...]) -> None:
    if not _guards or not event.startswith("socket."):
        return
    here = threading.current_thread()
    guard = next((one for one in reversed(_guards) if one.covers(here)), None)
    if guard is None:
        return
    if event == "socket.getaddrinfo" and not _is_loopback(arguments[0]):
        guard.refuse(_shown(arguments[0], arguments[1]))
        text = "the conformance kit looks up no name"
        raise socket.gaierror(socket.EAI_NONAME, text)
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        host, port = arguments[1][:2]
        if not (_is_loopback(host) and port in guard.allowed):
            guard.refuse(_shown(host, port))
            text = "the conformance kit lets nothing out but to its own upstream"
            raise ConnectionRefusedError(errno.ECONNREFUSED, text)


def _is_loopback(host: Any) -> bool:
    name = host.decode("ascii", "replace") if isinstance(host, bytes) else host
    return name in (None, "", "localhost", "::1") or str(name).startswith("127.")


def _shown(host: Any, port: Any) -> str:
    name = host.decode("ascii", "replace") if isinstance(host, bytes) else str(host)
    return f"{name}:{port}" if port else name
