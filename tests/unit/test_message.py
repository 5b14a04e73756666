"""message: ids, exact JSON, and that no bytes whatsoever do anything but become a dict or a BadMessage."""

from __future__ import annotations

import datetime
import decimal
import enum
import json
import math
import os
import random
import re

import pytest

from funboost_core.errors import BadMessage, NotSerializable
from funboost_core.message import RESERVED, Message, decode, encode, new_task_id, repack, respell, unpack
from funboost_core.native import Thread
from funboost_core.ports.broker import Delivery

LIMIT = 10**6


# -- ids -------------------------------------------------------------------------------------------------------


def test_ids_are_unique_and_shaped_like_a_uuid4_behind_the_queues_name():
    ids = {new_task_id("q") for _ in range(100_000)}
    assert len(ids) == 100_000
    shape = re.compile(r"q_result:[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
    assert all(shape.fullmatch(one) for one in random.sample(sorted(ids), 100))


def test_ids_are_unique_between_threads():
    made = []

    def make():
        made.append([new_task_id("q") for _ in range(5000)])

    threads = [Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({one for ids in made for one in ids}) == 8 * 5000


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_ids_are_unique_after_a_fork(run_python):
    out = run_python(
        """
import os, sys
from funboost_core.message import new_task_id
for _ in range(3):
    sys.stdout.flush()
    if os.fork() == 0:
        print(*(new_task_id("q") for _ in range(100)), sep="\\n", flush=True)
        os._exit(0)
    os.wait()
    print(*(new_task_id("q") for _ in range(100)), sep="\\n", flush=True)
"""
    )
    assert len(out.split()) == 600 == len(set(out.split()))


# -- encode ------------------------------------------------------------------------------------------------------


class Colour(enum.Enum):
    RED = 1


@pytest.mark.parametrize(
    "value",
    [
        {1, 2},
        b"bytes",
        decimal.Decimal("1.5"),
        datetime.datetime(2020, 1, 1),
        datetime.date(2020, 1, 1),
        Colour.RED,
        object(),
        1j,
        {(1, 2): 3},
    ],
    ids=lambda value: type(value).__name__,
)
@pytest.mark.parametrize("wrap", [lambda v: v, lambda v: [v], lambda v: {"a": [{"b": v}]}])
def test_what_json_cannot_carry_is_refused_with_its_name(value, wrap):
    with pytest.raises(NotSerializable, match=r"Argument 'bad' of queue 'q'") as caught:
        encode({"good": 1, "bad": wrap(value), "extra": {}}, "q")
    assert isinstance(caught.value, TypeError)


def test_the_type_of_what_is_refused_is_named():
    with pytest.raises(NotSerializable, match="is a set"):
        encode({"x": {1}}, "q")


def test_a_loop_and_a_bottomless_nesting_are_refused_with_their_name():
    loop = []
    loop.append(loop)
    deep = current = []
    for _ in range(100_000):
        current.append([])
        current = current[0]
    for value in (loop, deep):
        with pytest.raises(NotSerializable, match="'x'"):
            encode({"x": value}, "q")
    while deep:  # piece by piece: freeing 100,000 levels at once is deep, too
        deep = deep[0]


@pytest.mark.parametrize(
    "value",
    [
        None, True, False, 0, -1, 2**70, -(2**70), 0.1, 1e308, 5e-324, "", "é", "日本語", "😀", "\x00", "\ud800", "a\ud800é",
        [], {}, [[], [{}]], {"a": {"b": [1, None, "x"]}}, "\u2028", '"\\/\b\f\n\r\t', "1" * 5000,
    ],
    ids=ascii,
)  # fmt: skip
def test_values_come_back_exactly(value):
    back = decode(encode({"v": value}), LIMIT)["v"]
    assert back == value
    assert type(back) is type(value)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_nan_and_infinities_come_back(value):
    back = decode(encode({"v": [value]}), LIMIT)["v"][0]
    assert repr(back) == repr(value)


def test_tuples_travel_as_lists():
    assert decode(encode({"v": (1, (2, "x"))}), LIMIT) == {"v": [1, [2, "x"]]}


def test_text_travels_as_utf_8_and_lone_surrogates_escaped():
    assert encode({"v": "é日😀"}) == '{"v":"é日😀"}'.encode()
    assert json.loads(encode({"v": "\ud800é"})) == {"v": "\ud800é"}


def test_both_encoders_write_the_same_text():
    body = {"x": [1, 2.5, None, True, "é"], "y": {"a": []}, "extra": {"task_id": "q:1"}}
    assert encode({**body, "x": tuple(body["x"])}) == encode(body)


def test_subclasses_of_plain_types_are_not_mangled():
    class Text(str):
        __slots__ = ()

    assert decode(encode({"v": Text("x"), "w": [enum.IntEnum("E", "A").A]}), LIMIT) == {"v": "x", "w": [1]}


# -- decode ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        b"", b" ", b"not json", b"{", b'{"a":1,}', b"{'a':1}", b'{"a":1}}', b"\x00", b'{"a":\x00}', b'{"a":"\x00"}',
        b"\xff\xfe", b'{"a":"\xff"}', b"\x80\x04\x95", b'{"a":1}\x00', "nöt json",
    ],
    ids=repr,
)  # fmt: skip
def test_what_is_not_json_is_a_bad_message(body):
    with pytest.raises(BadMessage, match="the message is not JSON"):
        decode(body, LIMIT)


