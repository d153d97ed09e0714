"""
The commands: serving until a signal, and looking after keys.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import resource
import signal
import socket
import sys

import pytest
from aiohttp import ClientSession
from aiohttp.http_exceptions import BadStatusLine

from seedcore.cli.group import run
from seedcore_web.jobs import JOBS
from seedcore_web.server import Quiet, Serving, drain, more_files, serve


@pytest.fixture
async def server(tmp_path):
    """
    Starts ``seedcore serve`` in a process of its own; returns it and its first line.
    """
    processes = []

    async def start(*arguments):
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "seedcore", "serve", "--port", "0", *arguments),
            env={**os.environ, "SEEDCORE_LOG": "off"},
            cwd=tmp_path,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        processes.append(process)
        return process, (await process.stdout.readline()).decode()

    yield start
    for process in processes:
        if process.returncode is None:
            process.kill()
        await process.communicate()


@pytest.mark.parametrize("ended_by", [signal.SIGINT, signal.SIGTERM])
async def test_it_serves_until_a_signal(server, ended_by):
    """
    It says where, logs each request, and ends well.
    """
    process, line = await server()
    assert line.startswith("Serving on http://127.0.0.1:")
    async with ClientSession() as client, client.get(f"{line.split()[2]}health?x=1") as reply:
        assert await reply.text() == "alive\n"
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", int(line.split(":")[2].strip("/\n"))
    )
    writer.write(b"GET /?key=secret HTTP/9.9\r\n\r\n")
    assert b" 400 " in await reader.readline()
    writer.close()
    await writer.wait_closed()

    process.send_signal(ended_by)
    said, log = await process.communicate()

    assert process.returncode == 0
    assert said == b"Stopping: what is under way may finish. Again to stop at once.\n"
    assert b"127.0.0.1 GET /health 200" in log
    assert b"x=1" not in log
    assert b"secret" not in log
    assert b"Traceback" not in log


async def test_it_says_that_only_this_machine_is_answered(server):
    """
    Where it listens on more, without a key.
    """
    process, _ = await server("--host", "0.0.0.0")

    warning = await process.stdout.readline()

    assert b"There are no keys, so only this machine is answered." in warning


async def test_what_is_under_way_finishes(serve, demo):
    """
    Its answer still leaves; new calls are refused, and the server is alive but not ready.
    """
    site = await serve()
    demo.go_on.clear()
    rolling = asyncio.create_task(site.roll())
    later = await site.roll(wait=False)
    while demo.rolled < 2:
        await asyncio.sleep(0.001)

    draining = asyncio.create_task(drain(site.runner, site.app))
    await asyncio.sleep(0)
    refused, not_begun = await site.roll(), await site.roll(wait=False)
    ready, health = await site.get("/ready"), await site.get("/health")
    demo.go_on.set()
    rolled = await rolling
    await draining

    assert (refused.status, refused.body["error"]) == (503, "DrainingError")
    assert (not_begun.status, not_begun.body["error"]) == (503, "Unavailable")
    assert (ready.status, health.status) == (503, 200)
    assert rolled.status == 200
    assert site.app[JOBS].find(later.body["call_id"]).status == "done"
    assert demo.rolled == 2


async def test_a_call_in_flight_survives_the_signal(runner_of, demo, database_url):
    """
    Its row is there afterwards.
    """
    demo.go_on.clear()
    said = []
    serving = asyncio.create_task(serve(runner_of(), Serving(port=0, log=False), said.append))
    while not said:
        await asyncio.sleep(0.001)
    async with ClientSession() as client:
        url = f"{said[0].split()[2]}api/v1/generate"
        rolling = asyncio.create_task(client.post(url, json={"provider": "demo"}))
        await demo.begun.wait()
        signal.raise_signal(signal.SIGTERM)
        while len(said) < 2:
            await asyncio.sleep(0.001)
        demo.go_on.set()
        answer = await rolling
        body = await answer.json()
    await serving

    assert answer.status == 200
    async with runner_of() as runner:
        [row] = await runner.store.queries.calls()
    assert row["call_id"] == body["seed"]["call_id"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--port", "70000"], "70000"),
        (["--port", "-1"], "-1"),
        (["--host", "no such host"], "Nothing can be served at no such host:8000"),
        (["--host", "192.0.2.1", "--port", "0"], "Nothing can be served at 192.0.2.1"),
        (["--host", "a" * 300], "Nothing can be served at"),
        (["--cors", "seeds.example/x"], "Write an origin"),
        (["--per-minute", "0"], "0"),
    ],
)
def test_an_address_that_can_not_be_used(arguments, says, capsys):
    """
    It is refused with a sentence and exit status 2.
    """
    assert run(["serve", *arguments]) == 2
    assert says in capsys.readouterr().err


def test_a_port_in_use(capsys):
    """
    The sentence says what to do.
    """
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert run(["serve", "--port", port]) == 2

    told = capsys.readouterr().err
    assert f"127.0.0.1:{port}" in told
    assert "--port 0 takes a free one" in told


def test_a_database_that_can_not_be_opened(capsys, monkeypatch):
    """
    Nothing is served then.
    """
    monkeypatch.setenv("SEEDCORE_DATABASE_URL", "sqlite:///nowhere/at/all.sqlite3")

    assert run(["serve", "--port", "0"]) == 2
    assert "/nowhere/at" in capsys.readouterr().err


def test_the_help_has_examples(capsys):
    """
    Of every command.
    """
    for words in (["serve"], ["web"], ["web", "key"], ["web", "key", "add"]):
        assert run([*words, "--help"]) == 0
        assert "Examples" in capsys.readouterr().out


def test_a_server_may_have_many_connections():
    """
    As many as the system lets it.
    """
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(256, before[1]), before[1]))

    more_files()

    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (before[1], before[1])


# ------------------------------------------------------------------------ keys


def keys(capsys):
    """
    Return the keys as the command lists them.
    """
    assert run(["web", "key", "list", "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_key_is_made_listed_and_revoked(capsys):
    """
    Its text is printed once, and kept nowhere.
    """
    assert run(["web", "key", "add", "bot", "--scope", "read", "--scope", "generate"]) == 0
    text = capsys.readouterr().out.strip()
    [key] = keys(capsys)

    assert text.startswith(f"seedcore_{key['key_id']}_")
    assert (key["name"], key["scopes"]) == ("bot", ["generate", "read"])
    assert (key["per_minute"], key["revoked_at"]) == (None, None)

    assert run(["web", "key", "revoke", "bot"]) == 0
    assert "opens nothing any more" in capsys.readouterr().out
    assert keys(capsys)[0]["revoked_at"] > 0
    assert run(["web", "key", "list"]) == 0
    assert text not in capsys.readouterr().out


def test_a_key_as_json(capsys):
    """
    The text is in it, beside the facts.
    """
    added = ["web", "key", "add", "few", "--scope", "read", "--per-minute", "5", "--json"]
    assert run(added) == 0

    facts = json.loads(capsys.readouterr().out)

    assert facts["key"].startswith("seedcore_")
    assert (facts["name"], facts["per_minute"]) == ("few", 5)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["add", "x"], "--scope"),
        (["add", "x", "--scope", "reed"], "Did you mean 'read'?"),
        (["add", "", "--scope", "read"], "is no name for a key"),
        (["add", "a b", "--scope", "read"], "is no name for a key"),
        (["add", "\x1b[31m", "--scope", "read"], "is no name for a key"),
        (["add", "x" * 65, "--scope", "read"], "is no name for a key"),
        (["add", "bot", "--scope", "read"], "There is a key 'bot' already"),
        (["revoke", "nobody"], "There is no key 'nobody' in use"),
    ],
)
def test_what_can_not_be_done_with_keys(arguments, says, capsys):
    """
    It gets a sentence and exit status 2.
    """
    assert run(["web", "key", "add", "bot", "--scope", "read"]) == 0
    capsys.readouterr()

    assert run(["web", "key", *arguments]) == 2
    assert says in capsys.readouterr().err


def test_keys_are_looked_for_where_there_is_a_database(capsys):
    """
    Listing makes none.
    """
    assert run(["web", "key", "list"]) == 2
    assert "There is no audit database" in capsys.readouterr().err


def test_the_log_of_aiohttp_has_neither_requests_nor_tracebacks():
    """
    A failure of the server itself is one line.
    """

    def record(error):
        return logging.LogRecord(
            "x", logging.ERROR, "", 0, "Error from %s", ("192.0.2.1",), (type(error), error, None)
        )

    failed = record(ValueError("the secret is 1234"))

    assert Quiet().filter(record(BadStatusLine("GET /?key=secret"))) is False
    assert Quiet().filter(failed) is True
    assert (failed.getMessage(), failed.exc_info) == ("Error from 192.0.2.1: ValueError", None)
