"""
Finding presets: one's own files, then the database, then the files of plugins.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from seedcore.errors import DatabaseError, PluginError, PresetNotFoundError, did_you_mean
from seedcore.options import copied
from seedcore.presets.document import decoded, read
from seedcore.presets.files import (
    File,
    content_of,
    find_in,
    folders_of,
    names_in,
    shipped_folder,
)
from seedcore.presets.meaning import built_of, loaded, meaning_of, target_of
from seedcore.presets.names import NO_NAMESPACE, BadName, Name, asked_name, is_plain
from seedcore.presets.records import Preset, Written
from seedcore.presets.takers import taker_of

if TYPE_CHECKING:
    from seedcore.contract.deadline import Clock
    from seedcore.plugins import Registry
    from seedcore.settings import Settings
    from seedcore.store import Store

MOST_SHOWN = 25
"""Names that Discord takes for an autocompletion."""
PATIENCE = 1.0
"""Seconds that a search waits for the database; Discord waits three for an answer."""
REMEMBERED = 256
"""Presets that were understood, and answers of the database for when it is gone."""


MOST_NAMES = 10_000
"""Names that are kept; of more, each is asked for by itself."""
LISTED = " 'seedcore presets list {}' lists them"
FRESH = 5.0
"""Seconds after which presets without a namespace are known that another process saved."""


@attrs.frozen
class _ForAll:
    names: frozenset[str]
    until: float


class Lookup:
    """
    Finds presets by name; *store* gives the open database, or ``None`` where there is none.
    """

    def __init__(
        self,
        registry: Registry,
        settings: Settings,
        store: Callable[[], Store | None],
        clock: Clock,
    ) -> None:
        self._registry = registry
        directories = settings.core.preset_directories
        self._directories = tuple(Path(each).expanduser() for each in directories)
        self._store = store
        self._clock = clock
        self._for_all: dict[str, _ForAll] = {}
        self._found: OrderedDict[tuple[str, str, str, str | bytes], Preset] = OrderedDict()
        self._answers: OrderedDict[tuple[str, str], str | None] = OrderedDict()

    async def find(self, provider: str, name: str) -> Preset:
        """
        Return the preset called *name*, or *namespace/name*, of *provider*: a copy of its own.

        Raises PresetNotFoundError, InvalidPresetError, and DatabaseError where only the database
        could tell.
        """
        found = await self.shared(provider, name)
        return attrs.evolve(found, options=copied(found.options))

    async def shared(self, provider: str, name: str) -> Preset:
        """
        Return the preset as ``find`` does, for who changes nothing in it.
        """
        written = await self.look(provider, name)
        known = (provider, written.name, written.source, written.text)
        found = self._found.get(known)
        # A provider may have been replaced by another of its name.
        if found is None or not found.target.is_of(self._registry):
            found = self._found[known] = self._understood(provider, written)
            if len(self._found) > REMEMBERED:
                self._found.popitem(last=False)
        return found

    def _understood(self, provider: str, written: Written) -> Preset:
        document = read(written.text, provider=provider, name=written.name)
        name = self._target_of(document, provider, written.name)
        target = loaded(self._registry, name, provider, written.name)
        meaning = meaning_of(document, target, provider, written.name)
        return Preset(
            provider=target.provider.name,
            operation=target.operation.name if target.operation else "generate",
            name=written.name,
            options=meaning.options,
            branch=meaning.branch,
            title=meaning.title,
            description=meaning.description,
            source=written.source,
            text=decoded(written.text),
            target=target,
            built=built_of(meaning, target),
        )

    def _target_of(self, document: Mapping[str, Any], provider: str, name: str) -> str:
        """
        Return who *document* is for: itself who takes whole ones, whatever names they have in them.
        """
        try:
            if taker_of(self._registry, provider).documents.whole_documents:
                return provider
        except PluginError:  # whoever rolls is told
            pass
        return target_of(document, provider, name)

    async def look(self, provider: str, name: str) -> Written:
        """
        Return the document called *name* without reading what it says.
        """
        asked = _asked(provider, name)
        if asked.namespace:
            return Written(
                name=str(asked), text=await self._stored(provider, asked), source="database"
            )
        for folder in self._folders(provider):
            if file := find_in(folder, asked.own):
                return _written(file, provider, asked.own, "directory")
        text = await self._stored_for_all(provider, asked.own)
        if text is not None:
            return Written(name=asked.own, text=text, source="database")
        if file := find_in(self._shipped(provider), asked.own):
            return _written(file, provider, asked.own, "plugin")
        advice = await self._advice(provider, asked.own) or LISTED.format(provider)
        text = f"there is no preset {asked.own!r}.{advice}"
        raise PresetNotFoundError(text, provider=provider)

    async def names(self, provider: str, prefix: str = "") -> list[str]:
        """
        Return the names that begin with *prefix*, without regard to capital letters, sorted.

        Those in namespaces are among them. Raises DatabaseError.
        """
        if not is_plain(provider):
            return []
        own, slash, rest = prefix.lower().partition("/")
        found: set[str] = set()
        if not slash:
            found |= {name for name in self._in_files(provider) if name.lower().startswith(own)}
        store = self._store()
        if store is not None and prefix.isprintable():
            namespace, part = (own, rest) if slash else (None, "")
            rows = await store.presets.names(provider, namespace=namespace, prefix=part)
            stored = (str(Name(*row)) for row in rows)
            found |= {name for name in stored if name.startswith(prefix.lower())}
        return sorted(found)

    async def search(
        self, provider: str, prefix: str = "", *, limit: int = MOST_SHOWN
    ) -> list[str]:
        """
        Return the first *limit* names that begin with *prefix*, for somebody who is typing.

        Those in namespaces are found by a *prefix* that begins with their namespace and "/". A
        database that is gone only hides what is in it.
        """
        own, slash, rest = prefix.lower().partition("/")
        namespace, part = (own, rest) if slash else (NO_NAMESPACE, own)
        found: set[str] = set()
        if not slash and is_plain(provider):
            found |= {name for name in self._in_files(provider) if name.lower().startswith(own)}
        found |= await self._begins(provider, namespace, part, limit)
        return sorted(found)[: max(0, limit)]

    # ---------------------------------------------------------------- in files

    def _folders(self, provider: str) -> list[Path]:
        return folders_of(self._directories, provider) if is_plain(provider) else []

    def _shipped(self, provider: str) -> Path | None:
        try:
            return shipped_folder(taker_of(self._registry, provider))
        except PluginError:  # whoever rolls is told; the other presets can be looked at
            return None

    def _in_files(self, provider: str) -> Iterable[str]:
        for folder in (*self._folders(provider), self._shipped(provider)):
            yield from names_in(folder)

    # --------------------------------------------------------- in the database

    async def _stored(self, provider: str, asked: Name) -> str:
        if self._store() is None:
            text = (
                f"there is no preset {str(asked)!r}: those with a namespace are in the database, "
                "and this program uses none"
            )
            raise PresetNotFoundError(text, provider=provider)
        found = await self._answer(provider, asked)
        if found is not None:
            return found
        advice = await self._advice(provider, asked.own, asked.namespace)
        advice = advice or LISTED.format(f"{provider} --prefix {asked.namespace}/")
        text = f"there is no preset {asked.own!r} in the namespace {asked.namespace!r}.{advice}"
        raise PresetNotFoundError(text, provider=provider)

    async def _stored_for_all(self, provider: str, own: str) -> str | None:
        if not is_plain(provider):
            return None
        names = await self._names_for_all(provider)
        if own.lower() not in names and len(names) < MOST_NAMES:
            return None
        return await self._answer(provider, Name(NO_NAMESPACE, own.lower()))

    async def _names_for_all(self, provider: str) -> frozenset[str]:
        """
        Return the names without a namespace; while the database is gone, as they were last.

        They are asked for every few seconds and not with every call: mostly there are none.
        """
        store, known, now = self._store(), self._for_all.get(provider), self._clock.monotonic()
        if store is None:
            return frozenset()
        if known is None or now >= known.until:
            try:
                rows = await store.presets.names(provider, namespace=NO_NAMESPACE, limit=MOST_NAMES)
            except DatabaseError:
                if known is None:
                    raise
                return known.names
            known = _ForAll(frozenset(name for _, name in rows), now + FRESH)
            self._for_all[provider] = known
        return known.names

    async def _answer(self, provider: str, asked: Name) -> str | None:
        """
        Return the newest text; while the database is gone, the one it had when last asked.
        """
        store = self._store()
        if store is None or not is_plain(provider):
            return None
        from seedcore.store.presets import Key

        known = (provider, str(asked))
        try:
            row = await store.presets.newest(Key(provider, *asked))
        except DatabaseError:
            if known not in self._answers:
                raise
            return self._answers[known]
        text = None if row is None or row.deleted else row.text
        self._answers[known] = text
        self._answers.move_to_end(known)
        if len(self._answers) > REMEMBERED:
            self._answers.popitem(last=False)
        return text

    async def _begins(self, provider: str, namespace: str, part: str, limit: int) -> set[str]:
        store = self._store()
        printable = f"{namespace}{part}".isprintable()
        if store is None or not printable or not is_plain(provider):
            return set()
        try:
            rows = await store.presets.names(
                provider, namespace=namespace, prefix=part, limit=limit, patience=PATIENCE
            )
        except DatabaseError:
            return set()
        return {str(Name(*row)) for row in rows}

    async def _advice(self, provider: str, own: str, namespace: str = NO_NAMESPACE) -> str:
        names = await self._begins(provider, namespace, "", 1_000)
        if not namespace:
            names |= set(self._in_files(provider))
        return did_you_mean(f"{namespace}/{own}" if namespace else own, sorted(names))


def _asked(provider: str, name: str) -> Name:
    try:
        return asked_name(name)
    except BadName as error:
        text = str(error)
    raise PresetNotFoundError(text, provider=provider)


def _written(file: File, provider: str, name: str, source: Any) -> Written:
    content = content_of(file, provider=provider, name=name)
    return Written(name=name, text=content, source=source, path=str(file.path))
