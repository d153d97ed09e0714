"""
The tables; their columns are the fields of the records in ``seedcore.model``.

Times are epoch microseconds: a datetime field would follow the host's time zone settings.
"""

from __future__ import annotations

import json
from typing import Any

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

APP = "seedcore"
"""App label and connection alias, so that no host's own is touched."""


def _json() -> fields.Field[dict[str, Any]]:
    # Tortoise reads with orjson where a host has it, which refuses what json has written.
    return fields.JSONField(decoder=json.loads)


class Call(Model):
    """
    One successful call; its row is never updated.
    """

    id = fields.BigIntField(primary_key=True)
    call_id = fields.CharField(max_length=200, unique=True)
    provider = fields.CharField(max_length=200)
    operation = fields.CharField(max_length=200)
    surface = fields.CharField(max_length=200)
    randomizer = fields.CharField(max_length=200)
    gentype = fields.CharField(max_length=50)
    genoption = fields.TextField(null=True)
    permalink = fields.TextField(null=True)
    hash_id = fields.TextField(null=True)
    settings = _json()
    attempt_count = fields.IntField()
    latency_ms = fields.FloatField()
    race = fields.BooleanField()
    spoilers = fields.CharField(max_length=20)
    sealed = fields.BooleanField()
    version = fields.TextField(null=True)
    seed = _json()
    report = _json()
    created_at = fields.BigIntField()
    dry = fields.BooleanField(db_default=False)

    class Meta:
        app = APP
        table = "seedcore_calls"
        indexes = (
            Index(fields=("created_at",), name="seedcore_calls_time"),
            Index(fields=("provider", "created_at", "dry"), name="seedcore_calls_provider"),
            Index(fields=("surface", "created_at"), name="seedcore_calls_surface"),
        )


class Failure(Model):
    """
    One failed call; a given call_id may fail several times.
    """

    id = fields.BigIntField(primary_key=True)
    call_id = fields.CharField(max_length=200)
    provider = fields.CharField(max_length=200)
    operation = fields.CharField(max_length=200)
    surface = fields.CharField(max_length=200)
    error_type = fields.CharField(max_length=200)
    status_code = fields.IntField(null=True)
    message = fields.TextField()
    attempt_count = fields.IntField()
    latency_ms = fields.FloatField()
    in_doubt = fields.BooleanField()
    stopped_by = fields.CharField(max_length=20, null=True)
    report = _json()
    created_at = fields.BigIntField()

    class Meta:
        app = APP
        table = "seedcore_failures"
        indexes = (
            Index(fields=("created_at",), name="seedcore_failures_time"),
            Index(fields=("provider", "created_at"), name="seedcore_failures_provider"),
            Index(fields=("surface", "created_at"), name="seedcore_failures_surface"),
            Index(fields=("call_id",), name="seedcore_failures_call"),
        )


class Breaker(Model):
    """
    The circuit breaker of one operation.
    """

    id = fields.BigIntField(primary_key=True)
    provider = fields.CharField(max_length=200)
    operation = fields.CharField(max_length=200)
    state = fields.CharField(max_length=20)
    generation = fields.BigIntField()
    open_until = fields.BigIntField()
    reopened = fields.IntField()
    successes = fields.IntField()
    updated_at = fields.BigIntField()
    revision = fields.BigIntField(db_default=0)
    succeeded_at = fields.BigIntField(db_default=0)
    probes = fields.TextField(db_default="[]")

    class Meta:
        app = APP
        table = "seedcore_breakers"
        unique_together = (("provider", "operation"),)


class Gate(Model):
    """
    The pause that a provider asked for; one row for each account it is used with.
    """

    id = fields.BigIntField(primary_key=True)
    provider = fields.CharField(max_length=200)
    credential = fields.CharField(max_length=64)
    closed_until = fields.BigIntField()
    guess = fields.FloatField()
    status_code = fields.IntField(null=True)
    message = fields.TextField()
    updated_at = fields.BigIntField()

    class Meta:
        app = APP
        table = "seedcore_gates"
        unique_together = (("provider", "credential"),)


class Claim(Model):
    """
    That a call_id given by its caller is in use, or was used.
    """

    call_id = fields.CharField(max_length=200, primary_key=True)
    provider = fields.CharField(max_length=200)
    operation = fields.CharField(max_length=200)
    fingerprint = fields.CharField(max_length=64)
    owner = fields.CharField(max_length=64)
    token = fields.BigIntField()
    expires_at = fields.BigIntField()
    done = fields.BooleanField()
    result = fields.TextField(null=True)
    created_at = fields.BigIntField()

    class Meta:
        app = APP
        table = "seedcore_claims"
        indexes = (
            Index(fields=("owner",), name="seedcore_claims_owner"),
            Index(fields=("created_at",), name="seedcore_claims_time"),
        )


