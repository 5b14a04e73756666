"""Proxies, headers, responses and the session of the request clients, for threads and for coroutines."""

from __future__ import annotations

import gzip
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from funboost_spider import BodyTooLarge, RequestClient, Retry
from funboost_spider.choices import chooser
from funboost_spider.transports import MOST, Pools

AT_ONCE = Retry(base=0)


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
            call("GET", f"{site.url}/page", {"retry": 0, "timeout": httpx.Timeout(60, read=0.1)})
        with pytest.raises(httpx.ReadTimeout):
            call("GET", f"{site.url}/page", {"retry": 0}, timeout=httpx.Timeout(60, read=0.1))
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
