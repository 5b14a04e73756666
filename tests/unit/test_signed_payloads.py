"""signed: what only pickle carries is loaded only from messages that carry our own signature."""

from __future__ import annotations

import ast
import json
import os
import pickle
import random
import stat
import sys

import pytest
from support.inline import work_off
from support.program import message

from funboost_core import BrokerSpec, Capability, ConfigError, hookimpl, redrive
from funboost_core.errors import NotSerializable
from funboost_core.payloads.keyring import FILE, Keyring

KEY, OTHER = "k" * 40, "o" * 40
executed = []


class Thing:
    def __init__(self, x):
        self.x = x

    def __eq__(self, other):
        return type(other) is Thing and other.x == self.x

    __hash__ = None


def execute():
    executed.append("here")


class Trap:
    """Unpickling it leaves a mark."""

    def __reduce__(self):
        return execute, ()


def test_the_trap_works():
    pickle.loads(pickle.dumps(Trap()))
    assert executed == ["here"]


@pytest.fixture(autouse=True)
def clean():
    executed.clear()


def task_of(program, seen, **params):
    def function(x, y=0):
        seen.append((x, y))

    return program.booster(function, **params)


def sent(program, queue="q"):
    return [json.loads(body) for body in program.server.bodies(queue)]


def reasons(program, queue="q"):
    return [letter["extra"]["dead_letter"]["reason"] for letter in sent(program, f"{queue}_dlx")]


def test_the_documented_form(make_program):
    program, seen = make_program(SECRET_KEY=KEY), []
    booster = task_of(program, seen)
    booster.push(Thing(1), y="hello")
    booster.push_many([{"x": Thing(2), "y": {3}}])
    first, second = sent(program)
    assert first["y"] == "hello"
    assert first["extra"]["can_not_json_serializable_keys"] == ["x"]
    assert pickle.loads(ast.literal_eval(first["x"])) == Thing(1)
    assert first["extra"]["pickle_sig"].keys() == {"kid", "mac"}
    assert second["extra"]["can_not_json_serializable_keys"] == ["x", "y"]
    work_off(booster.task)
    assert seen == [(Thing(1), "hello"), (Thing(2), {3})]


def test_what_changes_after_the_push_does_not_matter(make_program):
    program, seen = make_program(SECRET_KEY=KEY), []
    booster, thing = task_of(program, seen), Thing(1)
    booster.push(thing)
    thing.x = 11
    booster.push(thing)
    work_off(booster.task)
    assert [x.x for x, _ in seen] == [1, 11]


def test_the_argument_that_cannot_be_pickled_is_named(program):
    with pytest.raises(NotSerializable, match=r"Argument 'y' of queue 'q' is a function \(.*pickle"):
        task_of(program, []).push(Thing(1), lambda: 1)
    assert sent(program) == []


# -- keys --------------------------------------------------------------------------------------------------------------


def test_a_key_is_made_for_this_host_and_kept_from_others(make_program, tmp_path):
    publisher, consumer, seen = make_program(DATA_DIR=str(tmp_path)), make_program(DATA_DIR=str(tmp_path)), []
    receiving = task_of(consumer, seen)
    work_off(receiving.task)  # it looks at the keys before there are any
    task_of(publisher, []).push(Thing(1))
    assert os.listdir(tmp_path) == [FILE]
    if os.name == "posix":
        assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600
    consumer.server.put("q", *publisher.server.bodies("q"))
    work_off(receiving.task)
    assert seen == [(Thing(1), 0)]
    task_of(make_program(DATA_DIR=str(tmp_path)), []).push(Thing(1))
    assert os.listdir(tmp_path) == [FILE]


def test_of_several_that_make_a_key_one_wins(make_program, tmp_path, monkeypatch):
    program = make_program(DATA_DIR=str(tmp_path))
    link = os.link

    def slower(source, target):
        (tmp_path / FILE).write_text(KEY)
        link(source, target)

    monkeypatch.setattr(os, "link", slower)
    task = task_of(program, []).task
    assert task.keyring.current(task).secret == KEY.encode()
    assert os.listdir(tmp_path) == [FILE]


class FarPlugin:
    """The broker of the tests, but said to cross hosts."""

    @hookimpl
    def funboost_brokers(self):
        from support.broker import ALL

        spec = BrokerSpec("FAR", lambda context: self.make(context), ALL | Capability.CROSS_HOST, summary="far")
        return [spec]


def far(program):
    plugin = FarPlugin()
    plugin.make = program.environment.manager.find("brokers", "TINY").factory
    program.environment.manager.register(plugin)


def test_between_hosts_a_key_must_be_set(make_program, tmp_path):
    program = make_program(DATA_DIR=str(tmp_path))
    far(program)
    booster = task_of(program, [], broker_kind="FAR")
    with pytest.raises(NotSerializable, match=r"'x' of queue 'q' is a Thing.*set FUNBOOST_SECRET_KEY to the same"):
        booster.push(Thing(1))
    assert os.listdir(tmp_path) == []
    booster.push(1)
    program = make_program(SECRET_KEY=KEY)
    far(program)
    task_of(program, [], broker_kind="FAR").push(Thing(1))


