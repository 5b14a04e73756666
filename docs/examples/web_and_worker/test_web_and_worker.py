"""The two programs, each in a process of its own; what the web adds runs in the worker."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

pytest.importorskip("flask", reason="Flask is not installed: the web example is not tested")
pytest.importorskip("apscheduler", reason="APScheduler is not installed: the web example is not tested")
HERE = Path(__file__).parent


@pytest.fixture
def start(tmp_path):
    running = []

    def start(name, *args):
        clean = {key: value for key, value in os.environ.items() if not key.startswith("FUNBOOST_")}
        with (tmp_path / f"{name}.log").open("a") as output:
            process = subprocess.Popen(
                [sys.executable, str(HERE / name), *args],
                env={**clean, "FUNBOOST_DATA_DIR": str(tmp_path / "data"), "PYTHONUNBUFFERED": "1"},
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        running.append(process)
        return lambda: (tmp_path / f"{name}.log").read_text()

    yield start
    for process in running:
        process.kill()
        process.wait()


def until(what, condition):
    end = time.monotonic() + 40
    while not (found := condition()):
        assert time.monotonic() < end, what
        time.sleep(0.05)
    return found


def test_the_web_adds_and_the_worker_fires(start):
    web = start("web_app.py", "0")  # the port that the system gives it: one found before might be somebody's by then
    port = until("the web listens", lambda: re.search(r"Running on http://127\.0\.0\.1:(\d+)\s", web()))[1]

    def call(method, path="", body=None):
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"http://127.0.0.1:{port}/schedules{path}", data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, json.loads(answer.read() or "null")
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read())
        except urllib.error.URLError:
            return None

    until("the web answers", lambda: call("GET"))
    assert call("PUT", "/often", {"trigger": "interval", "seconds": 1, "kwargs": {"x": 20, "y": 22}})[0] == 200
    status, answer = call("PUT", "/wrong", {"trigger": "interval", "seconds": 1, "kwargs": {"z": 1}})
    assert status == 400
    assert "unknown: z" in answer["error"]
    outputs = [start("run_consume.py"), start("run_consume.py")]
    until(f"a worker runs it twice: {outputs[0]()}", lambda: outputs[0]().count("20 + 22 = 42") >= 2)
    assert [found["id"] for found in call("GET")[1]] == ["often"]
    assert call("PUT", "/often", {"trigger": "interval", "seconds": 1, "kwargs": {"x": 1, "y": 1}})[0] == 200
    until("a worker runs what it was changed to", lambda: "1 + 1 = 2" in outputs[0]())
    assert call("DELETE", "/often") == (204, None)
    assert call("DELETE", "/often")[0] == 404
    assert call("GET") == (200, [])
