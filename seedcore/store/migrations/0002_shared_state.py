"""
What processes share: the condition of circuits, gates, claims; and the counts of pruned rows.

Written by hand and frozen: a later change is a migration of its own, never an edit here.
"""

from __future__ import annotations

from tortoise import fields
from tortoise.indexes import Index
from tortoise.migrations import AddField, CreateModel, Migration as TortoiseMigration


class Migration(TortoiseMigration):
    """
    Three columns of the breakers; gates, claims, days.
    """

    dependencies = [("seedcore", "0001_initial")]  # noqa: RUF012 - the base class declares it so
    operations = [  # noqa: RUF012 - the same
        AddField("Breaker", "revision", fields.BigIntField(db_default=0)),
        AddField("Breaker", "succeeded_at", fields.BigIntField(db_default=0)),
        AddField("Breaker", "probes", fields.TextField(db_default="[]")),
        CreateModel(
            name="Gate",
            fields=[
                ("id", fields.BigIntField(primary_key=True, generated=True)),
                ("provider", fields.CharField(max_length=200)),
                ("credential", fields.CharField(max_length=64)),
                ("closed_until", fields.BigIntField()),
                ("guess", fields.FloatField()),
                ("status_code", fields.IntField(null=True)),
                ("message", fields.TextField()),
                ("updated_at", fields.BigIntField()),
            ],
            options={
                "app": "seedcore",
                "table": "seedcore_gates",
                "pk_attr": "id",
                "unique_together": (("provider", "credential"),),
            },
        ),
        CreateModel(
            name="Claim",
            fields=[
                ("call_id", fields.CharField(max_length=200, primary_key=True)),
                ("provider", fields.CharField(max_length=200)),
                ("operation", fields.CharField(max_length=200)),
                ("fingerprint", fields.CharField(max_length=64)),
                ("owner", fields.CharField(max_length=64)),
                ("token", fields.BigIntField()),
                ("expires_at", fields.BigIntField()),
                ("done", fields.BooleanField()),
                ("result", fields.TextField(null=True)),
                ("created_at", fields.BigIntField()),
            ],
            options={
                "app": "seedcore",
                "table": "seedcore_claims",
                "pk_attr": "call_id",
                "indexes": (
                    Index(fields=("owner",), name="seedcore_claims_owner"),
                    Index(fields=("created_at",), name="seedcore_claims_time"),
                ),
            },
        ),
        CreateModel(
            name="Day",
            fields=[
                ("id", fields.BigIntField(primary_key=True, generated=True)),
                ("provider", fields.CharField(max_length=200)),
                ("day", fields.CharField(max_length=10)),
                ("calls", fields.BigIntField()),
                ("failures", fields.BigIntField()),
            ],
            options={
                "app": "seedcore",
                "table": "seedcore_days",
                "pk_attr": "id",
                "unique_together": (("provider", "day"),),
            },
        ),
    ]