@pytest.mark.parametrize(("body", "kind"), [(b"[]", "list"), (b"1", "int"), (b'"x"', "str"), (b"null", "NoneType")])
def test_what_is_no_object_is_a_bad_message(body, kind):
    with pytest.raises(BadMessage, match=f"the message is a JSON {kind}, not an object"):
        decode(body, LIMIT)


def test_the_limit_counts_bytes():
    body = b'{"v":"' + b"x" * 92 + b'"}'
    assert len(body) == 100
    assert decode(body, 100)
    with pytest.raises(BadMessage, match="the message has 100 bytes, max_message_bytes is 99"):
        decode(body, 99)
    text = '{"v":"日"}'
    assert decode(text, 11) == decode(text.encode(), 11)
    for form in (text, text.encode()):
        with pytest.raises(BadMessage, match="11 bytes"):
            decode(form, 10)


@pytest.mark.parametrize("depth", [150, 500, 5_000, 500_000])
@pytest.mark.parametrize("unit", [b"[", b'{"a":'])
def test_deep_nesting_gives_a_dict_or_a_bad_message(depth, unit):
    close = b"]" if unit == b"[" else b"}"
    body = b'{"v":' + unit * depth + (b"" if unit == b"[" else b"1") + close * depth + b"}"
    try:
        assert set(decode(body, 10**7)) == {"v"}
    except BadMessage as error:
        assert depth > 500, error


def test_a_byte_order_mark_does_no_harm():
    assert decode(b'\xef\xbb\xbf{"x":1}', LIMIT) == {"x": 1}


def test_text_and_other_forms_of_bytes_are_read_alike():
    for body in ('{"x":"é"}', '{"x":"é"}'.encode(), bytearray('{"x":"é"}'.encode())):
        assert decode(body, LIMIT) == {"x": "é"}


def test_a_dict_is_copied():
    body = {"x": 1}
    data = decode(body, 0)
    data["x"] = 2
    assert body == {"x": 1}


def test_the_last_of_two_equal_keys_wins_as_everywhere():
    assert decode(b'{"x":1,"x":2}', LIMIT) == {"x": 2}


def test_any_bytes_give_a_dict_or_a_bad_message():
    chance = random.Random(7)
    seeds = [
        b'{"x":1,"y":[1,2.5e3,null,true],"extra":{"task_id":"q:1","publish_time":1.5}}',
        '{"é":"日本語","\\ud83d\\ude00":"\\ud800"}'.encode(),
        b'{"a":{"b":{"c":[[[{}]]]}}}',
        b'[1,2,{"x":NaN}]',
        b"-Infinity",
    ]
    good = bad = 0
    for round_ in range(6000):
        if round_ % 3 == 0:
            body = bytes(chance.getrandbits(8) for _ in range(chance.randrange(40)))
        else:
            raw = bytearray(chance.choice(seeds))
            for _ in range(chance.choice((1, 1, 2, 5))):
                place = chance.randrange(len(raw))
                action = chance.randrange(3)
                if action == 0:
                    raw[place] = chance.getrandbits(8)
                elif action == 1:
                    del raw[place]
                else:
                    raw[place:place] = chance.choice((b'"', b"{", b"}", b"[", b",", b"\x00", b"9", b"\\u", b"e"))
            body = bytes(raw)
        delivery = Delivery(body)
        try:
            data = decode(body, LIMIT)
            assert type(data) is dict
            unpack(delivery, data, "q", 1.0)
        except BadMessage:
            bad += 1
            continue
        good += 1
        assert "task_id" in delivery.extra
        assert decode(encode(repack(delivery)), LIMIT) is not None
    assert good > 200
    assert bad > 2000


