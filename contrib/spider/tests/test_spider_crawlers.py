"""The crawlers of the documentation's chapter 8, rewritten, against a site that behaves as sites do."""

from __future__ import annotations

import os
import random
import sqlite3
import subprocess
import sys
import time

import pytest
from funboost import BoosterParams, BrokerEnum, ConcurrentModeEnum, boost
from funboost_spider import AsyncRequestClient, RequestClient, Retry, Saver

SECONDS = 100


def until(condition):
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, "that never came"
        time.sleep(0.01)  # consumers run meanwhile


CAR_HOME = """
import os, sys
from funboost import boost, BrokerEnum, BoosterParams
from funboost_spider import RequestClient, Retry, Saver

SITE = os.environ["SITE"]
client = RequestClient(retry=Retry(base=0.01), user_agents=["Mozilla/5.0 (one)", "Mozilla/5.0 (two)"])
articles = Saver(os.environ["SAVED"], "articles", key="url")


@boost(BoosterParams(queue_name="car_home_list", broker_kind=BrokerEnum.REDIS_ACK_ABLE, max_retry_times=5, qps=10))
def crawl_list_page(news_type, page, do_page_turning=False):
    sel = client.get(f"{SITE}/{news_type}/{page}/#liststart").selector
    lines = sel.css("ul.article > li")
    assert lines, "no list on this page"
    for li in lines:
        if len(li.extract()) > 100:
            url_detail = li.xpath("./a/@href").extract_first().replace("//cars", SITE)
            title = li.xpath("./a/h3/text()").extract_first()
            crawl_detail_page.push(url_detail, title=title, news_type=news_type)
    if do_page_turning:
        last_page = int(sel.css("#channelPage > a:nth-child(12)::text").extract_first())
        for p in range(2, last_page + 1):
            crawl_list_page.push(news_type, p)


@boost(BoosterParams(queue_name="car_home_detail", broker_kind=BrokerEnum.REDIS_ACK_ABLE, qps=50,
                     do_task_filtering=True, is_using_distributed_frequency_control=True))
def crawl_detail_page(url, title, news_type):
    sel = client.get(url)
    author = (sel.css("#articlewrap > div.article-info > div > a::text").extract_first()
              or sel.css("#articlewrap > div.article-info > div::text").extract_first() or "")
    articles.save({"url": url, "title": title, "news_type": news_type, "author": author.strip(), "process": os.getpid()})


if __name__ == "__main__":
    if sys.argv[1] == "publish":
        crawl_list_page.clear()
        crawl_detail_page.clear()
        crawl_list_page.push("news", 1, do_page_turning=True)
        crawl_list_page.push("advice", page=1, do_page_turning=True)
        crawl_list_page.push(news_type="drive", page=1, do_page_turning=True)
    else:
        crawl_list_page.consume()
        crawl_detail_page.multi_process_consume(2)
"""


def rows_of(file, statement):
    """What a query returns; nothing while there is no table."""
    try:
        with sqlite3.connect(file) as connection:
            return connection.execute(statement).fetchall()
    except sqlite3.OperationalError:
        return []
    finally:
        connection.close()


@pytest.mark.server
def test_8_1_lists_and_details_in_several_processes(site, cars, tmp_path, redis_place):
    pytest.importorskip("funboost_store_redis", reason="funboost[redis] is not installed here")
    pytest.importorskip("sqlalchemy", reason="funboost-spider[sql] is not installed here")
    script, saved = tmp_path / "car_home.py", tmp_path / "articles.db"
    script.write_text(CAR_HOME, "utf-8")
    environ = {
        **{name: value for name, value in os.environ.items() if not name.startswith("FUNBOOST_")},
        "FUNBOOST_REDIS_URL": redis_place.url,
        "FUNBOOST_NAMESPACE": redis_place.namespace,
        "FUNBOOST_DATA_DIR": str(tmp_path / "data"),
        "SITE": site.url,
        "SAVED": f"sqlite:///{saved.as_posix()}",
    }
    subprocess.run([sys.executable, str(script), "publish"], env=environ, cwd=tmp_path, check=True, timeout=SECONDS)
    consumer = subprocess.Popen([sys.executable, str(script), "consume"], env=environ, cwd=tmp_path)
    try:
        until(lambda: len(rows_of(saved, "SELECT url FROM articles")) == len(cars) or consumer.poll() is not None)
        assert set(rows_of(saved, "SELECT news_type, title, author FROM articles")) == cars
    finally:
        consumer.terminate()
        try:
            consumer.wait(60)
        finally:
            consumer.kill()
            consumer.wait()
    assert {site.counts[f"/{kind}/5.html"] for kind in ("news", "advice", "drive")} == {1}, "both lists have it"
    assert site.counts["/news/1/"] == 3  # 503: the client tried again; no list: the task was run again
    assert {headers["User-Agent"] for *_, headers in site.seen} == {"Mozilla/5.0 (one)", "Mozilla/5.0 (two)"}


