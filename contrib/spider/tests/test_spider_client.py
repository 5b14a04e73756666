"""The request clients against a site: each story is told to the one for threads and to the one for coroutines."""

from __future__ import annotations

import asyncio
import gzip
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate

import httpx
import pytest
from funboost_spider import AsyncRequestClient, BodyTooLarge, RequestClient, Response, Retry
from funboost_spider.choices import chooser
from funboost_spider.exchanging import exchange
from funboost_spider.transports import MOST, Pools

AT_ONCE = Retry(base=0)


@pytest.fixture(params=["threads", "coroutines"])
def call(request):
    """call(method, url, client=…, **options): the response of a new client."""

    def threads(method, url, client, options):
        with RequestClient(**client) as opened:
            return opened.request(method, url, **options)

    async def coroutines(method, url, client, options):
        async with AsyncRequestClient(**client) as opened:
            return await opened.request(method, url, **options)

    def call(method, url, client=None, **options):
        arguments = (method, url, {"retry": AT_ONCE, **(client or {})}, options)
        return threads(*arguments) if request.param == "threads" else asyncio.run(coroutines(*arguments))

    return call


# -- retries ------------------------------------------------------------------------------------------------------------


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
    assert call("GET", f"{site.url}/page", {"timeout": 1}).text == whole


def test_nobody_there(call, site):
    site.close()
    with pytest.raises(httpx.ConnectError):
        call("GET", f"{site.url}/page", {"retry": Retry(times=1, base=0)})


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


# -- proxies, headers ----------------------------------------------------------------------------------------------------


def test_each_attempt_has_another_proxy(site, other_site, call):
    """Both stand in as proxies: they are asked for a whole URL."""
    for proxy in (site, other_site):
        proxy.pages["/page"] = (403, {}, "not this proxy")
    client = {"proxies": [site.url, other_site.url], "retry": Retry(times=3, base=0, statuses=frozenset({403}))}
    with pytest.raises(httpx.HTTPStatusError):
        call("GET", "http://far.test/page", client)
    assert (site.counts["/page"], other_site.counts["/page"]) == (2, 2)
    assert site.seen[0][1] == "http://far.test/page"


def test_a_function_names_the_proxy_and_none_is_direct(site, other_site, call):
    site.pages["/page"], other_site.pages["/page"] = "direct", (503, {}, "")
    asked = iter([other_site.url, None])
    assert call("GET", f"{site.url}/page", {"proxies": lambda: next(asked)}).text == "direct"
    assert other_site.seen[0][1] == f"{site.url}/page"


def test_a_dead_proxy_is_no_end(site, call):
    site.pages["/page"] = "here"
    asked = iter(["http://127.0.0.1:9", site.url])
    assert call("POST", "http://far.test/page", {"proxies": lambda: next(asked)}).text == "here"


def test_a_redirect_takes_the_same_proxy(site, call):
    site.pages["/a"] = (302, {"Location": "/b"}, "")
    site.pages["/b"] = "there"
    assert call("GET", "http://far.test/a", {"proxies": site.url}).text == "there"
    assert [path for _, path, _ in site.seen] == ["http://far.test/a", "http://far.test/b"]


def test_turns_differ_from_the_last_one_when_others_take_turns_too():
    choose = chooser(["a", "b"])
    for _ in range(50):
        first = choose(None)
        choose(None)
        assert choose(first) != first
    with pytest.raises(ValueError, match="empty"):
        chooser([])


def test_connections_of_few_proxies_are_kept():
    pools = Pools(lambda proxy: [proxy])
    requests = [
        httpx.Request("GET", "http://x/", extensions={"funboost_spider.proxy": str(n)}) for n in range(MOST + 5)
    ]
    first = pools.of(requests[0])
    assert pools.of(requests[0]) is first
    for request in requests:
        pools.of(request)
    assert len(pools.clear()) == MOST


def test_headers_are_asked_for_in_each_attempt(site, call):
    site.failing_first("/page", "here")
    numbers = iter(range(9))
    client = {"headers": lambda: {"X-Number": str(next(numbers))}, "user_agents": ["one", "two"]}
    call("GET", f"{site.url}/page", client, headers={"X-Own": "mine"})
    sent = [headers for *_, headers in site.seen]
    assert [headers["X-Number"] for headers in sent] == ["0", "1"]
    assert {headers["User-Agent"] for headers in sent} == {"one", "two"}
    assert all(headers["X-Own"] == "mine" for headers in sent)


# -- responses -------------------------------------------------------------------------------------------------------------


def test_selectors(site, call):
    site.pages["/page"] = (
        '<ul><li><a href="/a">A</a><li><a href="/b">B</a></ul><script>var data = {"id": 17, "q": "&amp;"};</script>'
    )
    page = call("GET", f"{site.url}/page")
    assert page.css("li a::text").getall() == ["A", "B"]
    assert page.xpath("//a[text()=$name]/@href", name="B").get() == "/b"
    assert page.re(r'"id": (\d+)') == ["17"]
    assert page.re_first(r"\d\d\d", "none") == "none"
    assert page.selector is page.selector


