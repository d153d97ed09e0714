"""
Serving the application: the sockets, the log of requests, and the end.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import resource
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterator

import attrs
from aiohttp import web
from aiohttp.abc import AbstractAccessLogger
from aiohttp.http_exceptions import HttpProcessingError

from seedcore import Runner, SettingsError
from seedcore.surface.plain import printable
from seedcore_web.access import ACCESS, without_keys
from seedcore_web.app import make_app
from seedcore_web.jobs import JOBS
from seedcore_web.limits import IDLE_SECONDS, LINGER_SECONDS, PER_MINUTE
from seedcore_web.local import is_loopback

FLUSH_SECONDS = 5.0
"""Seconds in which the last answers must have left."""


@attrs.frozen(kw_only=True)
class Serving:
    """
    What ``seedcore serve`` is told.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    per_minute: int = PER_MINUTE
    cors: tuple[str, ...] = ()
    log: bool = True


class AccessLog(AbstractAccessLogger):
    """
    A line for each request, without its query and without keys.
    """

    def log(self, request: web.BaseRequest, response: web.StreamResponse, time: float) -> None:
        """
        Write the line.
        """
        path = printable(without_keys(request.rel_url.raw_path))[:200]
        peer = request.remote or "-"
        ms = f"{time * 1e3:.0f} ms"
        self.logger.info("%s %s %s %s %s", peer, request.method, path, response.status, ms)


class Quiet(logging.Filter):
    """
    Takes what was sent, and tracebacks, out of aiohttp's own log.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """
        Leave one line about a failure of this server, and nothing about requests that are none.
        """
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, HttpProcessingError):
            return False
        if error is not None:
            record.msg, record.args = f"{record.getMessage()}: {type(error).__name__}", ()
            record.exc_info = None
        return True


async def serve(runner: Runner, serving: Serving, say: Callable[[str], None]) -> None:
    """
    Serve with *runner*, which is opened here, until SIGINT or SIGTERM; then drain.

    Raises SettingsError for an address that can't be used, and DatabaseError.
    """
    stop = asyncio.Event()
    more_files()
    async with runner, served(runner, serving) as (app, addresses):
        say(f"Serving on {' and '.join(addresses)}")
        if not is_loopback(serving.host) and serving.host != "localhost":
            await _warn(app, say)
        with _stopping(stop):
            await stop.wait()
        say("Stopping: what is under way may finish. Again to stop at once.")
        await drain(runner, app)


@contextlib.asynccontextmanager
async def served(
    runner: Runner, serving: Serving
) -> AsyncIterator[tuple[web.Application, list[str]]]:
    """
    Listen, and yield the application and its addresses. Raises SettingsError.
    """
    app = make_app(runner, per_minute=serving.per_minute, cors=serving.cors)
    listening = web.AppRunner(
        app,
        access_log=_logger() if serving.log else None,
        access_log_class=AccessLog,
        auto_decompress=False,
        handle_signals=False,
        keepalive_timeout=IDLE_SECONDS,
        lingering_time=LINGER_SECONDS,
        logger=_quiet(),
        shutdown_timeout=FLUSH_SECONDS,
    )
    await listening.setup()
    try:
        await _listen(listening, serving)
        yield app, [_address(*each[:2]) for each in listening.addresses]
    finally:
        await listening.cleanup()


async def _listen(listening: web.AppRunner, serving: Serving) -> None:
    site = web.TCPSite(listening, serving.host, serving.port, backlog=1024)
    try:
        await site.start()
    except (OSError, OverflowError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        msg = (
            f"Nothing can be served at {serving.host}:{serving.port}: {reason}. "
            "Choose another --host or --port; --port 0 takes a free one."
        )
        raise SettingsError(msg) from error


async def drain(runner: Runner, app: web.Application) -> None:
    """
    Take nothing new, and wait for what is under way; answers still leave meanwhile.
    """
    app[JOBS].draining = True
    await runner.close()
    await app[JOBS].close()


async def _warn(app: web.Application, say: Callable[[str], None]) -> None:
    if not await app[ACCESS].has_keys():
        say(
            "There are no keys, so only this machine is answered. "
            "Make one: seedcore web key add NAME --scope generate"
        )


@contextlib.contextmanager
def _stopping(stop: asyncio.Event) -> Iterator[None]:
    """
    Set *stop* at the first signal; a second one does what it always does.
    """
    loop = asyncio.get_running_loop()
    signals = (signal.SIGINT, signal.SIGTERM)
    for each in signals:
        loop.add_signal_handler(each, stop.set)
    try:
        yield
    finally:
        for each in signals:
            loop.remove_signal_handler(each)


def more_files() -> None:
    """
    Let this process have as many connections as the system allows.
    """
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def events_to_stderr(*, debug: bool) -> None:
    """
    Write what happens in calls as lines, never with the values of variables.
    """
    from loguru import logger

    logger.remove()
    logger.add(
        sys.stderr,
        level="DEBUG" if debug else "INFO",
        format="{time:YYYY-MM-DD HH:mm:ss} {level} {message}",
        backtrace=False,
        diagnose=False,
    )


def _address(host: str, port: int) -> str:
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def _quiet() -> logging.Logger:
    logger = logging.getLogger("seedcore_web.http")
    if not logger.filters:
        logger.addFilter(Quiet())
    return logger


def _logger() -> logging.Logger:
    logger = logging.getLogger("seedcore_web")
    if not logger.handlers:
        written = logging.StreamHandler(sys.stderr)
        written.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
        logger.addHandler(written)
        logger.setLevel(logging.INFO)
        logger.propagate = False
    return logger
