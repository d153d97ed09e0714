"""
Every error a caller can meet.

SeedcoreError
├── SettingsError                     a setting is missing, unknown or out of range
├── PluginError                       a plugin can't be used
│   ├── UnknownProviderError          (also LookupError, ValueError)
│   ├── UnknownOperationError         (also LookupError, ValueError)
│   ├── BrokenPluginError             it can't be imported, or is no provider
│   │   ├── IncompatiblePluginError   it needs another version of seedcore
│   │   └── ProviderClashError        two distributions offer one provider name
│   ├── DisabledProviderError         switched off in the settings
│   └── UnconfiguredProviderError     a setting is missing, or of no use here
├── DatabaseError                     the audit database can't be used
├── DuplicateCallError                this call_id was used before
├── RevealError                       a spoiler log that is not to be seen, or not yet
└── ProviderError                     a call did not succeed
    ├── ProviderTimeoutError
    ├── ProviderUnavailableError
    │   ├── CircuitOpenError          refused here, without asking the provider
    │   ├── QueueFullError            refused here
    │   └── DrainingError             refused here
    ├── ProviderRateLimitError
    ├── ProviderInvalidRequestError
    │   ├── ProviderAuthenticationError
    │   ├── PresetNotFoundError
    │   └── InvalidPresetError
    ├── ProviderCapabilityError
    ├── ProviderResponseFormatError
    │   └── SpoilerLeakError          a seed that shows what must be hidden; thrown away
    └── PartialFailureError

Every one can be pickled, copied and turned into JSON and back, and ``user_message`` is
what a surface shows.
"""

from __future__ import annotations

import difflib
import math
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar, Literal, Self, TypeVar

PROVIDER_MESSAGE_LIMIT = 2_000
"""Most characters of an upstream's own text that are kept."""

StoppedBy = Literal[
    "attempts", "deadline", "patience", "budget", "permanent", "in_doubt", "draining"
]

ErrorType = TypeVar("ErrorType", bound="SeedcoreError")


class SeedcoreError(Exception):
    """
    The root of the tree; catch it to catch everything seedcore raises.
    """

    @property
    def user_message(self) -> str:
        """
        One sentence or two that may be shown to a person.
        """
        return str(self)

    def to_json(self) -> dict[str, Any]:
        """
        Return the error as plain data: ``type``, ``message`` and its fields.
        """
        return {"type": type(self).__name__, "message": str(self), **vars(self)}

    # Exceptions are pickled by calling the class with ``args``, which fails for every
    # constructor that takes anything else.
    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.args, dict(vars(self)))


def _rebuild(kind: type[ErrorType], args: tuple[Any, ...], fields: dict[str, Any]) -> ErrorType:
    error = kind.__new__(kind, *args)
    error.args = args
    vars(error).update(fields)
    return error


def error_from_json(record: Mapping[str, Any]) -> SeedcoreError:
    """
    Rebuild an error from what ``to_json`` returned.

    A class this process doesn't know (a plugin's own) comes back as a ``ProviderError``.
    """
    fields = dict(record)
    name, message = fields.pop("type"), fields.pop("message")
    kinds: dict[str, type[SeedcoreError]] = {}
    for each in error_classes():  # ours come first, and keep their names
        kinds.setdefault(each.__name__, each)
    kind = kinds.get(name, ProviderError)
    for key, field in fields.items():
        if isinstance(field, list):
            fields[key] = tuple(field)
    args = () if issubclass(kind, ProviderError) else (message,)
    return _rebuild(kind, args, fields)


def error_classes() -> Iterator[type[SeedcoreError]]:
    """
    Yield every class of the tree that is defined right now, the root first.
    """
    waiting: list[type[SeedcoreError]] = [SeedcoreError]
    while waiting:
        kind = waiting.pop()
        yield kind
        waiting.extend(kind.__subclasses__())


class SettingsError(SeedcoreError):
    """
    A setting is missing, unknown, of the wrong type or out of range.
    """


