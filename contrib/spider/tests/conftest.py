"""A site on loopback that behaves as sites do: slow starts, redirects, cookies, tokens that expire, a proxy."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest
from funboost import defaults
from funboost_spider import AsyncRequestClient, RequestClient, Retry

from funboost_core.environment import Environment, using


class Site:
    """Pages by path: a body, or a function of the request that returns (status, headers, body)."""

    def __init__(self):
        self.pages = {}
        self.seen = []
        self.counts = Counter()
        self.lock = threading.Lock()
        site = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one(self):
                length = int(self.headers.get("Content-Length", 0))
                sent = self.rfile.read(length)
                url = urlsplit(self.path)
                with site.lock:
                    site.seen.append((self.command, self.path, dict(self.headers)))
                    site.counts[url.path] += 1
                    number = site.counts[url.path]
                page = site.pages.get(url.path, (404, {}, "not here"))
                if callable(page):
                    query = {name: values[-1] for name, values in parse_qs(url.query).items()}
                    page = page(number=number, query=query, headers=self.headers, body=sent)
                if page is None:  # hang up
                    self.close_connection = True
                    self.connection.close()
                    return
                status, headers, body = page if isinstance(page, tuple) else (200, {}, page)
                body = body.encode() if isinstance(body, str) else body
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            do_GET = do_POST = do_HEAD = do_PUT = handle_one

            def log_message(self, *arguments):
                pass

        class Quiet(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 500  # a hundred clients may come before the first is let in

            def handle_error(self, *arguments):  # we hang up on purpose
                pass

        self.server = Quiet(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02})
        self.thread.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_port}"

    def failing_first(self, path, body, status=503, times=1):
        """A page that fails before it is there."""
        self.pages[path] = lambda number, **_: (status, {}, "later") if number <= times else (200, {}, body)

    def close(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def site():
    site = Site()
    yield site
    site.close()


@pytest.fixture
def other_site():
    site = Site()
    yield site
    site.close()


@pytest.fixture
def tokens(site):
    """Two steps: a token, and data for those who bring it within its time; the first of each data is refused."""
    given = {}

    def get_token(number, query, **_):
        given[query["data"]] = (f"sm{number}", time.monotonic())
        return 200, {"Content-Type": "application/json"}, json.dumps({"sm_token": f"sm{number}"})

    refused = set()

    def get_data(query, **_):
        token, at = given.get(query["data"], ("", 0.0))
        if query["sm"] != token or time.monotonic() - at > 100 or query["data"] not in refused:
            refused.add(query["data"])
            return 403, {}, json.dumps({"error": "expired"})
        return 200, {"Content-Type": "application/json"}, json.dumps({"value": query["data"].upper()})

    site.pages["/api/gettoken"], site.pages["/api/getData"] = get_token, get_data
    return site


@pytest.fixture
def documented(tmp_path):
    """The program that a documented example is: the defaults of `funboost`, files in `tmp_path`."""
    environment = Environment({"DATA_DIR": str(tmp_path), "BEAT_SECONDS": 0.05})
    defaults.apply(environment)
    with using(environment):
        yield environment
        environment.close()


@pytest.fixture
def on_redis(documented, redis_place):
    """The same where the configuration says where Redis is."""
    pytest.importorskip("funboost_store_redis", reason="funboost[redis] is not installed here")
    documented.settings.values.update(REDIS_URL=redis_place.url, NAMESPACE=redis_place.namespace)
    return documented


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
        arguments = (method, url, {"retry": Retry(base=0), **(client or {})}, options)
        return threads(*arguments) if request.param == "threads" else asyncio.run(coroutines(*arguments))

    return call


@pytest.fixture
def cars(site):
    """News, buying advice and test drives, two pages each; what the second page repeats is filtered."""

    def list_page(kind, page):
        first = 5 * (page - 1)
        items = "".join(
            f'<li><a href="//cars/{kind}/{n}.html"><h3>{kind} {n}</h3></a><p>{"text " * 20}</p></li>'
            for n in range(first, first + 6)
        )
        links = "".join(f'<a href="#">{n}</a>' for n in ("<", 1, *"x" * 9, 2, ">"))
        return (
            f'<ul class="article" id="Ul1">{items}<li id="ad_tw_04" style="display: none;"></ul>'
            f'<div id="channelPage">{links}</div>'
        )

    def guarded(body):
        """The first answer is 503, the second a page that says 200 and is none."""

        def page(number, **_):
            return (503, {}, "busy") if number == 1 else "<p>Are you human?</p>" if number == 2 else body

        return page

    for kind in ("news", "advice", "drive"):
        site.pages[f"/{kind}/1/"] = guarded(list_page(kind, 1))
        site.pages[f"/{kind}/2/"] = list_page(kind, 2)
        for n in range(11):
            who = f"<a>author {n}</a>" if n % 2 else f"\n author {n} \n"
            body = f'<div id="articlewrap"><div class="article-info"><div>{who}</div></div></div>'.encode("gbk")
            site.pages[f"/{kind}/{n}.html"] = (200, {"Content-Type": "text/html; charset=gb2312"}, body)
    return {(kind, f"{kind} {n}", f"author {n}") for kind in ("news", "advice", "drive") for n in range(11)}