def test_8_2_top_250_movies_on_sqlite(site, documented, tmp_path):
    pytest.importorskip("sqlalchemy", reason="funboost-spider[sql] is not installed here")

    def list_page(query, number, **_):
        start = int(query["start"])
        rows = "".join(
            f'<li><div><div></div><div><div><a href="{site.url}/subject/{n}/"><span>movie {n}</span></a></div></div></div></li>'
            for n in range(start, start + 25)
        )
        page = f'<div id="content"><div><div><ol>{rows}</ol></div></div></div>'
        return (503, {}, "") if number % 4 == 1 else page

    site.pages["/top250"] = list_page
    for n in range(250):
        about = f'<div id="link-report"><span> about {n} <br> more</span></div>'
        site.pages[f"/subject/{n}/"] = (301, {"Location": f"/movie/{n}"}, "") if n % 10 == 0 else about
        site.pages[f"/movie/{n}"] = about
    client = RequestClient(retry=Retry(base=0), headers={"User-Agent": "Mozilla/4.0 (compatible)"})
    saver = Saver(f"sqlite:///{(tmp_path / 'movies.db').as_posix()}", "movies", key="url")
    seen = set()

    @boost(BoosterParams(queue_name="douban_list_page_task_queue", broker_kind=BrokerEnum.PERSISTQUEUE, qps=50))
    def craw_list_page(page):
        sel = client.get(f"{site.url}/top250?start={page * 25}&filter=").selector
        for li_item in sel.xpath('//*[@id="content"]/div/div[1]/ol/li'):
            movie_name = li_item.xpath("./div/div[2]/div[1]/a/span[1]/text()").extract_first()
            movie_detail_url = li_item.xpath("./div/div[2]/div[1]/a/@href").extract_first()
            craw_detail_page.push(movie_detail_url, movie_name)

    @boost(BoosterParams(queue_name="douban_detail_page_task_queue", broker_kind=BrokerEnum.PERSISTQUEUE, qps=400))
    def craw_detail_page(detail_url, movie_name):
        page = client.get(detail_url)
        description = page.xpath('//*[@id="link-report"]/span[1]/text()[1]').extract_first().strip()
        saver.save({"url": detail_url, "name": movie_name, "description": description})
        seen.add(movie_name)

    with client:
        for p in range(10):
            craw_list_page.push(p)
        craw_list_page.consume()
        craw_detail_page.consume()
        until(lambda: len(seen) == 250)
        documented.worker.stop()
    saver.close()
    saved = rows_of(tmp_path / "movies.db", "SELECT url, name, description FROM movies")
    assert sorted(saved) == sorted((f"{site.url}/subject/{n}/", f"movie {n}", f"about {n}") for n in range(250))
    assert craw_list_page.get_message_count() == craw_detail_page.get_message_count() == 0