class PluginError(SeedcoreError):
    """
    A plugin can't be used; the sentence says which and what to do.
    """


class UnknownProviderError(PluginError, LookupError, ValueError):
    """
    No installed plugin offers the requested provider.
    """

    def __init__(self, name: str, installed: Iterable[str], distribution: str) -> None:
        self.name = name
        self.installed = tuple(sorted(installed))
        self.distribution = distribution
        known = ", ".join(self.installed) or "none"
        advice = did_you_mean(name, self.installed)
        if re.fullmatch(r"[a-z0-9][a-z0-9.-]{0,99}", distribution):  # a name that one can have
            advice += f" If a plugin brings it: pip install {distribution}"
        super().__init__(f"No provider is called {name!r}. Installed: {known}.{advice}")


class UnknownOperationError(PluginError, LookupError, ValueError):
    """
    The provider has no such operation.
    """

    def __init__(self, provider: str, operation: str, offered: Iterable[str]) -> None:
        self.provider = provider
        self.operation = operation
        self.offered = tuple(sorted(offered))
        super().__init__(
            f"{provider} has no operation {operation!r}. It has: {', '.join(self.offered)}."
            f"{did_you_mean(operation, self.offered)}"
        )


class BrokenPluginError(PluginError):
    """
    A plugin can't be imported, or what it offers is no provider.
    """

    def __init__(self, name: str, distribution: str | None, reason: str) -> None:
        self.name = name
        self.distribution = distribution
        self.reason = reason
        origin = f" (from {distribution})" if distribution else ""
        super().__init__(f"The plugin {name!r}{origin} can't be used: {reason}")


class IncompatiblePluginError(BrokenPluginError):
    """
    The plugin's requirement on seedcore doesn't allow the installed version.
    """


class ProviderClashError(BrokenPluginError):
    """
    Two installed distributions offer the same provider name, or one such name is also what
    another provider's presets go by.
    """


class DisabledProviderError(PluginError):
    """
    The provider is installed but switched off.
    """

    def __init__(self, name: str, setting: str) -> None:
        self.name = name
        self.setting = setting
        super().__init__(f"The provider {name!r} is switched off by {setting}.")


class UnconfiguredProviderError(PluginError, SettingsError):
    """
    The provider needs settings: some have no default and no value, or one is of no use here.

    ``missing`` are their keys; for one that doesn't fit, *problem* says what must be changed.
    """

    def __init__(self, name: str, missing: Iterable[str] = (), problem: str = "") -> None:
        self.name = name
        self.missing = tuple(missing)
        if problem:
            super().__init__(problem)
            return
        variables = ", ".join(environment_name(name, key) for key in self.missing)
        super().__init__(
            f"The provider {name!r} needs settings: set {variables}, "
            f"or the same keys under [providers.{name}] in seedcore.toml."
        )


class DatabaseError(SeedcoreError):
    """
    The audit database can't be opened, read or written.
    """


class DuplicateCallError(SeedcoreError):
    """
    The call_id given by the caller has been used before, for something else.
    """

    def __init__(self, call_id: str, how: str = "") -> None:
        self.call_id = call_id
        before = f"before, {how}" if how else "before"
        super().__init__(
            f"The call_id {call_id!r} was used {before}. "
            "A call_id means 'this once': choose a new one to roll again."
        )


class RevealError(SeedcoreError):
    """
    A spoiler log is not to be seen: not yet, not by whoever asked, or there is none.

    ``due_at`` is when it may be revealed, in seconds since 1970, where that was told.
    """

    def __init__(self, call_id: str, why: str, due_at: float | None = None) -> None:
        self.call_id = call_id
        self.due_at = due_at
        super().__init__(f"The spoiler log of call {clean_text(call_id, 80)!r} {why}")


