"""
Plain functions that a provider runs, in threads that never hold the interpreter back.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import threading
from collections.abc import Callable
from typing import Any


class Worker:
    """
    One call of a plain function in a daemon thread of its own.

    Await ``result``; when its waiter gives up, the thread goes on, and ``on_end`` says when
    it has ended. Threads of an executor would be joined at exit, however long they hang.
    """

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self._loop = asyncio.get_running_loop()
        self.result: asyncio.Future[Any] = self._loop.create_future()
        self.running = True
        self._on_end: Callable[[], None] | None = None
        context = contextvars.copy_context()
        self._thread = threading.Thread(
            target=context.run,
            args=(self._work, function, arguments),
            name=f"seedcore:{getattr(function, '__name__', 'provider')}",
            daemon=True,
        )
        self._thread.start()

    def on_end(self, callback: Callable[[], None]) -> None:
        """
        Call *callback* in the loop once the thread has ended.
        """
        self._on_end = callback

    def _work(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
        value: Any = None
        error: Exception | None = None
        try:
            value = function(*arguments)
        except BaseException as raised:  # noqa: BLE001 - handed to whoever awaits the result
            error = _harmless(raised)
        try:
            self._loop.call_soon_threadsafe(self._end, value, error)
        except RuntimeError:
            return  # the loop is closed: nobody waits any more

    def _end(self, value: Any, error: Exception | None) -> None:
        self.running = False
        if not self.result.done():
            if error is None:
                self.result.set_result(value)
            else:
                self.result.set_exception(error)
        if self._on_end is not None:
            self._on_end()


async def run(function: Callable[..., Any], *arguments: Any) -> Any:
    """
    Return what *function* returns, awaited if it is ``async``, from a thread if it isn't.

    A SystemExit comes out as RuntimeError: no plugin ends the host.
    """
    try:
        if inspect.iscoroutinefunction(function):
            return await function(*arguments)
        value = await Worker(function, *arguments).result
        return await value if inspect.isawaitable(value) else value
    except SystemExit as error:
        raise _harmless(error) from error


def _harmless(raised: BaseException) -> Exception:
    """
    Wrap what must not leave a thread: SystemExit would end the host, StopIteration no future.
    """
    if isinstance(raised, Exception) and not isinstance(raised, StopIteration):
        return raised
    error = RuntimeError(f"the function raised {type(raised).__name__}")
    error.__cause__ = raised
    return error
