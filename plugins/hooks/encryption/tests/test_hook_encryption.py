"""Nobody but the function sees the arguments, and none fits into another message."""

from __future__ import annotations

import copy
import json
import random

import pytest
from funboost_hook_encryption.codec import Encryption
from funboost_testing.eager import Eager

from funboost_core import BadMessage, BoosterParams, BrokerSpec, Capability, ConfigError, Environment, boost, hookimpl
from funboost_core.task import Task

KEY, OTHER = "k" * 40, "o" * 40
ARGUMENTS = {"x": {"card": "4111"}, "y": "é", "z": None}


class Brokers:
    @hookimpl
    def funboost_brokers(self):
        here = Capability.PUBLISH
        return [
            BrokerSpec("HERE", "nobody:opens", here, summary="of this host"),
            BrokerSpec("FAR", "nobody:opens", here | Capability.CROSS_HOST, summary="of all hosts"),
        ]


def task_of(tmp_path, kind="HERE", queue="q", **settings):
    environment = Environment({"DATA_DIR": str(tmp_path), **settings})
    environment.manager.register(Brokers())
    return Task(BoosterParams(queue_name=queue, broker_kind=kind), None, environment)


def encrypted(task, task_id="t1", arguments=ARGUMENTS):
    extra = {"task_id": task_id}
    return Encryption(task).encode(task, arguments, extra), extra


def test_there_and_back(tmp_path):
    seen = []
    environment = Environment({"HOOKS": "encryption", "SECRET_KEY": KEY, "DATA_DIR": str(tmp_path)})

    def function(x, y=0):
        seen.append((x, y))
        raise ValueError

    with Eager(environment) as eager:
        params = BoosterParams(queue_name="q", max_retry_times=1, is_push_to_dlx_queue_when_retry_max_times=True)
        task = boost(params, environment=eager.environment)(function)
        task.push({"card": "4111 1111"}, y="a secret")  # a space is neither in base64 nor in ids and salts
        (body,) = eager.waiting(task)
        eager.run()
        (letter,) = eager.dead_letters(task)
        told = str([body, letter, eager.published(task), [run.arguments for run in eager.runs(task)]])
        assert "4111 1111" not in told and "a secret" not in told
        assert body["extra"]["encrypted"].keys() == {"kid", "salt"}
        assert seen == [({"card": "4111 1111"}, "a secret")] * 2
        task.send_msg(json.dumps({"x": 1, "y": 2}))
        eager.run()
        assert len(seen) == 2
        plain = eager.dead_letters(task)[-1]
        assert "published without 'encryption'" in plain["extra"]["dead_letter"]["reason"]


def test_equal_arguments_look_different(tmp_path):
    task = task_of(tmp_path, SECRET_KEY=KEY)
    first, second = encrypted(task)[0], encrypted(task)[0]
    assert len({*first.values(), *second.values()}) == 6


def test_plain_messages_can_be_accepted_for_a_time(tmp_path):
    assert Encryption(task_of(tmp_path)).required
    assert not Encryption(task_of(tmp_path, ENCRYPTION_ACCEPTS_PLAIN="1")).required


def test_keys_are_changed_while_messages_are_on_their_way(tmp_path):
    old = task_of(tmp_path, SECRET_KEY=KEY)
    both = task_of(tmp_path, SECRET_KEY=f"{OTHER},{KEY}")
    late = task_of(tmp_path, SECRET_KEY=OTHER)
    message = encrypted(old)
    assert Encryption(both).decode(both, *message) == ARGUMENTS
    assert Encryption(late).decode(late, *encrypted(both)) == ARGUMENTS
    with pytest.raises(BadMessage, match="a key that is not known here"):
        Encryption(late).decode(late, *message)


def test_without_a_key_only_programs_of_this_host_understand_each_other(tmp_path):
    here, there = task_of(tmp_path), task_of(tmp_path)
    assert Encryption(there).decode(there, *encrypted(here)) == ARGUMENTS
    with pytest.raises(ConfigError, match="set FUNBOOST_SECRET_KEY"):
        encrypted(task_of(tmp_path, kind="FAR"))


CHANGES = {
    "another id": lambda arguments, extra, other: extra.update(task_id="t2"),
    "another's field": lambda arguments, extra, other: arguments.update(x=other[0]["x"]),
    "another's fields": lambda arguments, extra, other: (
        arguments.update(other[0]) or extra.update(encrypted=other[1]["encrypted"])
    ),
    "fields exchanged": lambda arguments, extra, other: arguments.update(x=arguments["y"], y=arguments["x"]),
    "one less": lambda arguments, extra, other: arguments.pop("z"),
    "one more": lambda arguments, extra, other: arguments.update(zz=arguments["z"]),
    "not text": lambda arguments, extra, other: arguments.update(x=7),
    "no base64": lambda arguments, extra, other: arguments.update(x="é"),
    "too short": lambda arguments, extra, other: arguments.update(x="AAAA"),
    "salt": lambda arguments, extra, other: extra["encrypted"].update(salt="00" * 16),
    "no salt": lambda arguments, extra, other: extra["encrypted"].pop("salt"),
    "strange salt": lambda arguments, extra, other: extra["encrypted"].update(salt="é"),
    "kid": lambda arguments, extra, other: extra["encrypted"].update(kid=["x"]),
    "nothing said": lambda arguments, extra, other: extra.pop("encrypted"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_was_changed_is_refused(tmp_path, change):
    task = task_of(tmp_path, SECRET_KEY=KEY)
    (arguments, extra), other = encrypted(task), encrypted(task, "t3")
    CHANGES[change](arguments, extra, other)
    with pytest.raises(BadMessage):
        Encryption(task).decode(task, arguments, extra)


def test_a_message_does_not_fit_into_another_queue_but_into_its_dead_letters(tmp_path):
    message = encrypted(task_of(tmp_path, SECRET_KEY=KEY))
    letters, other = (task_of(tmp_path, queue=queue, SECRET_KEY=KEY) for queue in ("q_dlx", "other"))
    assert Encryption(letters).decode(letters, *message) == ARGUMENTS
    with pytest.raises(BadMessage, match="not encrypted for this message"):
        Encryption(other).decode(other, *message)


def test_no_bit_can_be_changed(tmp_path):
    task, rng = task_of(tmp_path, SECRET_KEY=KEY), random.Random(1)
    codec, message = Encryption(task), encrypted(task)
    for _ in range(300):
        arguments, extra = copy.deepcopy(message)
        name = rng.choice("xyz")
        text = bytearray(arguments[name].encode())
        text[rng.randrange(len(text) - 4)] ^= 1 << rng.randrange(7)
        arguments[name] = text.decode()
        with pytest.raises(BadMessage):
            codec.decode(task, arguments, extra)


def test_controls_that_compare_arguments_are_refused(tmp_path):
    environment = Environment({"HOOKS": "encryption", "SECRET_KEY": KEY, "DATA_DIR": str(tmp_path)})
    with Eager(environment) as eager:
        task = boost(BoosterParams(queue_name="q", unique="while_running"), environment=eager.environment)(lambda x: x)
        with pytest.raises(ConfigError, match="'encryption' hides them"):
            task.push(1)
