"""
The first four tables.

Written by hand and frozen: a later change is a migration of its own, never an edit here.
"""

from __future__ import annotations

from tortoise import fields
from tortoise.indexes import Index
from tortoise.migrations import CreateModel, Migration as TortoiseMigration


class Migration(TortoiseMigration):
    """
    Calls, failures, breakers, unsealings.
    """

    initial = True
    operations = [  # noqa: RUF012 - the base class declares it so
        CreateModel(
            name="Call",
            fields=[
                ("id", fields.BigIntField(primary_key=True, generated=True)),
                ("call_id", fields.CharField(max_length=200, unique=True)),
                ("provider", fields.CharField(max_length=200)),
                ("operation", fields.CharField(max_length=200)),
                ("surface", fields.CharField(max_length=200)),
                ("randomizer", fields.CharField(max_length=200)),
                ("gentype", fields.CharField(max_length=50)),
                ("genoption", fields.TextField(null=True)),
                ("permalink", fields.TextField(null=True)),
                ("hash_id", fields.TextField(null=True)),
                ("settings", fields.JSONField()),
                ("attempt_count", fields.IntField()),
                ("latency_ms", fields.FloatField()),
                ("race", fields.BooleanField()),
                ("spoilers", fields.CharField(max_length=20)),
                ("sealed", fields.BooleanField()),
                ("version", fields.TextField(null=True)),
                ("seed", fields.JSONField()),
                ("report", fields.JSONField()),
                ("created_at", fields.BigIntField()),
            ],
            options={
                "app": "seedcore",
                "table": "seedcore_calls",
                "pk_attr": "id",
                "indexes": (
                    Index(fields=("created_at",), name="seedcore_calls_time"),
                    Index(fields=("provider", "created_at"), name="seedcore_calls_provider"),
                    Index(fields=("surface", "created_at"), name="seedcore_calls_surface"),
                ),
            },
        ),
        CreateModel(
            name="Failure",
            fields=[
                ("id", fields.BigIntField(primary_key=True, generated=True)),
                ("call_id", fields.CharField(max_length=200)),
                ("provider", fields.CharField(max_length=200)),
                ("operation", fields.CharField(max_length=200)),
                ("surface", fields.CharField(max_length=200)),
                ("error_type", fields.CharField(max_length=200)),
                ("status_code", fields.IntField(null=True)),
                ("message", fields.TextField()),
                ("attempt_count", fields.IntField()),
                ("latency_ms", fields.FloatField()),
                ("in_doubt", fields.BooleanField()),
                ("stopped_by", fields.CharField(max_length=20, null=True)),
                ("report", fields.JSONField()),
                ("created_at", fields.BigIntField()),
            ],
            options={
                "app": "seedcore",
                "table": "seedcore_failures",
                "pk_attr": "id",
                "indexes": (
                    Index(fields=("created_at",), name="seedcore_failures_time"),
                    Index(fields=("provider", "created_at"), name="seedcore_failures_provider"),
                    Index(fields=("surface", "created_at"), name="seedcore_failures_surface"),
                ),
            },
        ),
        CreateModel(
            name="Breaker",
            fields=[
                ("id", fields.BigIntField(primary_key=True, generated=True)),
                ("provider", fields.CharField(max_length=200)),
                ("operation", fields.CharField(max_length=200)),
                ("state", fields.CharField(max_length=20)),
                ("generation", fields.BigIntField()),
                ("open_until", fields.BigIntField()),
                ("reopened", fields.IntField()),
                ("successes", fields.IntField()),
                ("updated_at", fields.BigIntField()),
            ],
            options={
                "app": "seedcore",
                "table": "seedcore_breakers",
                "pk_attr": "id",
                "unique_together": (("provider", "operation"),),
            },
        ),
        CreateModel(
            name="Unsealing",
            fields=[
                ("call_id", fields.CharField(max_length=200, primary_key=True)),
                ("unsealed_at", fields.BigIntField()),
                ("unsealed_by", fields.TextField()),
            ],
            options={"app": "seedcore", "table": "seedcore_unsealings", "pk_attr": "call_id"},
        ),
    ]
