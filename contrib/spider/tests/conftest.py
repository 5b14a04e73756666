"""A site on loopback that behaves as sites do: slow starts, redirects, cookies, tokens that expire, a proxy."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest
from funboost import defaults

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
        if query["sm"] != token or time.monotonic() - at > 10 or query["data"] not in refused:
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
