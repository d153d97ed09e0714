"""
What is sent, as JSON Schema: bodies are checked by it, and OpenAPI shows it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

from seedcore.model import Spoilers
from seedcore_web.api.schemas import TEXT, Schema, body, kind, listed

_LIMITS: Mapping[str, Schema] = {
    "deadline": kind("number", "null", about="Seconds the whole call may take."),
    "patience": kind(
        "number", "null", about="Seconds to wait for a pause, an open circuit or the rate."
    ),
    "profile": {**kind("string", about="Its limits."), "enum": ["interactive", "batch"]},
    "dry_run": kind("boolean", about="Check everything, ask nobody."),
    "wait": kind("boolean", about="false: answer at once, and let the call run."),
}
_PROVIDER = kind("string", about="The name of a provider, or of a route.", minLength=1)

GENERATE = body(
    ("provider",),
    provider=_PROVIDER,
    operation=kind("string", about="Another one that makes seeds, such as mystery."),
    preset=kind("string", "null", about="A preset: a name, or namespace/name."),
    settings=kind("object", "null", about="A whole settings document."),
    options=kind("object", "null", about="The provider's own options."),
    race=kind("boolean", about="A seed for a race."),
    spoilers={
        **kind("string", "null", about="Off for a race, else what the server's settings say."),
        "enum": [*get_args(Spoilers), None],
    },
    branch=kind("string", "null", about="The branch of the provider's generator."),
    sealed=kind("boolean", about="Hide the seed from every reader of the audit."),
    reveal_at=kind(
        "string", "number", "null", about="When delayed spoilers are due: a time, epoch seconds."
    ),
    **_LIMITS,
)
CALL = body(
    ("provider", "operation"),
    provider=_PROVIDER,
    operation=TEXT,
    arguments=kind("object", "null", about="Those of the operation, by name."),
    **_LIMITS,
)
WEIGHTS = body(("weights",), weights=kind("object", about="A weightset as a document."))
REVEAL = body((), kind=kind("string", about="Which of its logs: spoiler, unless it is another."))
ROUTE = body(
    ("to",),
    to=kind("string", "object", about="One provider, or the share of each."),
    fallback=listed(TEXT, description="Who is asked after an outage, in this order."),
)
