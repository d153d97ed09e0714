"""
That the description of the API is valid and complete.
"""

from __future__ import annotations

from openapi_spec_validator import OpenAPIV31SpecValidator

from seedcore_web.api import API, DESCRIBED
from seedcore_web.api.openapi import path_of
from seedcore_web.pages import PAGES

METHODS = {"get", "post", "put", "delete", "patch"}


async def description(site):
    """
    Return what the server says of itself.
    """
    return (await site.get("/api/v1/openapi.json")).body


async def test_the_description_is_valid(site):
    """
    By the standard's own rules.
    """
    errors = [*OpenAPIV31SpecValidator(await description(site)).iter_errors()]

    assert errors == []


async def test_every_endpoint_is_described_and_every_described_one_exists(site):
    """
    Method by method.
    """
    document = await description(site)
    described = {
        (method.upper(), f"/api/v1{path}")
        for path, item in document["paths"].items()
        for method in item.keys() & METHODS
    }

    existing = {
        (route.method, route.resource.canonical)
        for route in site.app.router.routes()
        if route.resource.canonical.startswith("/api/") and route.method != "HEAD"
    }

    assert described == existing == {(each.method, path_of(each)) for each in DESCRIBED}


async def test_every_reference_leads_somewhere(site):
    """
    And every schema is used.
    """
    document = await description(site)
    text = str(document)

    for name in document["components"]["schemas"]:
        assert f"'#/components/schemas/{name}'" in text


async def test_operations_have_names_of_their_own(site):
    """
    Which generated clients use.
    """
    document = await description(site)
    names = [
        item[method]["operationId"]
        for item in document["paths"].values()
        for method in item.keys() & METHODS
    ]

    assert sorted(set(names)) == sorted(names)


async def test_the_description_needs_no_key(site, key_of):
    """
    It says nothing that isn't in the documentation.
    """
    await key_of(site, "read")

    assert (await site.get("/api/v1/openapi.json")).status == 200


def test_what_needs_no_key():
    """
    Whatever else is added needs one.
    """
    free = {endpoint.path for endpoint in (*API, *PAGES) if not endpoint.scope}

    assert free == {
        "/api/v1/openapi.json",
        "/health",
        "/problems/{slug}",
        "/ready",
        "/sign-in",
        "/sign-out",
        "/static/{name}",
    }
