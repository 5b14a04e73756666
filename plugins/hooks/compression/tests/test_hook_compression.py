"""Large arguments are smaller on their way and the same in the function."""

from __future__ import annotations

import base64
import json
import zlib
from importlib.util import find_spec

import pytest
from funboost_hook_compression.codec import Compression
from funboost_testing.eager import Eager

from funboost_core import BadMessage, BoosterParams, ConfigError, Environment, boost
from funboost_core.params import BoosterParams as Params
from funboost_core.task import Task

LARGE = {"text": "é" * 5000, "number": 2**70}
zstd = pytest.mark.skipif(find_spec("zstandard") is None, reason="zstandard is not installed")
ALGORITHMS = ["zlib", pytest.param("zstd", marks=zstd)]


def task_of(**settings):
    return Task(Params(queue_name="q", max_message_bytes=100_000), None, Environment(settings))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_there_and_back(algorithm, tmp_path):
    seen = []
    environment = Environment({"HOOKS": "compression", "COMPRESSION": algorithm, "DATA_DIR": str(tmp_path)})

    def function(large, small, number=0):
        seen.append((large, small, number))

    with Eager(environment) as eager:
        task = boost(BoosterParams(queue_name="q"), environment=eager.environment)(function)
        task.push(LARGE, "small", number=10**2000)
        task.push("x", "small")
        first, second = eager.waiting(task)
        eager.run()
    assert first["small"] == "small"
    assert len(first["large"]) < 200
    assert first["extra"]["compressed"] == {"algorithm": algorithm, "fields": ["large"]}
    assert first["extra"]["codecs"] == ["compression"]
    assert "codecs" not in second["extra"]
    assert seen == [(LARGE, "small", 10**2000), ("x", "small", 0)]


def test_what_gains_nothing_is_left_alone():
    import os

    task = task_of(COMPRESSION_THRESHOLD="10")
    codec, extra = Compression(task), {}
    assert codec.encode(task, {"x": os.urandom(500).hex()[:11], "y": 10**20}, extra) is None
    assert extra == {}
    assert codec.encode(task, {"x": "a" * 100}, extra)["x"] != "a" * 100


def packed(data, algorithm="zlib", fields=("x",)):
    text = base64.b64encode(data).decode() if isinstance(data, bytes) else data
    return {"x": text, "y": 1}, {"compressed": {"algorithm": algorithm, "fields": list(fields)}}


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (packed(zlib.compress(b'{"":"' + b"x" * 10**6 + b'"}')), "more than max_message_bytes"),
        (packed(zlib.compress(json.dumps({"": 1}).encode()), "lzma"), "compressed by 'lzma'"),
        (packed(b"nonsense"), "cannot be decompressed"),
        (packed(zlib.compress(b"[]")), "array|list"),
        (packed("é"), "cannot be decompressed"),
        (packed(7), "cannot be decompressed"),
        (packed(b"", fields=("z",)), "cannot be decompressed"),
        (({"x": 1}, {}), "cannot be decompressed"),
        (({"x": 1}, {"compressed": 7}), "cannot be decompressed"),
    ],
)
def test_what_is_not_compressed_as_it_says_is_refused(message, reason):
    task = task_of()
    with pytest.raises(BadMessage, match=reason):
        Compression(task).decode(task, *message)


def test_all_fields_together_are_limited():
    task = task_of()
    data = base64.b64encode(zlib.compress(b'{"":"' + b"x" * 60_000 + b'"}')).decode()
    extra = {"compressed": {"algorithm": "zlib", "fields": ["x", "y"]}}
    with pytest.raises(BadMessage, match="max_message_bytes"):
        Compression(task).decode(task, {"x": data, "y": data}, extra)


@zstd
def test_a_large_frame_of_zstandard_is_not_unpacked():
    import zstandard

    task = task_of()
    arguments, extra = packed(zstandard.ZstdCompressor().compress(b"x" * 10**8), "zstd")
    with pytest.raises(BadMessage, match="more than max_message_bytes"):
        Compression(task).decode(task, arguments, extra)


def test_an_unknown_algorithm_is_refused():
    with pytest.raises(ConfigError, match="COMPRESSION is 'rar'; it can be zlib or zstd"):
        Compression(task_of(COMPRESSION="rar"))