@pytest.mark.server
def test_8_3_6_one_file_on_redis(site, cars, on_redis):
    saved = set()
    client = RequestClient(retry=Retry(base=0))

    @boost(BoosterParams(queue_name="car_home_list", broker_kind=BrokerEnum.REDIS_ACK_ABLE, max_retry_times=5, qps=100))
    def crawl_list_page(news_type, page):
        sel = client.get(f"{site.url}/{news_type}/{page}/#liststart").selector
        lines = sel.css("#Ul1 > li:not([id])")
        assert lines, "no list on this page"
        for li in lines:
            url_detail = li.xpath("./a/@href").extract_first().replace("//cars", site.url)
            title = li.xpath("./a/h3/text()").extract_first()
            crawl_detail_page.push(url_detail, title=title, news_type=news_type)
        if page == 1:
            last_page = int(sel.css("#channelPage > a:nth-child(12)::text").extract_first())
            for p in range(2, last_page + 1):
                crawl_list_page.push(news_type, p)

    @boost(
        BoosterParams(
            queue_name="car_home_detail",
            broker_kind=BrokerEnum.REDIS_ACK_ABLE,
            concurrent_num=100,
            qps=300,
            do_task_filtering=False,
        )
    )
    def crawl_detail_page(url, title, news_type):
        page = client.get(url)
        author = page.css("#articlewrap > div.article-info > div > a::text").extract_first()
        author = author or page.css("#articlewrap > div.article-info > div::text").extract_first() or ""
        saved.add((news_type, title, author.replace("\n", "").strip()))

    crawl_list_page.clear()
    crawl_detail_page.clear()
    crawl_list_page.push("news", 1)
    crawl_list_page.push("advice", page=1)
    crawl_list_page.push(news_type="drive", page=1)
    with client:
        crawl_list_page.consume()
        crawl_detail_page.consume()
        until(lambda: saved == cars and site.counts["/drive/5.html"] == 2)  # not filtered: both lists have it
        on_redis.worker.stop()


DATA = ["data1", "data2", "data3", "data4", "data5"]


@pytest.mark.server
def test_8_9_a_token_and_what_it_is_for_in_one_task(tokens, on_redis):
    client, saved = RequestClient(retry=Retry(base=0)), {}

    @boost(BoosterParams(queue_name="token_task", broker_kind=BrokerEnum.REDIS_ACK_ABLE, qps=100, max_retry_times=3))
    def process_with_token(data):
        sm_token = client.get(f"{tokens.url}/api/gettoken?data={data}").json()["sm_token"]
        answer = client.get(f"{tokens.url}/api/getData?data={data}&sm={sm_token}")
        saved[data] = answer.raise_for_status().json()  # a token that has expired: both steps again

    for data_item in DATA:
        process_with_token.push(data_item)
    with client:
        process_with_token.consume()
        until(lambda: len(saved) == 5)
        on_redis.worker.stop()
    assert saved == {data: {"value": data.upper()} for data in DATA}
    assert tokens.counts["/api/gettoken"] == tokens.counts["/api/getData"] == 10


def test_8_9_with_coroutines(tokens, documented):
    saved, opened = {}, []

    @boost(BoosterParams(queue_name="tokens", concurrent_mode=ConcurrentModeEnum.ASYNC, qps=100, max_retry_times=3))
    async def process_with_token(data):
        if not opened:
            opened.append(AsyncRequestClient(base_url=tokens.url, retry=Retry(base=0)))
        token = (await opened[0].get("/api/gettoken", params={"data": data})).json()["sm_token"]
        answer = await opened[0].get("/api/getData", params={"data": data, "sm": token})
        saved[data] = answer.raise_for_status().json()["value"]

    for data_item in DATA:
        process_with_token.push(data_item)
    process_with_token.consume()
    until(lambda: len(saved) == 5)
    documented.worker.stop()
    assert saved == {data: data.upper() for data in DATA}


def test_8_11_2_another_proxy_and_user_agent_in_each_request(site, other_site, documented):
    """`my_request` of the documentation: a function of one's own, which the tasks call."""
    for proxy in (site, other_site):
        proxy.pages["/page"] = lambda headers, **_: headers["User-Agent"]
    user_agents = ["agent one", "agent two"]
    client = RequestClient(proxies=lambda: random.choice([site.url, other_site.url]), user_agents=user_agents)

    def my_request(method, url):
        return client.request(method, url)

    pages = []

    @boost(BoosterParams(queue_name="pages", broker_kind=BrokerEnum.MEMORY_QUEUE, concurrent_num=5))
    def crawl(n):
        pages.append(my_request("get", f"http://far.test/page?n={n}").text)

    for n in range(40):
        crawl.push(n)
    with client:
        crawl.consume()
        until(lambda: len(pages) == 40)
        documented.worker.stop()
    assert set(pages) == set(user_agents)
    assert site.counts["/page"] + other_site.counts["/page"] == 40
    assert site.counts["/page"] and other_site.counts["/page"]
