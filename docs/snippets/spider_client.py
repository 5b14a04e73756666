import asyncio
import json
import random
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from funboost_spider import AsyncRequestClient, RequestClient, Retry

seen = []


class Site(BaseHTTPRequestHandler):
    """The first answer for a page is 403, and what comes through a proxy has a whole URL."""

    def do_GET(self):
        seen.append(self.path)
        self.send_response(403 if seen.count(self.path) == 1 else 200)
        body = json.dumps({"agent": self.headers["User-Agent"]}).encode()
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *ignored):
        pass


def start():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"


pool = [start(), start()]


# region client
def proxy():
    """A proxy of the pool; None is a direct connection.  Asked before every attempt."""
    return random.choice(pool)


client = RequestClient(
    proxies=proxy,  # or a list: each attempt takes the next one
    user_agents=["Mozilla/5.0 (X11)", "Mozilla/5.0 (Macintosh)"],
    headers={"Accept-Language": "en"},  # or a function
    retry=Retry(times=5, base=0.1, statuses=Retry.statuses | {403}),  # here 403 means: another proxy
    timeout=15,
    max_bytes=2_000_000,
)
# endregion


# region coroutines
async def agents():
    async with AsyncRequestClient(proxies=pool, user_agents="one", retry=Retry(statuses=frozenset({403}))) as client:
        pages = await asyncio.gather(*[client.get(f"http://shop.test/{n}") for n in range(3)])
        return [page.json()["agent"] for page in pages]
        # endregion


if __name__ == "__main__":
    page = client.get("http://shop.test/page")
    assert page.json()["agent"] in {"Mozilla/5.0 (X11)", "Mozilla/5.0 (Macintosh)"}
    assert seen == ["http://shop.test/page"] * 2
    client.close()
    assert asyncio.run(agents()) == ["one"] * 3
