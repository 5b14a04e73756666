"""Publishing over HTTP: what is published and answered, errors that are answers, and who may ask."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest
from funboost import BoosterDiscovery, BoosterParams, boost

from funboost_core.environment import using

pytest.importorskip("fastapi")
httpx = pytest.importorskip("httpx")

from funboost.contrib import api_publish_msg  # noqa: E402

PATH = "/funboost_publish_msg"


@pytest.fixture
def program(environment):
    with using(environment):
        yield environment


def post(host="127.0.0.1", **request):
    async def post():
        transport = httpx.ASGITransport(app=api_publish_msg.app, client=(host, 50000))
        async with httpx.AsyncClient(transport=transport, base_url="http://server") as client:
            return await client.post(PATH, **request)

    return asyncio.run(post())


def ask(host="127.0.0.1", headers=None, **body):
    answer = post(host, json=body, headers=headers)
    return answer.status_code, answer.json()


@pytest.fixture
def add(program, calls):
    @boost(BoosterParams(queue_name="add", is_using_rpc_mode=True, max_retry_times=0))
    def add(x, y=2):
        calls.add(x, y)
        return 12 // (x + y)

    return add


def test_a_message_is_published(add, calls):
    code, answer = ask(queue_name="add", msg_body={"x": 1})
    assert (code, answer["succ"], answer["status_and_result"]) == (200, True, None)
    assert answer["msg"].startswith("published to add, task_id add_result:")
    add.consume()
    assert calls.wait(1) == [(1, 2)]


def test_the_result_can_be_waited_for_also_that_of_a_failed_run(add):
    add.consume()
    code, answer = ask(queue_name="add", msg_body={"x": 1, "y": 3}, need_result=True, timeout=50)
    assert (code, answer["succ"], answer["msg"]) == (200, True, "")
    assert (answer["status_and_result"]["result"], answer["status_and_result"]["success"]) == (3, True)
    _, answer = ask(queue_name="add", msg_body={"x": -2}, need_result=True, timeout=50)
    assert answer["succ"]
    assert answer["status_and_result"]["exception_type"] == "ZeroDivisionError"


def test_errors_are_answers(add, program):
    @boost(BoosterParams(queue_name="silent"))
    def silent(x): ...

    for body, text in (
        ({"queue_name": "?", "msg_body": {}}, "QueueUnknown: No task with queue_name='?' is known"),
        ({"queue_name": "add", "msg_body": {"z": 1}}, "SignatureError: The arguments do not fit"),
        (
            {"queue_name": "silent", "msg_body": {"x": 1}, "need_result": True},
            "ConfigError: need_result: the task of queue 'silent' gives no results. Set is_using_rpc_mode=True",
        ),
        ({"queue_name": "add", "msg_body": {"x": 1}, "need_result": True, "timeout": 0.05}, "TimeoutError: published"),
    ):
        code, answer = ask(**body)
        assert (code, answer["succ"], answer["status_and_result"]) == (200, False, None)
        assert answer["msg"].startswith(text)
    assert silent.get_message_count() == 0


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"queue_name": "add"},
        {"queue_name": "add", "msg_body": [1]},
        {"queue_name": "add", "msg_body": {}, "timeout": 0},
    ],
)
def test_what_is_no_request_is_refused_in_the_same_form(add, body):
    code, answer = ask(**body)
    assert (code, answer["succ"], answer["status_and_result"]) == (422, False, None)
    assert answer["msg"].startswith(
        ("queue_name Field required", "msg_body ", "timeout Input should be greater than 0")
    )
    assert __file__ not in answer["msg"] and "api_publish_msg.py" not in answer["msg"]
    answer = post(content="{", headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["succ"]) == (422, False)


def test_without_a_token_only_this_host_may_publish(add):
    for host in ("192.168.0.7", "localhost.example.org"):
        code, answer = ask(host, queue_name="add", msg_body={"x": 1})
        assert (code, answer["succ"]) == (403, False)
        assert "API_TOKEN" in answer["msg"]
    assert ask("::1", queue_name="add", msg_body={"x": 1})[1]["succ"]
    assert add.get_message_count() == 1


def test_with_a_token_whoever_has_it_may_publish(add, program):
    program.settings.values["API_TOKEN"] = "s3cret"
    right = {"Authorization": "Bearer s3cret"}
    for headers in ({}, {"Authorization": "Bearer other"}, {"Authorization": "s3cret"}):
        code, answer = ask(headers=headers, queue_name="add", msg_body={"x": 1})
        assert (code, answer["succ"]) == (401, False)
        assert "s3cret" not in str(answer)
    assert ask("192.168.0.7", headers=right, queue_name="add", msg_body={"x": 1})[1]["succ"]
    assert add.get_message_count() == 1


def test_the_documented_import():
    assert api_publish_msg.BoosterDiscovery is BoosterDiscovery


def test_without_the_library_the_extra_is_named():
    code = "import sys; sys.modules['fastapi'] = None; import funboost.contrib.api_publish_msg"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert "pip install funboost[fastapi]" in done.stderr.splitlines()[-1]
