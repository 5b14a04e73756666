"""Lines to Elasticsearch and Kafka: in order, kept while the service is away, never holding up who logs."""

from __future__ import annotations

import base64
import json
import logging
import os
import signal
import sys
import threading
import types
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from funboost_hook_nb_log import hanging, kafka
from funboost_hook_nb_log.elastic import ElasticHandler
from funboost_hook_nb_log.lines import document, encoded
from funboost_testing.services.base import free_port

from funboost_core import Environment
from funboost_core.errors import ConfigError

WAIT = 20


def record(text="hello", **fields):
    made = logging.LogRecord("funboost.q", logging.INFO, "/app/shop.py", 7, text, (), None, "f")
    vars(made).update(fields)
    return made


class Elastic:
    """A stand-in for the bulk interface."""

    def __init__(self, port=0):
        self.requests, self.lines, self.answer = [], [], {"items": []}
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                rows = [json.loads(row) for row in body.decode().splitlines()]
                outer.requests.append((self.path, dict(self.headers), rows[0]))
                outer.lines += rows[1::2]
                text = json.dumps(outer.answer).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,))
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def elastic():
    server = Elastic(free_port())  # no port of the system's: it is to be free for a second one
    yield server
    server.close()


@pytest.fixture
def handler(elastic, monkeypatch):
    monkeypatch.setattr(ElasticHandler, "LINGER", WAIT)
    return ElasticHandler(f"http://me:p%40ss@127.0.0.1:{elastic.port}/", "pylog-", most=100, pause=0.01)


# -- a line -------------------------------------------------------------------------------------------------------------


def test_a_line_is_a_flat_object():
    made = document(record(created=0.5, task_id="t1"))
    assert made["@timestamp"] == "1970-01-01T00:00:00.500+00:00"
    told = {name: made[name] for name in ("level", "logger", "task_id", "message", "file", "line", "function")}
    assert list(told.values()) == ["INFO", "funboost.q", "t1", "hello", "/app/shop.py", 7, "f"]
    assert "traceback" not in made


def test_a_line_has_its_traceback_and_survives_odd_text():
    try:
        raise ValueError("no")
    except ValueError:
        made = document(record("odd \ud800", exc_info=sys.exc_info()))
    assert made["traceback"].endswith("ValueError: no")
    assert json.loads(encoded(made))["message"].startswith("odd ")


# -- Elasticsearch ------------------------------------------------------------------------------------------------------


def test_lines_arrive_in_order_in_the_index_of_their_day(elastic, handler):
    for number in range(3):
        handler.handle(record(str(number), created=86400.0))
    handler.flush()
    assert [line["message"] for line in elastic.lines] == ["0", "1", "2"]
    path, headers, action = elastic.requests[0]
    assert (path, action) == ("/_bulk", {"create": {"_index": "pylog-1970.01.02"}})
    assert headers["Authorization"] == "Basic " + base64.b64encode(b"me:p@ss").decode()
    assert elastic.lines[0]["task_id"] == "no_task_id"


def test_while_the_server_is_away_lines_wait_and_the_oldest_are_dropped_beyond_a_limit(
    elastic, handler, caplog, monkeypatch
):
    elastic.close()
    handler.handle(record("first"))
    told = threading.Event()
    log = logging.getLogger("funboost_hook_nb_log.elastic")  # of what others say, `first` would not be on its way yet
    monkeypatch.setattr(log, "filters", [lambda found: told.set() or True])
    assert told.wait(WAIT), "nothing was said"
    for number in range(101):
        handler.handle(record(str(number)))
    again = Elastic(elastic.port)
    try:
        handler.flush()
    finally:
        again.close()
    assert [line["message"] for line in again.lines] == ["first", *map(str, range(1, 101))]
    assert handler.dropped == 1
    [warning] = [found for found in caplog.records if found.name == log.name]
    assert "takes no lines" in warning.getMessage()
    assert "p%40ss" not in caplog.text and "p@ss" not in caplog.text


def test_lines_that_the_server_refuses_for_good_are_counted(elastic, handler):
    elastic.answer = {"errors": True, "items": [{"create": {"status": 201}}, {"create": {"status": 400}}]}
    handler.handle(record("good"))
    handler.handle(record("bad"))
    handler.flush()
    assert handler.dropped >= 1
    assert len(elastic.lines) == 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_process_sends_its_own_lines(elastic, handler, monkeypatch):
    """And neither those of its parent, nor does it wait for a lock that its parent held when it forked."""
    monkeypatch.setattr(handler, "GATHER", 3600)
    handler.handle(record("parent"))
    with handler._changed:
        child = os.fork()
        if child == 0:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)  # ends it
            signal.alarm(30)
            try:
                handler.flush()
                handler.handle(record("child"))
                handler.flush()
                os._exit(0)
            finally:
                os._exit(1)
        assert os.waitpid(child, 0)[1] == 0
    assert [line["message"] for line in elastic.lines] == ["child"]
    handler.flush()
    assert [line["message"] for line in elastic.lines] == ["child", "parent"]


