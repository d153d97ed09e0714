"""
What is answered, as JSON Schema, and the words for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Schema = Mapping[str, Any]


def kind(*names: str, about: str = "", **rules: Any) -> dict[str, Any]:
    """
    Return the schema of a value of one of these types.
    """
    told = {"description": about} if about else {}
    return {"type": names[0] if len(names) == 1 else list(names), **told, **rules}


def ref(name: str) -> dict[str, Any]:
    """
    Return a reference to a named schema.
    """
    return {"$ref": f"#/components/schemas/{name}"}


def listed(item: Schema, **rules: Any) -> dict[str, Any]:
    """
    Return the schema of a list.
    """
    return {"type": "array", "items": item, **rules}


def record(
    properties: Mapping[str, Schema], *, needs: tuple[str, ...] | None = None, more: bool = False
) -> dict[str, Any]:
    """
    Return the schema of an object: it *needs* all its names unless it says which.
    """
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties if needs is None else needs),
        "additionalProperties": more,
    }


def body(needs: tuple[str, ...], **properties: Schema) -> dict[str, Any]:
    """
    Return the schema of a body: names that it doesn't have are refused.
    """
    return record(properties, needs=needs)


TEXT = kind("string")
MAYBE = kind("string", "null")
NUMBER = kind("number")
MAYBE_NUMBER = kind("number", "null")
COUNT = kind("integer")
SWITCH = kind("boolean")
TABLE = kind("object")
ANYTHING: Schema = {}

SCHEMAS: Mapping[str, Schema] = {
    "Problem": record(
        {
            "type": kind("string", about="An address of this server with a short text."),
            "title": TEXT,
            "status": COUNT,
            "detail": kind("string", about="What went wrong, for people."),
            "error": kind("string", about="The name of the error's class."),
            "provider": TEXT,
            "operation": TEXT,
            "provider_message": TEXT,
            "provider_status": COUNT,
            "attempts": COUNT,
            "call_id": TEXT,
            "retry_at": kind("number", about="Epoch seconds."),
            "in_doubt": kind("boolean", about="It may have been done all the same."),
            "stopped_by": TEXT,
        },
        needs=("type", "title", "status", "detail", "error"),
    ),
    "Seed": record(
        {
            "provider": kind("string", about="Who served it."),
            "operation": TEXT,
            "surface": TEXT,
            "call_id": TEXT,
            "url": MAYBE,
            "id": MAYBE,
            "code": MAYBE,
            "version": MAYBE,
            "spoiler_url": MAYBE,
            "settings": TABLE,
            "extra": TABLE,
            "meta": TABLE,
        },
        more=True,
    ),
    "Shown": record(
        {
            "title": TEXT,
            "text": kind("string", about="The line to post."),
            "url": MAYBE,
            "id": MAYBE,
            "code": MAYBE,
            "version": MAYBE,
            "preset": MAYBE,
            "spoiler_url": MAYBE,
            "facts": {"type": "object", "additionalProperties": TEXT},
            "warnings": listed(TEXT),
        },
        more=True,
    ),
    "Rolled": record({"seed": ref("Seed"), "shown": ref("Shown")}),
    "Accepted": record({"call_id": TEXT, "status": TEXT, "href": TEXT}),
    "Result": record(
        {
            "provider": TEXT,
            "operation": TEXT,
            "call_id": MAYBE,
            "result": {"description": "What the operation returned."},
        }
    ),
    "Line": record(
        {
            "provider": TEXT,
            "status": TEXT,
            "distribution": MAYBE,
            "version": MAYBE,
            "reason": MAYBE,
        }
    ),
    "Providers": record({"providers": listed(ref("Line"))}),
    "Field": record(
        {
            "name": TEXT,
            "kind": TEXT,
            "required": SWITCH,
            "default": ANYTHING,
            "choices": listed(TEXT),
            "type": TEXT,
            "allowed": MAYBE,
            "least": MAYBE_NUMBER,
            "most": MAYBE_NUMBER,
            "secret": SWITCH,
            "help": TEXT,
        }
    ),
    "Operation": record(
        {
            "name": TEXT,
            "effect": TEXT,
            "audited": SWITCH,
            "rolls": SWITCH,
            "summary": TEXT,
            "scope": kind("string", about="What a key needs."),
            "any": kind("boolean", about="It takes further names that nobody has declared."),
            "fields": listed(ref("Field")),
        }
    ),
    "Circuit": record({"operation": TEXT, "state": TEXT, "open_for": NUMBER}),
    "Gate": record({"seconds": NUMBER, "status_code": kind("integer", "null"), "message": TEXT}),
    "Route": record(
        {
            "name": TEXT,
            "to": {"type": "object", "additionalProperties": NUMBER},
            "fallback": listed(TEXT),
            "origin": TEXT,
            "set_by": MAYBE,
            "set_at": kind("integer", "null", about="Epoch microseconds."),
            "problem": MAYBE,
        }
    ),
    "Routes": record({"routes": listed(ref("Route"))}),
    "Provider": record(
        {
            "provider": TEXT,
            "status": TEXT,
            "distribution": MAYBE,
            "version": MAYBE,
            "reason": MAYBE,
            "title": MAYBE,
            "homepage": MAYBE,
            "operations": listed(ref("Operation")),
            "options": listed(ref("Field")),
            "routes": listed(ref("Route")),
            "circuits": listed(ref("Circuit")),
            "gates": listed(ref("Gate")),
        }
    ),
    "Names": record({"provider": TEXT, "presets": listed(TEXT)}),
    "Preset": record(
        {
            "provider": TEXT,
            "operation": TEXT,
            "name": TEXT,
            "title": MAYBE,
            "description": MAYBE,
            "branch": MAYBE,
            "source": TEXT,
            "options": TABLE,
            "text": TEXT,
        }
    ),
    "Row": record(
        {
            "call_id": TEXT,
            "provider": TEXT,
            "operation": TEXT,
            "surface": TEXT,
            "permalink": MAYBE,
            "created_at": kind("integer", about="Epoch microseconds."),
        },
        more=True,
    ),
    "Rows": record({"rows": listed(ref("Row")), "next": MAYBE}),
    "Failure": record(
        {
            "call_id": TEXT,
            "provider": TEXT,
            "operation": TEXT,
            "surface": TEXT,
            "error_type": TEXT,
            "message": TEXT,
            "created_at": kind("integer", about="Epoch microseconds."),
        },
        more=True,
    ),
    "Failures": record({"rows": listed(ref("Failure"))}),
    "Call": record(
        {
            "call_id": TEXT,
            "status": {"type": "string", "enum": ["running", "done", "failed", "unknown"]},
            "row": {"anyOf": [ref("Row"), {"type": "null"}]},
            "attempts": listed(TABLE),
            "failures": listed(ref("Failure")),
            "result": {"description": "What came of it, for whoever asked, on the same server."},
            "problem": {"anyOf": [ref("Problem"), {"type": "null"}]},
        }
    ),
    "Reveal": record(
        {
            "call_id": TEXT,
            "kind": TEXT,
            "link": TEXT,
            "expires_at": NUMBER,
            "revealed_at": NUMBER,
            "again": SWITCH,
        }
    ),
    "Anything": {"type": "object"},
}
