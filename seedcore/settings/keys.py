"""
What can be set: the runner's own keys, the keys of a provider, the limits of its calls.
"""

from __future__ import annotations

import re
from typing import Any, Literal
from urllib.parse import urlsplit

import attrs

from seedcore.errors import SettingsError, environment_name
from seedcore.policy import Effect, Policy, count, limit, number, rate_of


def masked_url(url: str | None) -> str:
    """
    Return *url* without user name, password and query; ``***`` for what is no URL.
    """
    scheme, separator, rest = (url or "").partition("://")
    place, question, query = rest.partition("?")
    # An "@" that wasn't percent-encoded may stand anywhere: rather show too little.
    if not separator or "@" in query:
        return f"{scheme}://***" if separator else str(url and "***")
    _, at, place = place.rpartition("@")
    return f"{scheme}://{'***@' if at else ''}{place}{'?***' if question else ''}"


def web_address(_: object, field: attrs.Attribute[Any], value: str | None) -> None:
    """
    Check that *value* is the address of a site: ``setting(validator=web_address)``.

    ``None`` passes. Raises SettingsError, also for a login in it, which would be no secret there.
    """
    if value is not None and not (_is_web_address(value) and _has_no_login(value)):
        msg = f"{field.name} must be an http:// or https:// address without a login or a query"
        raise SettingsError(msg)


def _base_url(_: object, field: attrs.Attribute[Any], value: str | None) -> None:
    if value is not None and not _is_web_address(value):
        msg = f"{field.name} must be an http:// or https:// address without a query."
        raise SettingsError(msg)


def _has_no_login(address: str) -> bool:
    return urlsplit(address).username is None


def _is_web_address(value: str) -> bool:
    try:
        parts = urlsplit(value)
        return bool(_WEB_ADDRESS.fullmatch(value) and parts.hostname and parts.port != 0)
    except ValueError:  # of the port, or of an IPv6 address
        return False


def _rate(_: Any, __: attrs.Attribute[Any], value: str | None) -> None:
    if value is not None:
        rate_of(value)


_WEB_ADDRESS = re.compile(r"https?://[^\s/?#]+(/[^\s?#]*)?")


def _plain_setting(default: Any, text: str, **field: Any) -> Any:
    return attrs.field(default=default, metadata={"help": text}, **field)


@attrs.frozen(kw_only=True)
class CoreSettings:
    """
    The runner's own settings, at the top level of the file or as ``SEEDCORE_<KEY>``.
    """

    database_url: str = _plain_setting(
        "sqlite://seedcore.sqlite3", "where audit rows go", repr=masked_url
    )
    database_pool_size: int = limit(
        5, count(1, 100), "connections to a PostgreSQL database, for each process"
    )
    preset_directories: tuple[str, ...] = _plain_setting(
        (), "folders with presets of your own: <folder>/<provider>/<name>.yaml"
    )
    spool_directory: str | None = _plain_setting(
        None, "where rows wait for a database that is gone; unset: beside it"
    )
    storage: str | None = _plain_setting(
        None, "the provider that stores spoiler logs and public files; unset: the directory below"
    )
    storage_directory: str = _plain_setting(
        "seedcore-storage", "where they are without such a provider"
    )
    storage_url: str | None = _plain_setting(
        None, "where the directory's folder 'open' is served", validator=web_address
    )
    link_seconds: int = limit(
        3_600, count(1, 604_800), "seconds that a link to a revealed log works"
    )
    log: Literal["text", "json", "off"] = _plain_setting(
        "text", "how the command line and servers write events"
    )
    disable: tuple[str, ...] = _plain_setting(
        (), "providers, or distributions of plugins, that are switched off"
    )
    only: tuple[str, ...] = _plain_setting((), "when set, all other providers are switched off")
    strict: bool = _plain_setting(False, "true makes a broken plugin an error at the start")
    failure_rows: bool = _plain_setting(True, "false writes no rows of failed calls")
    drain_timeout: float = limit(
        65.0, number(0, 3600, "seconds"), "time attempts in flight get at shutdown"
    )


@attrs.frozen(kw_only=True)
class SiteSettings:
    """
    What the core reads from a provider's table beside the limits of its calls.
    """

    base_url: str | None = _plain_setting(
        None, "where the provider's requests go", repr=masked_url, validator=_base_url
    )
    hosts: tuple[str, ...] = _plain_setting((), "further hosts that redirects may go to")
    title: str | None = _plain_setting(None, "the name people see")
    homepage: str | None = _plain_setting(None, "a page for people")
    effect: Effect = attrs.field(
        default=Effect.REPEATABLE, metadata={"help": "what repeating generate does"}
    )
    rate: str | None = _plain_setting(
        None, "requests that the site allows, such as 20/10s", validator=_rate
    )
    spoilers: Literal["off", "on"] = _plain_setting(
        "off", "whether seeds that are not for a race have spoilers, unless the call says"
    )
    reveal_after: float = limit(
        86_400.0,
        number(1, 604_800, "seconds"),
        "time from a spoiler race's seed until its log may be revealed, unless the call says",
    )
    pool_size: int = limit(64, count(1, 10_000), "connections kept open")
    response_limit: int = limit(
        8 * 2**20, count(1, 2**30), "bytes of one response after decompression"
    )


CORE_KEYS = tuple(attrs.fields_dict(CoreSettings))
SITE_KEYS = tuple(attrs.fields_dict(SiteSettings))
LIMIT_KEYS = (*Policy.keys(), "pool_size", "response_limit")
"""Limits stand at the top level for all providers, or in the table of one."""
TOP_KEYS = (*CORE_KEYS, *LIMIT_KEYS)
PROVIDER_KEYS = (*SITE_KEYS, *Policy.keys())
TABLES = ("providers", "operations", "routes")
PER_PROVIDER = ("max_concurrent", "max_queued")
"""Slots are shared by all operations of a provider, so they can't be set for one."""
OPERATION_KEYS = tuple(sorted({*Policy.keys()} - {*PER_PROVIDER}))


def _leading_words(key: str) -> set[str]:
    words = key.split("_")
    return {"_".join(words[:count]) for count in range(1, len(words) + 1)}


_RESERVED = {words for key in (*TOP_KEYS, "config", *TABLES) for words in _leading_words(key)}
RESERVED_PROVIDER_NAMES = frozenset(_RESERVED | {words.replace("_", "-") for words in _RESERVED})
"""Names whose variables couldn't be told from the core's: ``retry``, ``circuit-breaker`` ..."""

CORE_VARIABLES = {environment_name(None, key): key for key in TOP_KEYS}
CONFIG_VARIABLE = "SEEDCORE_CONFIG"