def test_an_address_that_is_none():
    with pytest.raises(ConfigError, match=r"NB_LOG_ELASTIC_URL='localhost:9200' is no http"):
        ElasticHandler("localhost:9200", "pylog-")


# -- Kafka --------------------------------------------------------------------------------------------------------------


class Producer:
    """A stand-in for that of confluent_kafka."""

    made = []

    def __init__(self, config):
        self.config, self.sent, self.full = config, [], False
        self.made.append(self)

    def produce(self, topic, value, on_delivery):
        if self.full:
            raise BufferError
        self.told = on_delivery
        self.sent.append((topic, json.loads(value)["message"]))

    def poll(self, timeout):
        return 0

    def flush(self, timeout):
        self.flushed = timeout


def test_lines_go_to_the_topic_and_are_dropped_where_no_more_can_wait(monkeypatch):
    monkeypatch.setitem(sys.modules, "confluent_kafka", types.SimpleNamespace(Producer=Producer))
    handler = kafka.KafkaHandler("log", {"bootstrap.servers": "a:1"})
    handler.flush()  # nothing yet
    handler.handle(record("a"))
    producer = Producer.made[-1]
    producer.full = True
    handler.handle(record("b"))
    handler.flush()
    assert producer.sent == [("log", "a")]
    assert producer.config["bootstrap.servers"] == "a:1"
    assert (handler.dropped, producer.flushed) == (1, kafka.LINGER)
    producer.told(None, None)
    assert handler.dropped == 1


def test_lines_that_do_not_arrive_are_counted_and_told_of_once(monkeypatch, caplog):
    monkeypatch.setitem(sys.modules, "confluent_kafka", types.SimpleNamespace(Producer=Producer))
    handler = kafka.KafkaHandler("log", {"bootstrap.servers": "a:1"})
    handler.handle(record("a"))
    for _ in range(2):
        Producer.made[-1].told("unknown topic", None)
    assert handler.dropped == 2
    assert [found.getMessage() for found in caplog.records if found.name == kafka.__name__] == [
        "The Kafka topic 'log' takes no lines (unknown topic); they are dropped."
    ]


def test_without_the_client_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "confluent_kafka", None)
    with pytest.raises(ConfigError, match=r"pip install 'funboost-hook-nb-log\[kafka\]', or unset NB_LOG_KAFKA_TOPIC"):
        kafka.KafkaHandler("log", {})


@pytest.fixture
def confluent_kafka():
    """Asked for first: without the client no server is started."""
    return pytest.importorskip("confluent_kafka")


@pytest.mark.server
def test_a_real_topic(confluent_kafka, kafka_place):
    topic = f"{kafka_place.namespace}.log"
    from confluent_kafka import admin

    client = admin.AdminClient({"bootstrap.servers": kafka_place.url})
    client.create_topics([admin.NewTopic(topic, 1, 1)])[topic].result(WAIT)
    handler = kafka.KafkaHandler(topic, {"bootstrap.servers": kafka_place.url})
    handler.handle(record("hello", task_id="t1"))
    handler._producer.flush(WAIT)
    config = {"bootstrap.servers": kafka_place.url, "group.id": topic, "auto.offset.reset": "earliest"}
    consumer = confluent_kafka.Consumer(config)
    try:
        consumer.subscribe([topic])
        found = next(got for got in iter(lambda: consumer.poll(WAIT), None) if not got.error())
    finally:
        consumer.close()
    assert json.loads(found.value())["task_id"] == "t1"


# -- switched on by settings --------------------------------------------------------------------------------------------


def test_settings_switch_them_on(monkeypatch, elastic):
    monkeypatch.setitem(sys.modules, "confluent_kafka", types.SimpleNamespace(Producer=Producer))
    monkeypatch.setattr(ElasticHandler, "LINGER", WAIT)
    monkeypatch.setattr(hanging, "_made", lambda settings, **options: [])
    settings = Environment(
        {
            "NB_LOG_KAFKA_TOPIC": "log",
            "KAFKA_BOOTSTRAP_SERVERS": ["a:1", "b:2"],
            "NB_LOG_KAFKA_CONFIG": {"acks": "all"},
            "NB_LOG_ELASTIC_URL": f"http://127.0.0.1:{elastic.port}",
        }
    ).settings
    logger = logging.Logger("elsewhere")  # noqa: LOG001  nobody else's
    hanging._common(logger, settings)
    logger.info("hello")
    for handler in logger.handlers:
        handler.flush()
    assert [line["message"] for line in elastic.lines] == ["hello"]
    assert Producer.made[-1].sent == [("log", "hello")]
    assert Producer.made[-1].config["bootstrap.servers"] == "a:1,b:2"
    assert Producer.made[-1].config["acks"] == "all"
    assert logger.level == logging.INFO
