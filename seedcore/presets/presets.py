"""
Saving presets: each save is a new revision, in a namespace that belongs to somebody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from seedcore.errors import (
    DatabaseError,
    InvalidPresetError,
    PluginError,
    PresetNotFoundError,
)
from seedcore.presets.document import decoded, read
from seedcore.presets.lookup import Lookup
from seedcore.presets.meaning import meaning_of, notes_of
from seedcore.presets.names import (
    BadName,
    Name,
    checked_author,
    is_plain,
    saved_name,
    saved_namespace,
    shown,
)
from seedcore.presets.records import NOBODY, Namespace, Revision, Saved, is_operator
from seedcore.presets.takers import Taker, taker_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from seedcore.presets.records import Draft, Outcome
    from seedcore.store import Store
    from seedcore.store.presets import NamespaceRow

MOST_PRESETS = 1_000
"""Presets of one namespace, for all providers together."""
MOST_COLLABORATORS = 100


class Presets(Lookup):
    """
    The presets of a program: what is found, and what people save.

    Whoever saves is a text such as ``discord:1234``; ``OPERATOR`` may do everything.
    """

    async def save(self, provider: str, name: str, text: str | bytes, *, by: str) -> Saved:
        """
        Save *text* as the newest revision; the first one in a namespace makes it *by*'s.

        Raises InvalidPresetError for a document that can't be rolled, a name that can't be used,
        or somebody else's namespace; DatabaseError; SettingsError for a wrong *by*.
        """
        checked_author(by)
        to_save = self._name(provider, name)
        notes = self.check(provider, str(to_save), text)
        store = self._open_store()
        await self._may_write(store, provider, to_save, by, making=True)
        from seedcore.store.presets import Key

        key = Key(provider, *to_save)
        newest = await store.presets.newest(key)
        if newest is None or newest.deleted:
            await self._check_room(store, provider, to_save)
        revision, added = await store.presets.save(key, decoded(text), by=by)
        self._for_all.pop(provider, None)
        return Saved(
            provider=provider,
            name=str(to_save),
            revision=revision,
            unchanged=not added,
            notes=notes,
        )

    def check(self, provider: str, name: str, text: str | bytes) -> tuple[str, ...]:
        """
        Read *text* as a call would; return sentences about what is ignored or can't be checked.

        Raises InvalidPresetError.
        """
        document = read(text, provider=provider, name=name)
        for asked in (provider, self._target_of(document, provider, name)):
            target = self._target(asked)
            if not isinstance(target, str) and target.documents.presets is None:
                text = f"the preset {name!r}: {asked} takes no presets from here"
                raise InvalidPresetError(text, provider=provider)
        meaning = meaning_of(document, target, provider, name)
        return notes_of(meaning, target, provider, name)

    async def delete(self, provider: str, name: str, *, by: str) -> None:
        """
        Delete a saved preset; its history is kept, and saving it again brings it back.

        Raises PresetNotFoundError, InvalidPresetError for somebody else's, DatabaseError.
        """
        checked_author(by)
        key_name = self._name(provider, name)
        store = self._open_store()
        from seedcore.store.presets import Key

        key = Key(provider, *key_name)
        newest = await store.presets.newest(key)
        if newest is None or newest.deleted:
            text = f"no preset {str(key_name)!r} is saved; one in a file is deleted with its file"
            raise PresetNotFoundError(text, provider=provider)
        await self._may_write(store, provider, key_name, by)
        await store.presets.save(key, "", by=by, deleted=True)
        self._for_all.pop(provider, None)

    async def history(self, provider: str, name: str) -> list[Revision]:
        """
        Return the revisions of a saved preset, the newest first; none of one in a file.
        """
        key_name = self._name(provider, name)
        store = self._store()
        if store is None:
            return []
        from seedcore.store.presets import Key

        rows = await store.presets.revisions(Key(provider, *key_name))
        return [
            Revision(
                revision=row.revision,
                saved_by=row.saved_by,
                created_at=row.created_at,
                deleted=row.deleted,
                text=row.text,
            )
            for row in rows
        ]

    async def load(
        self,
        drafts: Iterable[Draft],
        *,
        by: str,
        dry_run: bool = False,
        tell: Callable[[Draft], None] | None = None,
    ) -> list[Outcome]:
        """
        Import *drafts*: all that are valid in one transaction, unless *dry_run*.

        *tell* is called with each before it is looked at. Texts that are saved already make no
        new revision. Raises DatabaseError, and nothing was saved then.
        """
        from seedcore.presets.load import Import

        checked_author(by)
        store = self._store() if dry_run else self._open_store()
        self._for_all.clear()
        return await Import(self, store, by).run(drafts, dry_run=dry_run, tell=tell)

    # -------------------------------------------------------------- namespaces

    async def namespace(self, name: str) -> Namespace | None:
        """
        Return whose namespace that is; ``None`` if it is nobody's yet. Raises DatabaseError.
        """
        row = await self._open_store().presets.namespace(self._namespace(name))
        if row is None:
            return None
        return Namespace(name=row.name, owner=row.owner, collaborators=row.collaborators)

    async def share(self, namespace: str, who: str, *, by: str) -> None:
        """
        Let *who* save and delete presets of *namespace*, too; only its owner may.

        Raises InvalidPresetError, DatabaseError.
        """
        await self._change(namespace, checked_author(who), by, adding=True)

    async def unshare(self, namespace: str, who: str, *, by: str) -> None:
        """
        Take that back; only the owner may, and whoever it is about.
        """
        await self._change(namespace, checked_author(who), by, adding=False)

    async def _change(self, namespace: str, who: str, by: str, *, adding: bool) -> None:
        checked_author(by)
        name = self._namespace(namespace)
        store = self._open_store()
        while True:
            row = await store.presets.namespace(name)
            if row is None:
                text = f"there is no namespace {name!r}: the first preset saved in it makes it"
                raise InvalidPresetError(text)
            if not (is_operator(by) or by == row.owner) and (adding or by != who):
                text = f"the namespace {name!r} belongs to somebody else, who alone can share it"
                raise InvalidPresetError(text)
            changed = [each for each in row.collaborators if each != who]
            if adding:
                changed.append(who)
            if len(changed) > MOST_COLLABORATORS:
                text = f"a namespace has at most {MOST_COLLABORATORS} collaborators; remove one"
                raise InvalidPresetError(text)
            if await store.presets.set_collaborators(row, changed):
                return

    # ------------------------------------------------------------------ checks

    def _target(self, name: str) -> Taker | str:
        """
        Return who takes it, or the name if that can't be used here: saving is allowed then.
        """
        try:
            return taker_of(self._registry, name)
        except PluginError:
            return name

    def _name(self, provider: str, name: str) -> Name:
        if not is_plain(provider):
            text = f"{shown(provider)} is no name of a provider"
            raise InvalidPresetError(text)
        try:
            return saved_name(name)
        except BadName as error:
            text = str(error)
        raise InvalidPresetError(text, provider=provider)

    def _namespace(self, name: str) -> str:
        try:
            return saved_namespace(name)
        except BadName:
            text = f"{shown(name)} is no name of a namespace"
        raise InvalidPresetError(text)

    def _open_store(self) -> Store:
        store = self._store()
        if store is None:
            msg = (
                "Presets are saved in the database, and this program uses none. "
                "Give it one with the database_url setting (SEEDCORE_DATABASE_URL)."
            )
            raise DatabaseError(msg)
        return store

    async def _may_write(
        self, store: Store, provider: str, name: Name, by: str, *, making: bool = False
    ) -> None:
        if not name.namespace:
            if not is_operator(by):
                text = f"only operators change presets without a namespace; write 'yours/{name}'"
                raise InvalidPresetError(text, provider=provider)
            return
        row = await store.presets.namespace(name.namespace)
        if row is None and making:
            owner = NOBODY if is_operator(by) else by
            row = await store.presets.make_namespace(name.namespace, owner)
        if row is not None and not may_write(row, by):
            raise InvalidPresetError(not_yours(name.namespace), provider=provider)

    async def _check_room(self, store: Store, provider: str, name: Name) -> None:
        if name.namespace and await store.presets.count(name.namespace) >= MOST_PRESETS:
            raise InvalidPresetError(full(name.namespace), provider=provider)


def may_write(row: NamespaceRow, by: str) -> bool:
    """
    Whether *by* may save and delete in that namespace.
    """
    return is_operator(by) or by in (row.owner, *row.collaborators)


def not_yours(namespace: str) -> str:
    """
    Return the sentence for somebody else's namespace.
    """
    return (
        f"the namespace {namespace!r} belongs to somebody else; save under another one, "
        "or ask the owner to share it"
    )


def full(namespace: str) -> str:
    """
    Return the sentence for a namespace without room.
    """
    return f"the namespace {namespace!r} has {MOST_PRESETS:,} presets, the most; delete one first"
