"""
Presets that people save; and which calls were dry runs.

Written by hand and frozen: a later change is a migration of its own, never an edit here.
"""

from __future__ import annotations

from tortoise import fields
from tortoise.indexes import Index
from tortoise.migrations import AddField, CreateModel, Migration as TortoiseMigration


class Migration(TortoiseMigration):
    """
    A column of the calls; namespaces, presets.
    """

    dependencies = [("seedcore", "0002_shared_state")]  # noqa: RUF012 - the base class declares it so
    operations = [  # noqa: RUF012 - the same
        AddField("Call", "dry", fields.BooleanField(db_default=False)),
        CreateModel(
            name="Namespace",
            fields=[
                ("name", fields.CharField(max_length=50, primary_key=True)),
                ("owner", fields.CharField(max_length=200)),
                ("collaborators", fields.TextField()),
                ("created_at", fields.BigIntField()),
            ],
            options={"app": "seedcore", "table": "seedcore_namespaces", "pk_attr": "name"},
        ),
        CreateModel(
            name="SavedPreset",
            fields=[
                ("id", fields.BigIntField(primary_key=True, generated=True)),
                ("provider", fields.CharField(max_length=200)),
                ("namespace", fields.CharField(max_length=50)),
                ("name", fields.CharField(max_length=50)),
                ("revision", fields.IntField()),
                ("text", fields.TextField()),
                ("saved_by", fields.CharField(max_length=200)),
                ("created_at", fields.BigIntField()),
                ("deleted", fields.BooleanField()),
            ],
            options={
                "app": "seedcore",
                "table": "seedcore_presets",
                "pk_attr": "id",
                "unique_together": (("provider", "namespace", "name", "revision"),),
                "indexes": (Index(fields=("namespace",), name="seedcore_presets_namespace"),),
            },
        ),
    ]
