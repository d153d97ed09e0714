"""
What the site's errors become, and its answers that are none.
"""

from __future__ import annotations

import pytest

from seedcore import (
    ProviderAuthenticationError,
    ProviderInvalidRequestError,
    ProviderRateLimitError,
    ProviderResponseFormatError,
    ProviderTimeoutError,
    ProviderUnavailableError,
)
from seedcore.testing import Reply, replies

HTML = "text/html; charset=utf-8"
TOKEN = '<input type="hidden" name="csrfmiddlewaretoken" value="ttt">'
COOKIE = {"Set-Cookie": "csrftoken=ccc; Path=/; SameSite=Lax"}
TRACE = "<!DOCTYPE html><html><head><title>Exception at /generate-rom/</title></head>Bad checksum"


def page(text, status=200, **headers):
    """
    Return a page.
    """
    return replies.typed(HTML, text, status, headers=headers)


async def failure(runner, **asked):
    """
    Return the error of a race seed.
    """
    with pytest.raises(Exception) as caught:  # noqa: PT011 - its class is what is compared
        await runner.generate("ctjets", surface="tests", race=True, patience=1, **asked)
    return caught.value


async def test_a_form_that_is_taken_for_forged_is_sent_anew(runner, site, say):
    """
    With a new token; a person learns of it where that doesn't help.
    """
    site.made += [say.reply_of("no_csrf")]
    await runner.generate("ctjets", surface="tests", race=True)
    tokens = [say.form_in(each)["csrfmiddlewaretoken"] for each in posts(site)]
    site.made += [say.reply_of("no_csrf")] * 3

    error = await failure(runner)

    assert [f"{0:064d}", f"{1:064d}"] == tokens
    assert ProviderAuthenticationError is type(error)
    assert (403, 3) == (error.status_code, error.attempts)
    assert "403, CSRF" in error.provider_message
    assert "<" not in error.provider_message


def posts(site):
    """
    Return the forms that were sent.
    """
    return [received for received in site.upstream.requests if received.method == "POST"]


@pytest.mark.parametrize(
    ("reply", "kind", "words"),
    [
        (replies.status(403), ProviderAuthenticationError, ""),
        (page("<h1>Forbidden</h1>", 403), ProviderAuthenticationError, ""),
        (page("<h1>Not Found</h1>", 404), ProviderInvalidRequestError, "version 3.2.0"),
        (replies.status(404), ProviderInvalidRequestError, "check that, or base_url"),
        (page("<h1>413</h1>", 413), ProviderInvalidRequestError, ""),
        (replies.json_reply({"detail": "no zeal"}, 400), ProviderInvalidRequestError, "no zeal"),
        (page("words alone", 400), ProviderInvalidRequestError, "words alone"),
        (replies.status(429), ProviderRateLimitError, ""),
        (replies.rate_limited(7, code=503), ProviderRateLimitError, ""),
        (page("<h1>Server Error (500)</h1>", 500), ProviderUnavailableError, "settings that don't"),
        (page(TRACE, 500), ProviderUnavailableError, "while it has no ROM itself"),
        (replies.status(500), ProviderUnavailableError, "it failed to make a seed (500)"),
        (page("<h1>502</h1>", 502), ProviderUnavailableError, ""),
        (Reply(cut="in_head"), ProviderUnavailableError, ""),
        (Reply(cut="at_once"), ProviderUnavailableError, ""),
    ],
)
async def test_a_refusal_is_explained(runner, site, reply, kind, words):
    """
    Where the status alone says little; no page reaches a person.
    """
    site.made += [reply] * 3

    error = await failure(runner)

    assert kind is type(error)
    assert words in error.provider_message
    for mark in ("<", "Bad checksum"):
        assert mark not in str(error)


async def test_the_words_of_an_error_page_reach_the_person(runner, site, say):
    """
    They are text in a page, with their marks written out.
    """
    site.made += [say.error_page("Invalid form: don&#x27;t &lt;do&gt; this", 400)]

    error = await failure(runner)

    assert ProviderInvalidRequestError is type(error)
    assert "Invalid form: don't <do> this" == error.provider_message


async def test_an_error_page_with_status_200_is_one(runner, site, say):
    """
    As far as anybody knows of older versions.
    """
    words = "Errors in the following form fields:\nzeal\n"
    site.made += [say.error_page(words, 200)]

    error = await failure(runner)

    assert ProviderInvalidRequestError is type(error)
    assert error.provider_message.startswith("its form refuses these fields: zeal.")


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (page(TOKEN), "sets no cookie csrftoken"),
        (page(TOKEN, **{"Set-Cookie": 'csrftoken=""; Path=/'}), "sets no cookie csrftoken"),
        (page(TOKEN, **{"Set-Cookie": "csrftoken=a,b"}), "sets no cookie csrftoken"),
        (page("<h1>Maintenance</h1>", **COOKIE), "no form with a token"),
        (page(TOKEN.replace("ttt", ""), **COOKIE), "no form with a token"),
        (page("", **COOKIE), "no form with a token"),
        (replies.json_reply({}), "no form with a token"),
        (replies.typed(HTML, b"\xff\xfe\x00\x01"), "no form with a token"),
        (page("<input " * 200_000), "its page has 1,400,000 characters"),
        (page("<input a " * 100_000 + TOKEN), "sets no cookie"),
        (replies.garbage(), ""),
        (page("x" * 9_000_000), "larger than the limit"),
        (Reply(status=302), "redirect that leads nowhere"),
    ],
)
async def test_an_options_page_without_a_form_ends_the_call(runner, site, reply, words):
    """
    Nothing is sent; the loop never stands still over a page.
    """
    site.first += [reply] * 3

    error = await failure(runner)

    assert ProviderResponseFormatError is type(error)
    assert words in error.provider_message
    assert [] == posts(site)


