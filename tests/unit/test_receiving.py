"""receiving: no message stops the line; what may not run is settled, and who waits for it is told."""

from __future__ import annotations

import json

import pytest
from support.program import message

from funboost_core import Later, Skip, hookimpl
from funboost_core.redrive import restore

BAD = {
    "not json": b"?",
    "nul": b"\x00",
    "no utf-8": b'{"x":"\xff"}',
    "no object": b"[1]",
    "wrong extra": b'{"x":1,"extra":7}',
    "unknown argument": b'{"x":1,"z":2}',
    "missing argument": b'{"y":1}',
    "bad override": message(max_retry_times="many"),
    "bad countdown": message(countdown="soon"),
    "never due": message(countdown=1e400),
    "bad runs": message(run_times="x"),
    "too large": b'{"x":"' + b"y" * 2000 + b'"}',
}


def test_bad_messages_are_dead_letters_and_the_good_ones_of_the_batch_run(program):
    line = program.line(max_message_bytes=1000)
    bodies = []
    for number, bad in enumerate(BAD.values()):
        bodies += [message({"x": number}), bad]
    program.server.put("q", *bodies)
    ready = line.intake.take(100)
    assert [delivery.arguments["x"] for delivery in ready] == list(range(len(BAD)))
    letters = program.server.bodies("q_dlx")
    assert len(letters) == len(BAD)
    assert len(line.broker.unacked) == len(ready)
    reasons = dict(zip(BAD, (json.loads(letter)["extra"]["dead_letter"]["reason"] for letter in letters)))
    assert "not JSON" in reasons["no utf-8"]
    assert "extra is a int" in reasons["wrong extra"]
    assert "unknown: z" in reasons["unknown argument"]
    assert "missing: x" in reasons["missing argument"]
    assert "max_retry_times" in reasons["bad override"]
    assert "countdown='soon'" in reasons["bad countdown"]
    assert "countdown=inf" in reasons["never due"]
    assert "run_times='x'" in reasons["bad runs"]
    assert "2008 bytes, max_message_bytes is 1000" in reasons["too large"]
    for name in ("not json", "nul", "no utf-8", "no object", "wrong extra", "too large"):
        assert restore(letters[list(BAD).index(name)]) == BAD[name]


def test_defaults_of_a_changed_signature_bridge_versions(program):
    line = program.line(lambda x, y=0, z=0: None)
    program.server.put("q", message({"x": 1}), message({"x": 1, "y": 2}), message({"x": 1, "gone": 2}))
    assert len(line.intake.take(3)) == 2


def plugin(hook, function):
    return type("Plugin", (), {hook: staticmethod(hookimpl(function))})


def boom():
    raise RuntimeError("a defect of the plugin")


@pytest.mark.parametrize("hook", ["funboost_convert_message", "funboost_admit"])
def test_a_deciding_hook_that_raises_makes_a_dead_letter_and_the_line_goes_on(program, hook):
    line = program.line(hooks=[plugin(hook, boom)])
    program.server.put("q", message(), message())
    assert line.intake.take(2) == []
    letters = [json.loads(body)["extra"]["dead_letter"] for body in program.server.bodies("q_dlx")]
    assert [letter["error"] for letter in letters] == ["RuntimeError: a defect of the plugin"] * 2


def test_foreign_forms_are_converted(program):
    def convert(body):
        if body.startswith(b"x="):
            return {"x": int(body[2:])}
        if body.startswith(b"json "):
            return body[5:].decode()
        return None

    line = program.line(hooks=[plugin("funboost_convert_message", convert)])
    program.server.put("q", b"x=5", b'json {"x":6}', b'{"x":7}', b"x=?", b"nothing")
    assert [delivery.arguments for delivery in line.intake.take(5)] == [{"x": 5}, {"x": 6}, {"x": 7}]
    assert [restore(body) for body in program.server.bodies("q_dlx")] == [b"x=?", b"nothing"]


def test_answers_of_admit(program):
    due = program.clock.time() + 60
    answers = {1: Skip("no"), 2: Later(due, "not yet"), 3: Later(None), 4: None}

    line = program.line(hooks=[plugin("funboost_admit", lambda delivery: answers[delivery.arguments["x"]])])
    program.server.put("q", *[message({"x": number}) for number in answers])
    (ready,) = line.intake.take(4)
    assert ready.arguments == {"x": 4}
    assert program.server.acked == [message({"x": 1})]
    (put_off,) = [sent for sent in line.broker.sent if sent.due]
    assert (put_off.body, put_off.due) == (message({"x": 2}), due)
    assert program.server.bodies("q").count(message({"x": 3})) == 1


def replies(program):
    return {name: json.loads(reply) for name, reply in program.environment.state.replies.kept.items()}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (message(task_id="t", publish_time=0), "expired"),
        (message({"x": 1, "z": 2}, task_id="t"), "unknown: z"),
        (message({"x": 13}, task_id="t"), "unlucky"),
        (message({"x": 14}, task_id="t"), "it could not be admitted"),
    ],
)
def test_who_waits_for_a_result_is_told_that_there_will_be_none(program, body, reason):
    def admit(delivery):
        if delivery.arguments["x"] == 14:
            raise RuntimeError("a defect of the plugin")
        return Skip("unlucky") if delivery.arguments["x"] == 13 else None

    line = program.line(is_using_rpc_mode=True, msg_expire_seconds=5, hooks=[plugin("funboost_admit", admit)])
    program.server.put("q", body)
    assert line.intake.take(1) == []
    reply = replies(program)["t"]
    assert reply["success"] is False
    assert reason in reply["exception_msg"]
    assert line.broker.unacked == {}


def test_what_is_only_put_off_is_no_news(program):
    line = program.line(is_using_rpc_mode=True)
    program.server.put("q", message(task_id="t", countdown=60))
    assert line.intake.take(1) == []
    assert replies(program) == {}


def test_who_waits_for_what_cannot_be_put_off_is_told(make_program):
    program = make_program()
    line = program.line(broker_kind="BARE_OBJECTS", is_using_rpc_mode=True)
    line.settler.later(line.fetched({"x": object(), "extra": {"task_id": "t", "publish_time": 1}}), 123.0)
    assert "it cannot be put off" in replies(program)["t"]["exception_msg"]


def test_a_reply_that_cannot_be_sent_keeps_no_message(program, caplog):
    line = program.line(is_using_rpc_mode=True, msg_expire_seconds=5)
    program.environment.state.replies.put = None
    program.server.put("q", message(publish_time=0))
    assert line.intake.take(1) == []
    assert len(program.server.acked) == 1
    assert "Telling about" in caplog.text
