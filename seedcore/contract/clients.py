"""
What the exceptions of HTTP clients say: an answer with its status, or how the exchange broke.

Providers bring clients that seedcore never imports (requests, httpx, urllib, an SDK), so these
are recognised by what they carry, by their standard-library causes, or by the names of their
classes.
"""

from __future__ import annotations

import errno
import http.client
import json
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import attrs

from seedcore.errors import (
    ProviderError,
    ProviderResponseFormatError,
    ProviderTimeoutError,
    ProviderUnavailableError,
)

DEEPEST = 8
"""Causes followed at most; requests needs five."""
MOST_TEXT = 8192


@attrs.frozen(kw_only=True)
class Answer:
    """
    The upstream answered with a status.
    """

    status: int
    headers: Mapping[str, str] = attrs.Factory(dict)
    body: str = ""


@attrs.frozen(kw_only=True)
class Fault:
    """
    The exchange broke.

    *never_sent* when the upstream can't have seen the request, *here* when it is the fault of
    this machine, about which other machines learn nothing.
    """

    error: type[ProviderError]
    words: str = ""
    never_sent: bool = False
    here: bool = False


NO_CONNECTION = Fault(
    error=ProviderUnavailableError, words="no connection could be made", never_sent=True
)
NO_NAME = Fault(
    error=ProviderUnavailableError, words="its name is unknown", never_sent=True, here=True
)
NO_ROUTE = Fault(
    error=ProviderUnavailableError,
    words="this machine has no way to it",
    never_sent=True,
    here=True,
)
NO_TRUST = Fault(error=ProviderUnavailableError, words="TLS failed", never_sent=True)
LOST_ROUTE = attrs.evolve(NO_ROUTE, never_sent=False)
SLOW_CONNECTION = Fault(error=ProviderTimeoutError, never_sent=True)
TIMEOUT = Fault(error=ProviderTimeoutError)
BROKEN_OFF = Fault(error=ProviderUnavailableError, words="the connection broke off")
UNREADABLE = Fault(error=ProviderResponseFormatError, words="its reply can't be read")

Reader = Callable[[BaseException], "Answer | Fault | None"]
_READERS: list[Reader] = []


def add_reader(reader: Reader) -> None:
    """
    Teach ``read`` the exceptions of one more client; it is asked before the others.
    """
    _READERS.append(reader)


def read(error: BaseException) -> Answer | Fault | None:
    """
    Say what *error*, or the first exception it was raised from, tells about the exchange.
    """
    for exception in _causes(error):
        for reader in (*_READERS, _read_answer, _read_name, _read_type):
            reading = reader(exception)
            if reading is not None:
                return reading
    return None


def _causes(error: BaseException) -> Iterator[BaseException]:
    """
    Yield *error* and what it was raised from or carries.

    An implicit ``__context__`` counts only below a transport error (requests raises its own
    that way): elsewhere a bug in an except block would pass for an outage.
    """
    exception: BaseException | None = error
    for _ in range(DEEPEST):
        if exception is None:
            return
        yield exception
        carried = (item for item in exception.args if isinstance(item, BaseException))
        implicit = exception.__context__ if isinstance(exception, OSError) else None
        exception = exception.__cause__ or next(carried, None) or implicit


# ------------------------------------------------------------------- an answer


def _read_answer(exception: BaseException) -> Answer | None:
    """
    Find an int status where most clients carry it, with headers and text beside it.
    """
    response = _attribute(exception, "response")
    for holder in (exception, response):
        for name in ("status_code", "status"):
            status = _attribute(holder, name)
            if isinstance(status, int) and not isinstance(status, bool) and 100 <= status <= 599:
                headers = _attribute(holder, "headers") or _attribute(response, "headers")
                body = _text_of(holder) or _text_of(response)
                return Answer(status=int(status), headers=_plain(headers), body=body)
    return None


def _attribute(holder: object, name: str) -> Any:
    try:
        return getattr(holder, name, None)
    except Exception:  # noqa: BLE001 - a property of any client may raise anything
        return None


def _text_of(holder: object) -> str:
    if _attribute(holder, "_content") is False:
        return ""  # requests would read it from the network now, in the loop
    text = _attribute(holder, "text")
    return text[:MOST_TEXT] if isinstance(text, str) else ""


def _plain(headers: Any) -> Mapping[str, str]:
    try:
        return {str(name).title(): str(value) for name, value in headers.items()}
    except Exception:  # noqa: BLE001 - whatever it is, it is no mapping of headers
        return {}


# --------------------------------------------------------------------- a fault

_BY_NAME: Mapping[str, Fault] = {
    "httpx.ConnectError": NO_CONNECTION,
    "httpx.ConnectTimeout": SLOW_CONNECTION,
    "httpx.PoolTimeout": SLOW_CONNECTION,
    "httpx.TimeoutException": TIMEOUT,
    "httpx.NetworkError": BROKEN_OFF,
    "httpx.RemoteProtocolError": BROKEN_OFF,
    "httpx.ProxyError": BROKEN_OFF,
    "httpx.DecodingError": UNREADABLE,
    "requests.exceptions.ConnectTimeout": SLOW_CONNECTION,
    "requests.exceptions.Timeout": TIMEOUT,
    "requests.exceptions.ContentDecodingError": UNREADABLE,
    "urllib3.exceptions.NewConnectionError": NO_CONNECTION,
    "urllib3.exceptions.ConnectTimeoutError": SLOW_CONNECTION,
    "urllib3.exceptions.TimeoutError": TIMEOUT,
    "urllib3.exceptions.ProtocolError": BROKEN_OFF,
}


def _read_name(exception: BaseException) -> Fault | None:
    """
    Know a class by name, the most special one first; its cause may know better why.
    """
    names = (f"{kind.__module__}.{kind.__qualname__}" for kind in type(exception).__mro__)
    fault = next((_BY_NAME[name] for name in names if name in _BY_NAME), None)
    if fault is NO_CONNECTION:
        below = (_read_type(cause) for cause in list(_causes(exception))[1:])
        known = next((found for found in below if found in (NO_NAME, NO_TRUST, LOST_ROUTE)), fault)
        return NO_ROUTE if known is LOST_ROUTE else known
    return fault


def _read_type(exception: BaseException) -> Fault | None:
    """
    Know the standard library's own; the cause of a transport error says whether it was sent.
    """
    if isinstance(exception, (json.JSONDecodeError, UnicodeDecodeError)):
        return UNREADABLE
    if isinstance(exception, TimeoutError):
        return TIMEOUT
    if isinstance(exception, http.client.HTTPException):
        return BROKEN_OFF
    return _read_socket(exception) if isinstance(exception, OSError) else None


def _read_socket(exception: OSError) -> Fault:
    for cause in _causes(exception):
        if isinstance(cause, ConnectionRefusedError):
            return NO_CONNECTION
        if isinstance(cause, socket.gaierror):
            return NO_NAME
        if isinstance(cause, ssl.SSLCertVerificationError):
            return NO_TRUST
        if isinstance(cause, TimeoutError):
            return TIMEOUT
        if has_no_route(cause):
            return LOST_ROUTE
    return BROKEN_OFF


def has_no_route(error: BaseException) -> bool:
    """
    Whether this machine could not even try: no network, no route, no address or socket left.
    """
    return isinstance(error, OSError) and error.errno in _NO_ROUTE


_NO_ROUTE = frozenset(
    {
        errno.ENETUNREACH,
        errno.EHOSTUNREACH,
        errno.ENETDOWN,
        errno.EADDRNOTAVAIL,
        errno.EMFILE,
        errno.ENFILE,
    }
)