async def test_a_version_that_is_not_there_is_named(runner, site):
    """
    All there is to see of it is a 404.
    """
    error = await failure(runner, options={"version": "3.9.9"})

    assert ProviderInvalidRequestError is type(error)
    assert "may not have version 3.9.9" in error.provider_message
    assert 404 == error.status_code


@pytest.mark.parametrize(
    "reply",
    [
        page("<h1>Download Seed</h1>"),
        page('<a href="/share/AbCdEfGhIjKl000/">Another link</a>'),
        page('<a id="seed_share">Seed share link</a>'),
        page('<a id="seed_share" href="/tracker/">Seed share link</a>'),
        page('<a id="seed_share" href="/share/../options/">Seed share link</a>'),
        page('<a id="seed_share" href="https://[/share/AbCdEfGhIjKl000/">Seed share link</a>'),
        page('<a id="seed_share" href="https://evil.example/share/A1/">Seed share link</a>'),
        page(""),
        replies.json_reply({"id": "AbCdEfGhIjKl000"}),
        replies.json_reply(None),
        replies.status(204),
        replies.status(302),
        replies.redirect("/options/"),
        replies.redirect("https://["),
        replies.redirect("/share/"),
    ],
)
async def test_an_answer_without_a_seed_is_refused(runner, site, reply):
    """
    Nothing else is asked for.
    """
    site.made += [reply]

    error = await failure(runner)

    assert ProviderResponseFormatError is type(error)
    assert "plugin" not in error.provider_message
    assert 2 == len(site.asked)


@pytest.mark.parametrize("status", [301, 302, 303])
async def test_a_redirect_to_another_host_is_refused(runner, site, status):
    """
    Neither the seed nor anything else is asked of it.
    """
    site.made += [replies.redirect("https://evil.example/share/AbCdEfGhIjKl000", status)]

    error = await failure(runner)

    assert ProviderInvalidRequestError is type(error)
    assert "redirects to another host" in error.provider_message
    assert 2 == len(site.asked)


@pytest.mark.parametrize("status", [307, 308])
async def test_a_form_is_never_sent_on(runner, site, status):
    """
    The ROM may be in it.
    """
    site.made += [replies.redirect("https://evil.example/generate-rom/", status)]

    error = await failure(runner)

    assert ProviderResponseFormatError is type(error)
    assert 2 == len(site.asked)


@pytest.mark.parametrize("target", ["https://evil.example/x", "http://evil.example/options/"])
async def test_a_form_elsewhere_is_not_opened(runner, site, target):
    """
    Its token would go to whoever a reply names.
    """
    site.first += [replies.redirect(target)]

    error = await failure(runner)

    assert ProviderInvalidRequestError is type(error)
    assert "redirects to" in error.provider_message
    assert 1 == len(site.asked)


async def test_a_page_elsewhere_is_not_read(runner, site):
    """
    Neither is the seed's.
    """
    site.pages += [replies.redirect("https://evil.example/share/AbCdEfGhIjKl000/")]

    error = await failure(runner)

    assert ProviderInvalidRequestError is type(error)
    assert 3 == len(site.asked)


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (page('<a id="seed_share" href="/share/Other/">Seed share link</a>'), "of another"),
        (page("<h1>Maintenance</h1>"), "there is no share link"),
        (page(""), "there is no share link"),
        (replies.typed(HTML, b"\xff\xfe\x00\x01"), "there is no share link"),
        (page("<a " * 400_000), "its page has 1,200,000 characters"),
        (page('<a id="seed_share" href="' + "/share" * 400 + '/">x</a>'), "no share link"),
    ],
)
async def test_a_page_of_another_seed_is_refused(runner, site, reply, words):
    """
    Or of none.
    """
    site.pages += [reply]

    error = await failure(runner)

    assert ProviderResponseFormatError is type(error)
    assert words in error.provider_message


async def test_a_site_that_does_not_answer_is_given_up(site, runner_for):
    """
    When the attempt's time is up.
    """
    site.made += [replies.hanging()]
    async with runner_for(site.url, attempt_timeout=0.05, retry_enabled=False) as runner:
        error = await failure(runner)

    assert ProviderTimeoutError is type(error)


async def test_a_page_that_never_ends_is_given_up(site, runner_for):
    """
    A head and half of a body are no answer.
    """
    site.made += [replies.stalled(b"<h1>Download Seed</h1>")]
    async with runner_for(site.url, attempt_timeout=0.05, retry_enabled=False) as runner:
        error = await failure(runner)

    assert ProviderTimeoutError is type(error)
