"""
A call that is taken step by step, to be cut off at any of its await points.
"""

from __future__ import annotations

import asyncio
import collections.abc
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, TypeVar

Result = TypeVar("Result")


class Abandoned(Exception):  # noqa: N818 - nothing is wrong, the call has just ended
    """
    The call was closed where it stood, as a loop that is torn down does.
    """


class Stepped(collections.abc.Coroutine[Any, Any, Result]):
    """
    A coroutine that calls *reached* with what it waits for whenever it is suspended.

    ``places`` has the functions that were waiting, outermost first, for each suspension.
    """

    def __init__(
        self,
        coroutine: Coroutine[Any, Any, Result],
        reached: Callable[[Stepped[Result], Any], None],
    ) -> None:
        self.coroutine = coroutine
        self.places: list[list[str]] = []
        self._reached = reached

    def send(self, value: Any) -> Any:
        """
        Go on to the next suspension.
        """
        return self._suspended(self.coroutine.send(value))

    def throw(self, *raised: Any) -> Any:
        """
        Go on with an exception.
        """
        return self._suspended(self.coroutine.throw(*raised))

    def close(self) -> None:
        """
        End it where it stands.
        """
        self.coroutine.close()

    def __await__(self) -> Iterator[Any]:
        msg = "It is for a task."
        raise NotImplementedError(msg)

    def _suspended(self, awaited: Any) -> Any:
        self.places.append(list(_place(self.coroutine)))
        self._reached(self, awaited)
        return awaited


def _place(coroutine: Any) -> Iterator[str]:
    while coroutine is not None:
        yield getattr(coroutine, "__name__", type(coroutine).__name__)
        below = getattr(coroutine, "cr_await", None)
        coroutine = below or getattr(coroutine, "gi_yieldfrom", None)


# ------------------------------------------------------------ ways to be cut off


def _cancel(stepped: Stepped[Any], awaited: Any) -> None:
    """
    Cancel the task while it waits.
    """
    _task().cancel()


def _cancel_a_turn_later(stepped: Stepped[Any], awaited: Any) -> None:
    """
    Cancel it when the loop has turned once, wherever it is by then.
    """
    asyncio.get_running_loop().call_soon(_task().cancel)


def _cancel_with_the_answer(stepped: Stepped[Any], awaited: Any) -> None:
    """
    Cancel it when what it waits for has come, before it has been told.
    """
    cancel = _task().cancel
    if isinstance(awaited, asyncio.Future):
        awaited.add_done_callback(lambda _: cancel())
    else:
        asyncio.get_running_loop().call_soon(cancel)


def _close(stepped: Stepped[Any], awaited: Any) -> None:
    """
    Let the coroutine end where it stands, as the death of its loop does.
    """
    stepped.close()
    if "sock_connect" in stepped.places[-1]:
        # asyncio forgets a socket only then, and this loop lives on: it would take the next
        # socket with the same number for it.
        awaited.cancel()
    raise Abandoned


def _task() -> asyncio.Task[Any]:
    task = asyncio.current_task()
    assert task is not None
    return task


WAYS: dict[str, Callable[[Stepped[Any], Any], None]] = {
    "while it waits": _cancel,
    "a turn later": _cancel_a_turn_later,
    "with the answer": _cancel_with_the_answer,
    "closed": _close,
}
