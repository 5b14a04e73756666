import os
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from funboost import BoosterParams, boost
from funboost_spider import RequestClient, Saver

from funboost_core import default

# region program
SITE = os.environ.get("SITE", "http://127.0.0.1:8123")
client = RequestClient(user_agents=["Mozilla/5.0 (X11)", "Mozilla/5.0 (Windows NT 10.0)"])
movies = Saver("sqlite:///movies.db", "movies", key="url")


@boost(BoosterParams(queue_name="lists", qps=2, max_retry_times=5))
def crawl_list(page: int) -> None:
    for link in client.get(f"{SITE}/list{page}.html").css("li > a"):
        crawl_movie.push(SITE + link.attrib["href"], title=link.css("::text").get())


@boost(BoosterParams(queue_name="movies", qps=20, do_task_filtering=True, max_retry_times=5))
def crawl_movie(url: str, title: str) -> None:
    page = client.get(url)
    movies.save({"url": url, "title": title, "year": int(page.re_first(r"Year: (\d+)"))})


if __name__ == "__main__":
    # endregion
    for page in (1, 2):  # a site to try it on
        links = "".join(f'<li><a href="/movie{n}.html">Movie {n}</a>' for n in range(page, page + 3))
        Path(f"list{page}.html").write_text(f"<ul>{links}</ul>")
    for n in range(1, 5):
        Path(f"movie{n}.html").write_text(f"<p>Year: {1990 + n}</p>")
    SimpleHTTPRequestHandler.log_message = lambda *ignored: None
    server = ThreadingHTTPServer(("127.0.0.1", 0), SimpleHTTPRequestHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    SITE = f"http://127.0.0.1:{server.server_port}"
    # region start
    for number in (1, 2):
        crawl_list.push(number)
    crawl_list.consume()
    crawl_movie.consume()
    # endregion
    crawl_list.wait_for_possible_has_finish_all_tasks(minutes=0.01)
    crawl_movie.wait_for_possible_has_finish_all_tasks(minutes=0.01)
    default().worker.stop()
    movies.close()
    import sqlite3

    connection = sqlite3.connect("movies.db")
    assert sorted(connection.execute("SELECT title, year FROM movies")) == [
        (f"Movie {n}", 1990 + n) for n in range(1, 5)
    ]
    connection.close()