def test_keys_are_changed_while_messages_are_on_their_way(make_program):
    old, new, seen = make_program(SECRET_KEY=KEY), make_program(SECRET_KEY=f"{OTHER}, {KEY}"), []
    task_of(old, []).push(Thing(1))
    booster = task_of(new, seen)
    booster.push(Thing(2))
    new.server.put("q", *old.server.bodies("q"))
    work_off(booster.task)
    assert seen == [(Thing(2), 0), (Thing(1), 0)]
    late = make_program(SECRET_KEY=[OTHER])
    late.server.put("q", *old.server.bodies("q"))
    work_off(task_of(late, seen).task)
    assert len(seen) == 2
    assert "signed with a key that is not known here" in reasons(late)[0]


def test_a_short_key_is_refused_and_no_key_is_shown(make_program):
    with pytest.raises(ConfigError, match="has 5 characters; use at least 16"):
        task_of(make_program(SECRET_KEY="12345"), []).push(Thing(1))
    program = make_program(SECRET_KEY=KEY)
    task = task_of(program, []).task
    assert KEY not in repr(task.keyring.current(task))
    assert KEY not in repr(program.environment.settings.effective())
    assert Keyring(program.environment).find("nobody") is None


# -- what is not loaded ------------------------------------------------------------------------------------------------


def trap(text=None, **extra):
    text = str(pickle.dumps(Trap())) if text is None else text
    return message({"x": text}, can_not_json_serializable_keys=["x"], **extra)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (trap(), "without a signature"),
        (trap(pickle_sig=None), "without a signature"),
        (trap(pickle_sig="abc"), "without a signature"),
        (trap(pickle_sig={"kid": "x"}), "without a signature"),
        (trap(pickle_sig={"kid": "x", "mac": 7}), "without a signature"),
        (trap(pickle_sig={"kid": ["x"], "mac": "00"}), "a key that is not known"),
        (trap(pickle_sig={"kid": "x", "mac": "00"}), "a key that is not known"),
        (trap(pickle_sig={"kid": "KID", "mac": "00"}), "does not fit this message"),
        (trap(pickle_sig={"kid": "KID", "mac": "é"}), "does not fit this message"),
        (message({"x": "b''"}, can_not_json_serializable_keys="x"), "does not name arguments"),
        (message({"x": "b''"}, can_not_json_serializable_keys=["y"]), "does not name arguments"),
        (message({"x": "b''"}, can_not_json_serializable_keys=[["x"]]), "does not name arguments"),
        (message({"x": 7}, can_not_json_serializable_keys=["x"]), "does not name arguments"),
        (message({"x": "b''"}, can_not_json_serializable_keys=None), "does not name arguments"),
    ],
)
def test_what_is_not_signed_by_us_is_a_dead_letter(make_program, body, reason):
    program, seen = make_program(SECRET_KEY=KEY), []
    booster = task_of(program, seen, max_retry_times=3)
    kid = Keyring(program.environment).current(booster.task).id
    program.server.put("q", body.replace(b"KID", kid.encode()))
    work_off(booster.task)
    assert executed == []
    assert seen == []
    assert len(reasons(program)) == 1
    assert reason in reasons(program)[0]


def signed(program, booster, *args):
    booster.push(*args)
    body, _ = program.server.queues["q"].pop()
    return json.loads(body)


def put(program, body, queue="q"):
    program.server.put(queue, json.dumps(body).encode())


@pytest.mark.parametrize(
    "change",
    [
        lambda body, other: body["extra"].update(task_id="q_result:another"),
        lambda body, other: body.update(x=other["x"]),
        lambda body, other: body.update(x=other["x"]) or body["extra"].update(pickle_sig=other["extra"]["pickle_sig"]),
        lambda body, other: body.update(x=body["y"], y=body["x"]),
        lambda body, other: body["extra"].update(can_not_json_serializable_keys=["y", "x"]),
        lambda body, other: body["extra"].update(can_not_json_serializable_keys=["x"]),
        lambda body, other: body.update(x=body["x"] + " "),
        lambda body, other: body["extra"]["pickle_sig"].update(mac=body["extra"]["pickle_sig"]["mac"].upper()),
    ],
    ids=["id", "field", "field and signature", "fields swapped", "order", "fewer", "bytes", "mac"],
)
def test_a_field_does_not_fit_into_another_message(make_program, change):
    program, seen = make_program(SECRET_KEY=KEY), []
    booster = task_of(program, seen)
    body, other = signed(program, booster, Thing(1), Thing(2)), signed(program, booster, Thing(3), Thing(4))
    change(body, other)
    put(program, body)
    work_off(booster.task)
    assert seen == []
    assert "does not fit this message" in reasons(program)[0]


