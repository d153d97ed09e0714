"""
The four tables; their columns are the fields of the records in ``seedcore.model``.

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

    class Meta:
        app = APP
        table = "seedcore_calls"
        indexes = (
            Index(fields=("created_at",), name="seedcore_calls_time"),
            Index(fields=("provider", "created_at"), name="seedcore_calls_provider"),
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

    class Meta:
        app = APP
        table = "seedcore_breakers"
        unique_together = (("provider", "operation"),)


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