# -- unpack and repack ---------------------------------------------------------------------------------------------


def unpacked(body, **kwargs):
    delivery = Delivery(body)
    unpack(delivery, decode(body, LIMIT), "q", kwargs.get("now", 5.0))
    return delivery


def test_a_message_of_ours_is_taken_apart():
    delivery = unpacked(b'{"x":1,"extra":{"task_id":"q:1","publish_time":2.5,"publish_time_format":"t"}}')
    assert delivery.arguments == {"x": 1}
    assert delivery.extra == {"task_id": "q:1", "publish_time": 2.5, "publish_time_format": "t"}
    assert delivery.task_id == "q:1"


@pytest.mark.parametrize("body", [b'{"x":1}', b'{"x":1,"extra":null}'])
def test_a_foreign_message_is_completed(body):
    one, two = unpacked(body), unpacked(body)
    assert one.arguments == {"x": 1}
    assert one.extra["is_auto_fill_extra"] is True
    assert one.extra["publish_time"] == 5.0
    assert one.task_id.startswith("q_result:")
    assert one.task_id != two.task_id


@pytest.mark.parametrize("task_id", [0, "", False, 7, "abc", [1]])
def test_a_task_id_of_the_senders_own_is_kept(task_id):
    assert unpacked(json.dumps({"extra": {"task_id": task_id}}).encode()).task_id == task_id


def test_a_null_task_id_is_none():
    assert unpacked(b'{"extra":{"task_id":null}}').task_id.startswith("q_result:")


@pytest.mark.parametrize("moment", ['"yesterday"', "null", "true", "[1]", '"1.5"'])
def test_a_publish_time_that_is_no_number_is_now(moment):
    extra = b'{"extra":{"task_id":"a","publish_time":%s}}' % moment.encode()
    assert unpacked(extra, now=9.0).extra["publish_time"] == 9.0


@pytest.mark.parametrize(("extra", "kind"), [("5", "int"), ("[]", "list"), ('"x"', "str"), ("false", "bool")])
def test_an_extra_of_the_wrong_kind_is_a_bad_message(extra, kind):
    delivery = Delivery(b"")
    with pytest.raises(BadMessage, match=f"extra is a {kind}, not an object"):
        unpack(delivery, decode(b'{"x":1,"extra":%s}' % extra.encode(), LIMIT), "q", 0)
    assert not hasattr(delivery, "arguments")


def test_reserved_names_are_no_arguments():
    delivery = unpacked(b'{"x":1,"publish_time":1,"publish_time_format":"t","extra":{}}')
    assert delivery.arguments == {"x": 1}
    assert set(RESERVED) == {"extra", "publish_time", "publish_time_format"}


def test_objects_are_not_changed_for_the_publisher():
    extra = {"task_id": "a"}
    body = {"x": 1, "extra": extra}
    delivery = Delivery(body)
    unpack(delivery, decode(body, 0), "q", 1.0)
    delivery.extra["mine"] = delivery.arguments["mine"] = 1
    assert body == {"x": 1, "extra": {"task_id": "a"}}


def test_repack_gives_the_message_with_changes():
    delivery = unpacked(b'{"x":1,"extra":{"task_id":"a","publish_time":1,"old":2}}')
    assert repack(delivery, run_times=3, old=None) == {
        "x": 1,
        "extra": {"task_id": "a", "publish_time": 1, "run_times": 3},
    }
    assert repack(delivery, run_times=0)["extra"]["run_times"] == 0
    assert delivery.extra["old"] == 2


def test_respelling_keeps_our_own_spelling():
    extra = {"priroty": 1, "a": 2, "b": 3}
    respell(extra, {"priroty": "priority", "a": "b", "absent": "c"})
    assert extra == {"priority": 1, "b": 3}


def test_hooks_see_the_id():
    assert Message({}, {"task_id": 7}).task_id == 7