def test_xml_is_xml(site, call):
    site.pages["/feed"] = (200, {"Content-Type": "application/rss+xml"}, "<rss><link>http://x/</link></rss>")
    assert call("GET", f"{site.url}/feed").xpath("//link/text()").get() == "http://x/"  # HTML's <link> is empty


@pytest.mark.parametrize(
    ("header", "meta", "encoding"),
    [
        ("text/html; charset=gb2312", "", "gb18030"),
        ("text/html", '<meta charset="gbk">', "gbk"),
        ("text/html", "", "utf-8"),
    ],
)
def test_the_encoding_is_found(site, call, header, meta, encoding):
    site.pages["/page"] = (200, {"Content-Type": header}, f"{meta}<p>汽车之家 镕</p>".encode(encoding))
    assert call("GET", f"{site.url}/page").css("p::text").get() == "汽车之家 镕"


def test_json_history_and_unpacking(site, call):
    site.pages["/old"] = (301, {"Location": "/new"}, "moved")
    packed = gzip.compress(b'{"a": [1]}')
    site.pages["/new"] = (200, {"Content-Encoding": "gzip", "Content-Type": "application/json"}, packed)
    response = call("GET", f"{site.url}/old")
    assert response.json() == {"a": [1]}
    assert [earlier.status_code for earlier in response.history] == [301]
    assert str(response.url) == f"{site.url}/new"
    assert call("GET", f"{site.url}/old", follow_redirects=False).status_code == 301


def test_redirects_end(site, call):
    site.pages["/round"] = (302, {"Location": "/round"}, "")
    with pytest.raises(httpx.TooManyRedirects):
        call("GET", f"{site.url}/round", {"max_redirects": 4})
    assert site.counts["/round"] == 5


@pytest.mark.parametrize("packed", [False, True])
def test_a_body_has_a_limit_and_is_not_fetched_again(site, call, packed):
    body = b"x" * 100_000
    site.pages["/big"] = (200, {"Content-Encoding": "gzip"}, gzip.compress(body)) if packed else (200, {}, body)
    assert len(call("GET", f"{site.url}/big", {"max_bytes": 100_000}).content) == 100_000
    site.counts.clear()
    with pytest.raises(BodyTooLarge, match="max_bytes"):
        call("GET", f"{site.url}/big", {"max_bytes": 99_999})
    assert site.counts["/big"] == 1
    assert call("HEAD", f"{site.url}/big", {"max_bytes": 10}).status_code == 200


def test_the_limit_holds_for_what_redirects_say(site, call):
    site.pages["/a"] = (302, {"Location": "/b"}, "x" * 1000)
    site.pages["/b"] = "x"
    with pytest.raises(BodyTooLarge):
        call("GET", f"{site.url}/a", {"max_bytes": 999})


def test_silence_has_a_limit(site, call):
    silent = threading.Event()
    site.pages["/page"] = lambda **_: silent.wait(20) or "late"
    try:
        with pytest.raises(httpx.ReadTimeout):
            call("GET", f"{site.url}/page", {"retry": 0, "timeout": 0.1})
        with pytest.raises(httpx.ReadTimeout):
            call("GET", f"{site.url}/page", {"retry": 0}, timeout=0.1)
    finally:
        silent.set()


# -- the session -----------------------------------------------------------------------------------------------------------


def test_one_session_for_all_threads(site):
    site.pages["/login"] = lambda body, **_: (200, {"Set-Cookie": "session=17; Path=/"}, body)
    site.pages["/mine"] = lambda headers, **_: headers.get("Cookie", "")
    with RequestClient(retry=AT_ONCE, base_url=site.url, cookies={"lang": "en"}) as client:
        assert client.post("/login", data={"user": "a"}).text == "user=a"
        with ThreadPoolExecutor(8) as pool:
            cookies = set(pool.map(lambda _: client.get("/mine").text, range(40)))
        assert client.cookies["session"] == "17"
    assert {frozenset(text.split("; ")) for text in cookies} == {frozenset({"lang=en", "session=17"})}


def test_connections_are_used_again(site):
    ports = set()
    site.pages["/page"] = "x"
    handle = site.server.finish_request
    site.server.finish_request = lambda request, address: (ports.add(address), handle(request, address))
    for client in (RequestClient(), RequestClient(proxies=[site.url])):
        ports.clear()
        with client:
            for _ in range(5):
                client.get(f"{site.url}/page")
        assert len(ports) == 1


def test_importing_costs_no_library():
    code = "import funboost_spider, sys; assert not {'httpx', 'parsel', 'sqlalchemy', 'pymongo'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
