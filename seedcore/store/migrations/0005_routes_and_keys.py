"""
Routes that are changed at run time, the keys of those who may ask over the web, and indexes.

Written by hand and frozen: a later change is a migration of its own, never an edit here.
"""

from __future__ import annotations

from tortoise import fields
from tortoise.indexes import Index
from tortoise.migrations import CreateModel, Migration as TortoiseMigration
from tortoise.migrations.operations import AddIndex, RemoveIndex


class Migration(TortoiseMigration):
    """
    Each change of a route as a row of its own, and who has a key.

    The index of calls by provider has whether they were dry runs, so that counting needs no rows,
    and failures are found by their call.
    """

    dependencies = [("seedcore", "0004_logs")]  # noqa: RUF012 - the base class declares it so
    operations = [  # noqa: RUF012 - the same
        RemoveIndex("Call", name="seedcore_calls_provider"),
        AddIndex(
            "Call",
            Index(fields=("provider", "created_at", "dry"), name="seedcore_calls_provider"),
        ),
        AddIndex("Failure", Index(fields=("call_id",), name="seedcore_failures_call")),
        CreateModel(
            name="StoredRoute",
            fields=[
                ("id", fields.BigIntField(primary_key=True, generated=True)),
                ("name", fields.CharField(max_length=200)),
                ("text", fields.TextField()),
                ("restores", fields.BigIntField(null=True)),
                ("previous", fields.BigIntField()),
                ("set_by", fields.CharField(max_length=200)),
                ("set_at", fields.BigIntField()),
            ],
            options={
                "app": "seedcore",
                "table": "seedcore_routes",
                "pk_attr": "id",
                "unique_together": (("name", "previous"),),
                "indexes": (Index(fields=("name", "id"), name="seedcore_routes_name"),),
            },
        ),
        CreateModel(
            name="AccessKey",
            fields=[
                ("key_id", fields.CharField(max_length=32, primary_key=True)),
                ("name", fields.CharField(max_length=200)),
                ("digest", fields.CharField(max_length=64)),
                ("scopes", fields.CharField(max_length=200)),
                ("per_minute", fields.IntField(null=True)),
                ("created_at", fields.BigIntField()),
                ("revoked_at", fields.BigIntField(null=True)),
            ],
            options={"app": "seedcore", "table": "seedcore_keys", "pk_attr": "key_id"},
        ),
    ]
