"""
The description of the API, made from its endpoints.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from typing import Any

from aiohttp import web

from seedcore_web.api.described import BASE, Described, json_of
from seedcore_web.api.schemas import SCHEMAS, TEXT, kind, ref
from seedcore_web.guard import ANY
from seedcore_web.limits import LONGEST_ID
from seedcore_web.problems import RETRY_AFTER

PROBLEM = "application/problem+json"
_LATER = {"Retry-After": {"description": "Seconds to wait.", "schema": kind("integer")}}
_ACCEPTED = {
    "Location": {"description": "Where the call is.", "schema": TEXT},
    "Preference-Applied": {"description": "respond-async, if that was asked.", "schema": TEXT},
    **_LATER,
}
COMMON = (400, 401, 403, 429, 500, 503)
"""What every endpoint that needs a key may answer."""


def described(endpoints: Iterable[Described]) -> dict[str, Any]:
    """
    Return the OpenAPI 3.1 document about *endpoints*.
    """
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints:
        path = paths.setdefault(path_of(endpoint).removeprefix(BASE), {})
        path[endpoint.method.lower()] = _operation(endpoint)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "seedcore",
            "version": version("seedcore-web"),
            "description": "Every provider of this server under one reliability contract.",
        },
        "servers": [{"url": BASE}],
        "security": [{"key": []}],
        "paths": paths,
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
            "responses": {
                "Problem": _content("Problem", PROBLEM),
                "ProblemForNow": {**_content("Problem", PROBLEM), "headers": _LATER},
            },
        },
    }


def path_of(endpoint: Described) -> str:
    """
    Return the path of an endpoint as OpenAPI writes it.
    """
    return re.sub(r"\{(\w+)(:[^}]*)?\}", r"{\1}", endpoint.path)


def _operation(endpoint: Described) -> dict[str, Any]:
    answers: dict[str, Any] = {
        str(status): _content(name, "application/json") for status, name in endpoint.answers.items()
    }
    if "202" in answers:
        answers["202"]["headers"] = _ACCEPTED
    slow = () if endpoint.body is None else (408,)
    for status in (*(COMMON if endpoint.scope else ()), *slow, *endpoint.problems):
        name = "ProblemForNow" if status in RETRY_AFTER else "Problem"
        answers.setdefault(str(status), {"$ref": f"#/components/responses/{name}"})
    operation: dict[str, Any] = {
        "summary": endpoint.summary,
        "operationId": _id_of(endpoint),
        "parameters": [*_parameters(endpoint)],
        "responses": answers,
    }
    if not endpoint.scope:
        operation["security"] = []
    elif endpoint.scope != ANY:
        operation["description"] = f"Needs a key with the scope {endpoint.scope}."
    if endpoint.body is not None:
        content = {"application/json": {"schema": endpoint.body}}
        operation["requestBody"] = {"required": endpoint.required, "content": content}
    return operation


def _parameters(endpoint: Described) -> Iterable[Mapping[str, Any]]:
    for name in re.findall(r"\{(\w+)", endpoint.path):
        yield {"name": name, "in": "path", "required": True, "schema": TEXT}
    for name, schema in endpoint.query.items():
        yield {"name": name, "in": "query", "schema": schema}
    for name, about in endpoint.headers.items():
        longest = {"minLength": 1, "maxLength": LONGEST_ID} if name == "Idempotency-Key" else {}
        yield {"name": name, "in": "header", "description": about, "schema": {**TEXT, **longest}}


def _content(name: str, media: str) -> dict[str, Any]:
    return {"description": name, "content": {media: {"schema": ref(name)}}}


def _id_of(endpoint: Described) -> str:
    words = re.findall(r"\w+", path_of(endpoint).removeprefix(BASE))
    return "_".join([endpoint.method.lower(), *words])


def openapi(endpoints: Iterable[Described]) -> Described:
    """
    Return the endpoint that shows the description of *endpoints* and of itself.
    """

    async def answer(_: web.Request) -> web.Response:
        return json_of(document)

    own = Described(
        method="GET",
        path=f"{BASE}/openapi.json",
        answer=answer,
        summary="This description.",
        answers={200: "Anything"},
    )
    document = described([*endpoints, own])
    return own