class Day(Model):
    """
    What is left of the pruned rows of one provider and day (UTC): how many there were.
    """

    id = fields.BigIntField(primary_key=True)
    provider = fields.CharField(max_length=200)
    day = fields.CharField(max_length=10)
    calls = fields.BigIntField()
    failures = fields.BigIntField()

    class Meta:
        app = APP
        table = "seedcore_days"
        unique_together = (("provider", "day"),)


class Unsealing(Model):
    """
    That a sealed row may be shown; a table of its own, since rows are never updated.
    """

    call_id = fields.CharField(max_length=200, primary_key=True)
    unsealed_at = fields.BigIntField()
    unsealed_by = fields.TextField()

    class Meta:
        app = APP
        table = "seedcore_unsealings"


class Namespace(Model):
    """
    Who may save presets called ``name/...``; ``collaborators`` is JSON.
    """

    name = fields.CharField(max_length=50, primary_key=True)
    owner = fields.CharField(max_length=200)
    collaborators = fields.TextField()
    created_at = fields.BigIntField()

    class Meta:
        app = APP
        table = "seedcore_namespaces"


class SavedPreset(Model):
    """
    One saving or deletion of a preset; its row is never updated.
    """

    id = fields.BigIntField(primary_key=True)
    provider = fields.CharField(max_length=200)
    namespace = fields.CharField(max_length=50)
    name = fields.CharField(max_length=50)
    revision = fields.IntField()
    text = fields.TextField()
    saved_by = fields.CharField(max_length=200)
    created_at = fields.BigIntField()
    deleted = fields.BooleanField()

    class Meta:
        app = APP
        table = "seedcore_presets"
        unique_together = (("provider", "namespace", "name", "revision"),)
        indexes = (Index(fields=("namespace",), name="seedcore_presets_namespace"),)


class Log(Model):
    """
    Where the spoiler logs of a call are, and from when on they may be seen; ``objects`` is JSON.
    """

    call_id = fields.CharField(max_length=200, primary_key=True)
    provider = fields.CharField(max_length=200)
    owner = fields.CharField(max_length=200, null=True)
    reveal_at = fields.BigIntField(null=True)
    reveal_after = fields.BigIntField()
    storage = fields.CharField(max_length=200)
    waits_at = fields.CharField(max_length=200, null=True)
    objects = fields.TextField()
    kept_at = fields.BigIntField()

    class Meta:
        app = APP
        table = "seedcore_logs"


class Revealing(Model):
    """
    That somebody was given a link to a spoiler log; its row is never updated.
    """

    id = fields.BigIntField(primary_key=True)
    call_id = fields.CharField(max_length=200)
    kind = fields.CharField(max_length=50)
    asked_by = fields.CharField(max_length=200)
    asked_at = fields.BigIntField()

    class Meta:
        app = APP
        table = "seedcore_reveals"
        indexes = (Index(fields=("call_id",), name="seedcore_reveals_call"),)


class StoredRoute(Model):
    """
    One change of a route; its row is never updated.

    ``text`` is JSON, empty for no route; ``restores`` the row that this one goes back to, 0 for
    the time before the first; ``previous`` the newest row when it was made, 0 for none.
    """

    id = fields.BigIntField(primary_key=True)
    name = fields.CharField(max_length=200)
    text = fields.TextField()
    restores = fields.BigIntField(null=True)
    previous = fields.BigIntField()
    set_by = fields.CharField(max_length=200)
    set_at = fields.BigIntField()

    class Meta:
        app = APP
        table = "seedcore_routes"
        unique_together = (("name", "previous"),)
        indexes = (Index(fields=("name", "id"), name="seedcore_routes_name"),)


class AccessKey(Model):
    """
    Who may ask over the web, and what; of the key itself only a digest is kept.
    """

    key_id = fields.CharField(max_length=32, primary_key=True)
    name = fields.CharField(max_length=200)
    digest = fields.CharField(max_length=64)
    scopes = fields.CharField(max_length=200)
    per_minute = fields.IntField(null=True)
    created_at = fields.BigIntField()
    revoked_at = fields.BigIntField(null=True)

    class Meta:
        app = APP
        table = "seedcore_keys"
