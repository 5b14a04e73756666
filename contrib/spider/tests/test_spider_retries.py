"""What is tried again, and after how long: each story is told to the client for threads and to the one for coroutines."""

from __future__ import annotations

import socket
from email.utils import formatdate

import httpx
import pytest
from funboost_spider import Response, Retry
from funboost_spider.exchanging import exchange


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_page_that_fails_at_first_is_fetched(site, call, status):
    site.failing_first("/page", "<h1>here</h1>", status, times=2)
    assert call("GET", f"{site.url}/page").css("h1::text").get() == "here"
    assert site.counts["/page"] == 3


def test_a_page_that_goes_on_failing_is_an_error(site, call):
    site.pages["/page"] = (503, {}, "busy")
    with pytest.raises(httpx.HTTPStatusError) as caught:
        call("GET", f"{site.url}/page", {"retry": Retry(times=2, base=0)})
    assert caught.value.response.text == "busy"
    assert site.counts["/page"] == 3


def test_other_statuses_are_answers(site, call):
    assert call("GET", f"{site.url}/nowhere").status_code == 404
    assert site.counts["/nowhere"] == 1


def test_a_connection_that_breaks_is_made_again(site, call):
    site.pages["/page"] = lambda number, **_: None if number == 1 else "here"
    assert call("GET", f"{site.url}/page").text == "here"


def test_a_body_that_breaks_off_is_fetched_again(site, call):
    whole = "x" * 100
    site.pages["/page"] = lambda number, **_: (
        (200, {"Content-Length": "100", "Connection": "close"}, "xxx") if number == 1 else whole
    )
    assert call("GET", f"{site.url}/page", {"timeout": 30}).text == whole


def test_nobody_there(call):
    with socket.socket() as ours:
        ours.bind(("127.0.0.1", 0))  # and does not listen; nobody else can
        with pytest.raises(httpx.ConnectError):
            call("GET", f"http://127.0.0.1:{ours.getsockname()[1]}/page", {"retry": Retry(times=1, base=0)})


@pytest.mark.parametrize(("status", "times"), [(500, 1), (503, 2), (429, 2)])
def test_a_post_is_sent_again_only_when_it_was_refused(site, call, status, times):
    site.failing_first("/form", "taken", status)
    if times == 1:
        assert call("POST", f"{site.url}/form", data={"a": "1"}).status_code == 500
    else:
        assert call("POST", f"{site.url}/form", data={"a": "1"}).text == "taken"
    assert site.counts["/form"] == times


def test_a_post_whose_answer_was_lost_is_not_sent_again(site, call):
    site.pages["/form"] = lambda **_: None
    with pytest.raises(httpx.RemoteProtocolError):
        call("POST", f"{site.url}/form", json={"a": 1})
    assert site.counts["/form"] == 1
    with pytest.raises(TypeError, match="Read it first"):
        call("POST", f"{site.url}/form", content=iter([b"a"]))


def test_a_number_is_how_often(site, call):
    site.pages["/page"] = (500, {}, "")
    with pytest.raises(httpx.HTTPStatusError):
        call("GET", f"{site.url}/page", {"retry": 0})
    assert site.counts["/page"] == 1


# -- waits: the course of a call needs no clock ----------------------------------------------------------------------------


def course_of(retry, *answers):
    """The waits of a call that is answered so."""
    request = httpx.Request("GET", "http://there/")
    steps, waits = exchange(lambda: request, retry, redirects=None), []
    step = steps.send(None)
    for status, headers in answers:
        assert isinstance(step, httpx.Request)
        try:
            step = steps.send(Response(status, headers=headers, request=request))
        except (StopIteration, httpx.HTTPStatusError) as end:
            return waits, type(end).__name__
        waits.append(step)
        step = steps.send(None)
    raise AssertionError("there must be an end")


def test_waits_grow_up_to_the_longest_and_are_random():
    courses = [course_of(Retry(times=6, base=1, longest=8), *[(500, {})] * 7)[0] for _ in range(200)]
    highest = [max(waits) for waits in zip(*courses)]
    assert all(high <= most for high, most in zip(highest, [1, 2, 4, 8, 8, 8]))
    assert all(high > most / 2 for high, most in zip(highest, [1, 2, 4, 8, 8, 8]))
    assert all(min(waits) < most / 2 for waits, most in zip(zip(*courses), [1, 2, 4, 8, 8, 8]))


@pytest.mark.parametrize("value", ["7", formatdate(4102444800, usegmt=True)], ids=["seconds", "a date"])
def test_a_server_says_how_long(value):
    waits, end = course_of(Retry(base=0, longest=1e10), (429, {"Retry-After": value}), (200, {}))
    assert end == "StopIteration"
    assert waits == [7] if value == "7" else waits[0] > 1e9


@pytest.mark.parametrize("value", ["soon", "", "-3", formatdate(0, usegmt=True)])
def test_a_server_says_nothing_of_use(value):
    assert course_of(Retry(base=0), (503, {"Retry-After": value}), (200, {})) == ([0], "StopIteration")


def test_nobody_waits_for_an_hour():
    assert course_of(Retry(longest=30), (429, {"Retry-After": "3600"}), (200, {})) == ([], "HTTPStatusError")