class ProviderError(SeedcoreError):
    """
    A call did not succeed.

    A plugin raises one of the classes below with the upstream's own words as
    *provider_message*; everything else is filled in by the runner, in a copy.

    ``attempts`` counts invocations of the provider (0: it was never asked),
    ``status_code`` is the upstream's HTTP status, ``retry_at`` epoch seconds before which
    asking again is useless, ``retry_after`` the pause in seconds the upstream asked for,
    ``in_doubt`` means that it may have been done all the same, ``stopped_by`` says why the
    runner gave up, and ``reason`` refines the class (``"plugin_error"``).
    """

    sentence: ClassVar[str] = "{provider} failed"
    retryable_by_default: ClassVar[bool] = False

    def __init__(
        self,
        provider_message: str = "",
        *,
        provider: str | None = None,
        operation: str | None = None,
        attempts: int = 0,
        status_code: int | None = None,
        retryable: bool | None = None,
        call_id: str | None = None,
        retry_at: float | None = None,
        retry_after: float | None = None,
        in_doubt: bool = False,
        stopped_by: StoppedBy | None = None,
        reason: str | None = None,
    ) -> None:
        super().__init__()
        self.provider_message = clean_text(provider_message)
        self.provider = provider
        self.operation = operation
        self.attempts = attempts
        self.status_code = status_code
        self.retryable = self.retryable_by_default if retryable is None else retryable
        self.call_id = call_id
        self.retry_at = retry_at
        self.retry_after = retry_after
        self.in_doubt = in_doubt
        self.stopped_by = stopped_by
        self.reason = reason

    def filled(self, **fields: Any) -> Self:
        """
        Return a copy with *fields* set; a plugin's own instance is never changed.
        """
        # copy.copy would go through __reduce__, which takes four times as long.
        return _rebuild(type(self), self.args, {**vars(self), **fields})

    def __str__(self) -> str:
        sentence = self.sentence.format(provider=self.provider or "the provider")
        sentence = sentence[:1].upper() + sentence[1:] if self.provider is None else sentence
        end = f": {self.provider_message}" if self.provider_message else self._silence()
        advice = self._advice()
        if advice and end[-1] not in ".!?":
            end += "."
        return f"{sentence}{end}{advice}"

    def _silence(self) -> str:
        # Of a refusal without a word the status is all there is to go by.
        tells = type(self) is ProviderInvalidRequestError and self.status_code is not None
        return f" (status {self.status_code}, without a word)." if tells else "."

    def _advice(self) -> str:
        advice = ""
        if self.in_doubt:
            advice += " It may have been done all the same: look before you ask again."
        # A plugin may have put any number here, and gmtime takes no infinity.
        if isinstance(self.retry_at, (int, float)) and 0 <= self.retry_at < 1e11:
            moment = time.strftime("%H:%M:%S", time.gmtime(math.ceil(self.retry_at)))
            advice += f" Try again after {moment} UTC."
        return advice

    def __repr__(self) -> str:
        facts = ", ".join(
            f"{key}={field!r}" for key, field in vars(self).items() if field not in (None, "", ())
        )
        return f"{type(self).__name__}({facts})"


class ProviderTimeoutError(ProviderError):
    """
    The provider did not answer within the attempt timeout or the deadline.
    """

    sentence = "{provider} did not answer in time"
    retryable_by_default = True


class ProviderUnavailableError(ProviderError):
    """
    The provider can't be reached, or says that it is down.
    """

    sentence = "{provider} is not available right now"
    retryable_by_default = True


class CircuitOpenError(ProviderUnavailableError):
    """
    The provider failed so often that it isn't asked until ``retry_at``.
    """

    sentence = "{provider} failed too often and is left alone for a moment"


class QueueFullError(ProviderUnavailableError):
    """
    Too many calls wait for this provider already.
    """

    sentence = "Too many requests to {provider} are waiting"


class DrainingError(ProviderUnavailableError):
    """
    This runner is shutting down.
    """

    sentence = "{provider} was not asked because this program is shutting down"


