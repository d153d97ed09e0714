"""
Spoiler logs that are revealed later.

Written by hand and frozen: a later change is a migration of its own, never an edit here.
"""

from __future__ import annotations

from tortoise import fields
from tortoise.indexes import Index
from tortoise.migrations import CreateModel, Migration as TortoiseMigration


class Migration(TortoiseMigration):
    """
    Where logs are, and who was given a link to one.
    """

    dependencies = [("seedcore", "0003_presets")]  # noqa: RUF012 - the base class declares it so
    operations = [  # noqa: RUF012 - the same
        CreateModel(
            name="Log",
            fields=[
                ("call_id", fields.CharField(max_length=200, primary_key=True)),
                ("provider", fields.CharField(max_length=200)),
                ("owner", fields.CharField(max_length=200, null=True)),
                ("reveal_at", fields.BigIntField(null=True)),
                ("reveal_after", fields.BigIntField()),
                ("storage", fields.CharField(max_length=200)),
                ("waits_at", fields.CharField(max_length=200, null=True)),
                ("objects", fields.TextField()),
                ("kept_at", fields.BigIntField()),
            ],
            options={"app": "seedcore", "table": "seedcore_logs", "pk_attr": "call_id"},
        ),
        CreateModel(
            name="Revealing",
            fields=[
                ("id", fields.BigIntField(primary_key=True, generated=True)),
                ("call_id", fields.CharField(max_length=200)),
                ("kind", fields.CharField(max_length=50)),
                ("asked_by", fields.CharField(max_length=200)),
                ("asked_at", fields.BigIntField()),
            ],
            options={
                "app": "seedcore",
                "table": "seedcore_reveals",
                "pk_attr": "id",
                "indexes": (Index(fields=("call_id",), name="seedcore_reveals_call"),),
            },
        ),
    ]
