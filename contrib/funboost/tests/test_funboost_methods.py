"""The documented programs of methods (4.32) and of arguments of any type (4.36), as processes of their own."""

from __future__ import annotations

import copy
import os
import subprocess
import sys
import textwrap

import pytest
from funboost import BoosterParams, boost
from funboost.constant import FunctionKind
from funboost.utils.class_utils import ClsHelper

METHODS = """
import copy
import sys
import time
from funboost import BoosterParams, boost
from funboost.constant import FunctionKind
from funboost.utils.class_utils import ClsHelper

def say(*words):
    print(" ".join(map(str, words)) + "\\n", end="", flush=True)  # one write: threads print at the same time

class Myclass:
    m = 1

    def __init__(self, x):
        self.obj_init_params: dict = ClsHelper.get_obj_init_params_for_funboost(copy.copy(locals()))
        self.x = x

    @boost(BoosterParams(queue_name="instance_method_queue", is_using_rpc_mode=True, concurrent_mode=MODE))
    def instance_method(self, y):
        say("instance", self.x + y)
        return self.x + y

    @classmethod
    @BoosterParams(queue_name="class_method_queue", is_using_rpc_mode=True, concurrent_mode=MODE)
    def class_method(cls, y):
        say("class", cls.m + y)
        return cls.m + y

    @staticmethod
    @BoosterParams(queue_name="static_method_queue", is_using_rpc_mode=True, concurrent_mode=MODE)
    def static_method(y):
        say("static", y)
        return y

@BoosterParams(queue_name="common_fun_queue", is_using_rpc_mode=True, concurrent_mode=MODE)
def common_f(y):
    say("common", y)
    return y

if __name__ == "__main__":
    results = [Myclass.instance_method.push(Myclass(i), i * 2) for i in range(6, 10)]
    results += [Myclass.class_method.push(Myclass, i * 2) for i in range(6, 10)]
    results += [Myclass.static_method.push(i * 2) for i in range(4)]
    results += [common_f.push(i * 2) for i in range(4)]
    for function in (Myclass.instance_method, Myclass.class_method, Myclass.static_method, common_f):
        START
    say("results", [result.result for result in results])
    from funboost_core import default
    default().worker.stop()
"""
SAID = sorted(
    [f"instance {i + i * 2}" for i in range(6, 10)]
    + [f"class {1 + i * 2}" for i in range(6, 10)]
    + [f"{kind} {i * 2}" for i in range(4) for kind in ("static", "common")]
)
RESULTS = f"results {[18, 21, 24, 27, 13, 15, 17, 19, *[0, 2, 4, 6] * 2]}"

PICKLES = """
import sys
from pydantic import BaseModel
from funboost import boost, BoosterParams, fct

class MyClass:
    def __init__(self, x, y):
        self.x = x
        self.y = y

    def change(self, n):
        self.x += n
        self.y += n

class MyPydanticModel(BaseModel):
    str1: str
    num1: int

@boost(BoosterParams(queue_name="queue_pickle", concurrent_num=10, is_using_rpc_mode=True))
def func1(a: MyClass, b: str, c: MyPydanticModel):
    message = fct.full_msg
    assert message["c"] == {"str1": c.str1, "num1": c.num1} and message["a"].startswith("b'")
    assert message["extra"]["can_not_json_serializable_keys"] == ["a"]
    return f"{type(a).__name__} {a.x},{a.y} {b} {c!r}"

if __name__ == "__main__":
    obj1 = MyClass(1, 2)
    first = func1.push(obj1, "hello", MyPydanticModel(str1="hello", num1=1))
    obj1.change(10)
    second = func1.push(obj1, "hello", MyPydanticModel(str1="world", num1=100))
    START
    print("results", first.result, "|", second.result, flush=True)
    from funboost_core import default
    default().worker.stop()
"""


@pytest.fixture
def run(tmp_path):
    """Run a program; the lines that it printed, without those of logging."""

    def run(text, start):
        path = tmp_path / "program.py"
        path.write_text(textwrap.dedent(text).replace("START", start), encoding="utf-8")
        environ = {name: value for name, value in os.environ.items() if not name.startswith("FUNBOOST_")}
        environ.update(PYTHONPATH=os.pathsep.join(filter(None, sys.path)), FUNBOOST_DATA_DIR=str(tmp_path / "data"))
        command = [sys.executable, str(path)]
        done = subprocess.run(
            command, cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=50, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    return run


@pytest.mark.parametrize("mode", ["threading", "single_thread"])
def test_four_kinds_of_functions(run, mode):
    lines = run(METHODS.replace("MODE", repr(mode)), "function.consume()")
    assert sorted(lines[:-1]) == SAID
    assert lines[-1] == RESULTS


def test_four_kinds_of_functions_in_processes(run):
    lines = run(METHODS.replace("MODE", "'threading'"), "function.multi_process_consume(1)")
    assert sorted(line for line in lines if not line.startswith("results")) == SAID
    assert RESULTS in lines


@pytest.mark.parametrize("start", ["func1.consume()", "func1.multi_process_consume(1)"])
def test_arguments_of_any_type(run, start):
    assert run(PICKLES, start) == [
        "results MyClass 1,2 hello MyPydanticModel(str1='hello', num1=1) | "
        "MyClass 11,12 hello MyPydanticModel(str1='world', num1=100)"
    ]


class Report:
    def __init__(self, year, parts=()):
        self.obj_init_params = ClsHelper.get_obj_init_params_for_funboost(copy.copy(locals()))

    def instance(self, y):
        pass

    def of_class(cls, y):
        pass

    def static(y):
        pass


class Detailed(Report):
    def __init__(self, year):
        super().__init__(year)
        self.obj_init_params = ClsHelper.get_obj_init_params_for_funboost(copy.copy(locals()))


def test_init_params_are_a_deep_copy_without_the_object():
    parts = [1]
    report = Report(2030, parts)
    parts.append(2)
    assert report.obj_init_params == {"year": 2030, "parts": [1]}
    assert Detailed(2030).obj_init_params == {"year": 2030}


@pytest.mark.parametrize(
    ("function", "kind"),
    [
        (Report.instance, FunctionKind.INSTANCE_METHOD),
        (Report.of_class, FunctionKind.CLASS_METHOD),
        (Report.static, FunctionKind.STATIC_METHOD),
        (lambda y: y, FunctionKind.COMMON_FUNCTION),
    ],
)
def test_the_kind_is_found_out(function, kind, environment):
    booster = boost(BoosterParams(queue_name="q"), environment=environment)(function)
    assert booster.boost_params.consuming_function_kind == kind


class Unusual:
    def __init__(this):
        this.obj_init_params = {}

    @boost(BoosterParams(queue_name="unusual", consuming_function_kind=FunctionKind.INSTANCE_METHOD))
    def method(this, y):
        return y


def test_a_kind_that_is_given_is_believed(environment):
    assert Unusual.method.task.method.owner is Unusual
    with pytest.raises(ValueError, match="'this' must be an object Unusual, not int"):
        Unusual.method.push(1, 2)