class ProviderRateLimitError(ProviderError):
    """
    The provider asks for a pause (429, or 503 with Retry-After).
    """

    sentence = "{provider} asks for a pause"
    retryable_by_default = True


class ProviderInvalidRequestError(ProviderError):
    """
    The provider refuses what was asked; asking again changes nothing.
    """

    sentence = "{provider} refused the request"


class ProviderAuthenticationError(ProviderInvalidRequestError):
    """
    The provider does not accept our credentials (401, 403, 407).
    """

    sentence = "{provider} refused our credentials"


class PresetNotFoundError(ProviderInvalidRequestError):
    """
    There is no such preset.
    """

    sentence = "{provider} does not know this preset"


class InvalidPresetError(ProviderInvalidRequestError):
    """
    The preset exists but its contents are wrong.
    """

    sentence = "{provider} can't use this preset"


class ProviderCapabilityError(ProviderError):
    """
    The provider can't do what was asked.
    """

    sentence = "{provider} can't do this"


class ProviderResponseFormatError(ProviderError):
    """
    The provider answered with something else than it promised.
    """

    sentence = "{provider} answered with something unexpected"


class SpoilerLeakError(ProviderResponseFormatError):
    """
    The upstream shows what nobody may see of a seed; nobody gets that seed.
    """

    sentence = "{provider} made a seed whose spoiler is not hidden"


class PartialFailureError(ProviderError):
    """
    Some steps were done before one failed for good.

    ``created`` identifies what exists now, ``completed_steps`` names the finished steps.
    """

    sentence = "{provider} did only a part of it"

    def __init__(
        self,
        provider_message: str = "",
        *,
        created: str | None = None,
        completed_steps: Iterable[str] = (),
        **fields: Any,
    ) -> None:
        super().__init__(provider_message, **fields)
        self.created = created
        self.completed_steps = tuple(completed_steps)


# C0 and C1 controls except line feed and tab, zero-width and bidirectional marks.
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]"
)
# Every part is bounded, so that no text takes quadratic time.
_ANSI = re.compile(
    r"\x1b(\[[0-?]{0,64}[ -/]{0,8}[@-~]|[\]PX^_][^\x07\x1b]{0,256}(\x07|\x1b\\)?|.)?", re.DOTALL
)
_URL_SECRETS = re.compile(
    r"""(?i)\b([a-z][a-z0-9+.-]{0,20}://)([^\s/?#"'<>]*@)?([^\s?#"'<>]*)(\?[^\s#"'<>]*)?"""
)


def clean_text(text: object, limit: int = PROVIDER_MESSAGE_LIMIT) -> str:
    """
    Return *text* fit for a person: no control, escape or bidirectional characters, no
    userinfo or query string in URLs, at most *limit* characters.
    """
    if text == "":
        return ""
    # Cut before the patterns run, so that a huge text costs no more than a long one.
    cleaned = str(text)[: limit * 4]
    cleaned = _UNSAFE.sub("", _ANSI.sub("", cleaned.replace("\r\n", "\n").replace("\r", "\n")))
    cleaned = _URL_SECRETS.sub(r"\1\3", cleaned).strip()
    cleaned = cleaned.encode("utf-8", "replace").decode()
    return cleaned if len(cleaned) <= limit else cleaned[: limit - 1] + "…"


def did_you_mean(word: object, known: Iterable[str]) -> str:
    """
    Return ``" Did you mean 'x'?"`` for the closest of *known*, or an empty text.
    """
    close = difflib.get_close_matches(str(word), list(known), n=1, cutoff=0.6)
    return f" Did you mean {close[0]!r}?" if close else ""


def environment_name(provider: str | None, key: str) -> str:
    """
    Return the environment variable of a setting: ``SEEDCORE_<PROVIDER>_<KEY>``.
    """
    parts = ["seedcore", provider, key] if provider else ["seedcore", key]
    return re.sub(r"[^A-Z0-9]+", "_", "_".join(parts).upper())