def test_a_message_does_not_fit_into_another_queue_but_into_its_dead_letters(make_program):
    program, seen = make_program(SECRET_KEY=KEY), []
    booster, other = task_of(program, seen), task_of(program, seen, queue_name="other")
    letters = task_of(program, seen, queue_name="q_dlx")
    body = signed(program, booster, Thing(1))
    put(program, body, "other")
    work_off(other.task)
    assert seen == []
    assert "does not fit this message" in reasons(program, "other")[0]
    put(program, body, "q_dlx")
    work_off(letters.task)
    assert seen == [(Thing(1), 0)]
    staging, seen = make_program(SECRET_KEY=KEY, NAMESPACE="staging"), []
    put(staging, body, "staging.q")
    work_off(task_of(staging, seen).task)
    assert seen == []


def test_what_cannot_be_loaded_here_is_a_dead_letter_and_comes_back_whole(make_program, monkeypatch):
    program, seen = make_program(SECRET_KEY=KEY), []
    booster = task_of(program, seen)
    booster.push(Thing(1))
    real = Thing
    monkeypatch.delattr(sys.modules[__name__], "Thing")
    work_off(booster.task)
    assert "the pickled argument 'x' cannot be loaded here: AttributeError" in reasons(program)[0]
    monkeypatch.undo()
    assert redrive("q", environment=program.environment) == 1
    work_off(booster.task)
    assert seen == [(real(1), 0)]


def test_retries_and_waiting_keep_the_signature(make_program):
    program, seen = make_program(SECRET_KEY=KEY), []

    def function(x):
        seen.append(x.x)
        x.x += 1
        raise ValueError

    booster = program.booster(function, max_retry_times=2, retry_interval=5)
    booster.push(Thing(1))
    for _ in range(3):
        work_off(booster.task)
        program.clock.advance(6)
    assert seen == [1, 1, 1]


# -- fuzz --------------------------------------------------------------------------------------------------------------


def mutated(rng, bodies):
    """A message that is not one of `bodies`: bytes changed, cut, doubled, spliced, or parts of JSON exchanged."""
    body = bytearray(rng.choice(bodies))
    way = rng.randrange(6)
    if way == 0:
        for _ in range(rng.randint(1, 4)):
            body[rng.randrange(len(body))] = rng.randrange(256)
    elif way == 1:
        del body[rng.randrange(len(body)) :]
    elif way == 2:
        other = rng.choice(bodies)
        body[rng.randrange(len(body)) :] = other[rng.randrange(len(other)) :]
    else:
        data, other = json.loads(bytes(body)), json.loads(rng.choice(bodies))
        extra = data["extra"]
        if way == 3:
            extra["task_id"] = rng.choice([other["extra"]["task_id"] + "x", 7, None, [], "", "é" * 9])
        elif way == 4:
            data["x"] = rng.choice([str(pickle.dumps(Trap())), "[" * 9000, "b'" + "\\x80" * 9, "__import__('os')", {}])
        else:
            name = rng.choice(["can_not_json_serializable_keys", "pickle_sig", "codecs", "run_times", "task_id"])
            junk = [None, 0, -1, "x", [], {}, ["x"], ["y"], [["x"]], {"kid": 1, "mac": "0"}, {"kid": KEY, "mac": KEY}]
            extra[name] = rng.choice(junk)
            data["x"] = str(pickle.dumps(Trap()))
        body = bytearray(json.dumps(data).encode())
    return bytes(body)


def fuzz(program, number, seed):
    """Work off so many forged messages; the arguments with which the function was called."""
    rng, ran = random.Random(seed), []

    def function(x, y=0):
        ran.append(x)

    booster = program.booster(function, max_retry_times=0, is_push_to_dlx_queue_when_retry_max_times=True)
    for value in range(20):
        booster.push(Thing(value), y=value)
    bodies = program.server.bodies("q")
    program.server.queues["q"].clear()
    work_off(booster.task)  # imports what a consumer needs
    modules = set(sys.modules)
    for _ in range(0, number, 1000):
        forged = [mutated(rng, bodies) for _ in range(1000)]
        program.server.put("q", *forged)
        before = len(ran)
        work_off(booster.task)
        dead = len(program.server.queues["q_dlx"])
        assert len(ran) - before + dead == 1000, "each is accounted for"
        program.server.queues["q_dlx"].clear()
    assert executed == []
    assert all(name.startswith("encodings.") for name in set(sys.modules) - modules)
    return ran


def test_forged_messages_neither_execute_nor_import_and_are_all_accounted_for(make_program, caplog):
    caplog.set_level("CRITICAL", "funboost")
    ran = fuzz(make_program(SECRET_KEY=KEY), 5_000, seed=1)
    loaded = [x for x in ran if type(x) is Thing]  # what was changed outside of what is signed: y, publish_time …
    assert all(0 <= thing.x < 20 for thing in loaded)
    assert all(type(x) in (Thing, str, int, float, bool, type(None), list, dict) for x in ran)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_hundred_thousand_forged_messages(make_program, caplog):
    caplog.set_level("CRITICAL", "funboost")
    fuzz(make_program(SECRET_KEY=KEY), 100_000, seed=2)
