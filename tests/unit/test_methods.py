"""methods: what stands for `self` and `cls` in a message, and that a message decides nothing about code."""

from __future__ import annotations

import json
import sys

import pytest
from support.inline import work_off

from funboost_core import Booster, BoosterParams, ConfigError, SignatureError, boost
from funboost_core.environment import default, using
from funboost_core.methods import kind_of

seen = []


class Report:
    base = 1

    def __init__(self, x, extra=None):
        self.obj_init_params = {"x": x}
        self.x = x

    @boost(BoosterParams(queue_name="unit_instance"))
    def add(self, y):
        """Adds."""
        seen.append(("instance", self.x + y))
        return self.x + y

    @classmethod
    @boost(BoosterParams(queue_name="unit_class"))
    def add_to_base(cls, y):
        seen.append(("class", cls.base + y))
        return cls.base + y

    @staticmethod
    @boost(BoosterParams(queue_name="unit_static"))
    def double(y):
        seen.append(("static", 2 * y))
        return 2 * y

    class Inner:
        @classmethod
        @boost(BoosterParams(queue_name="unit_inner"))
        def name(cls):
            seen.append(("inner", cls.__qualname__))


class Special(Report):
    pass


@boost(BoosterParams(queue_name="unit_common"))
def common(self):
    pass


# They are declared when the test file is imported, before any fixture: each test lends them a program of its own.
BOOSTERS = {
    booster.queue_name: booster
    for booster in (Report.add, Report.add_to_base, Report.double, Report.Inner.name, common)
}


@pytest.fixture(autouse=True)
def lent(program):
    seen.clear()
    for queue_name, booster in BOOSTERS.items():
        getattr(booster, "__func__", booster).rebind(program.environment, BoosterParams(queue_name=queue_name))


def bodies(program, queue):
    return [json.loads(body) for body in program.server.bodies(queue)]


def work(queue):
    booster = BOOSTERS[queue]
    work_off(getattr(booster, "__func__", booster).task)


@pytest.mark.parametrize(
    ("function", "kind"),
    [
        (Report.add.consuming_function, "INSTANCE_METHOD"),
        (Report.add_to_base.consuming_function, "CLASS_METHOD"),
        (Report.double.consuming_function, "STATIC_METHOD"),
        (Report.Inner.name.consuming_function, "CLASS_METHOD"),
        (common.consuming_function, "COMMON_FUNCTION"),
        (lambda self: 1, "COMMON_FUNCTION"),
        (len, "COMMON_FUNCTION"),
    ],
)
def test_kinds(function, kind):
    assert kind_of(function) == kind


def test_they_can_be_called(program):
    assert Report(6).add(12) == 18
    assert Report.add(Report(6), 12) == 18
    assert Report.add_to_base(12) == Report(6).add_to_base(12) == 13
    assert Special(6).add(1) == 7
    assert Report.double(4) == Report(6).double(4) == 8
    assert isinstance(Report.add, Booster)
    assert Report(6).add.__doc__ == "Adds."


def test_the_form_of_messages(program):
    Report.add.push(Report(6), 12)
    Report.add_to_base.push(Report, 12)
    Report.double.push(12)
    (instance,), (cls,), (static,) = (bodies(program, f"unit_{kind}") for kind in ("instance", "class", "static"))
    for body in (instance, cls, static):
        del body["extra"]
    where = {"cls_name": "Report", "cls_file": __file__, "cls_module": __name__}
    assert instance == {"self": {"first_param_name": "self", **where, "obj_init_params": {"x": 6}}, "y": 12}
    assert cls == {"cls": {"first_param_name": "cls", **where}, "y": 12}
    assert static == {"y": 12}


def test_they_run(program):
    for number in (6, 7):
        Report.add.push(Report(number), number * 2)
        Report.add_to_base.push(Report, y=number)
        Report.double.push(number)
    Report.add.push_many([{"self": Report(1), "y": 1}])
    Report.add.publish({"self": Report(2), "y": 2})
    Report.Inner.name.push(Report.Inner)
    for queue in BOOSTERS:
        work(queue)
    assert seen == [
        *[("instance", value) for value in (18, 21, 2, 4)],
        *[("class", value) for value in (7, 8)],
        *[("static", value) for value in (12, 14)],
        ("inner", "Report.Inner"),
    ]


def test_where_objects_are_passed_the_object_is_made_anew_too(program):
    Report.add.rebind(program.environment, BoosterParams(queue_name="unit_instance", broker_kind="OBJECTS"))
    report = Report(1)
    Report.add.push(report, 2)
    report.obj_init_params["x"] = 100
    work("unit_instance")
    assert seen == [("instance", 3)]


def test_a_message_may_be_published_in_its_own_form(program):
    Report.add.push(Report(6), 12)
    (body,) = bodies(program, "unit_instance")
    Report.add.publish(body)
    work("unit_instance")
    assert seen == [("instance", 18)] * 2


def test_an_object_that_does_not_say_how_it_was_made_is_refused():
    bare = Report(6)
    for value in (None, 7):
        bare.obj_init_params = value
        with pytest.raises(ValueError, match=r"no dict `obj_init_params`; set it in __init__"):
            Report.add.push(bare, 12)
    del bare.obj_init_params
    with pytest.raises(ValueError, match="obj_init_params"):
        Report.add.push(bare, 12)


@pytest.mark.parametrize(
    ("push", "problem"),
    [
        (lambda: Report.add.push(12), "missing: y"),
        (lambda: Report.add.push(Report, 12), "'self' must be an object Report, not Report"),
        (lambda: Report.add.push(3, 12), "'self' must be an object Report, not int"),
        (
            lambda: Report.add.push(Special(3), 12),
            "not Special: a consumer knows only the class that defines the method",
        ),
        (lambda: Report.add_to_base.push(Report(3), 12), "'cls' must be the class Report"),
        (lambda: Report.add_to_base.push(Special, 12), "not Special: a consumer knows only"),
        (lambda: Report(6).add.push(12), "missing: y"),
    ],
)
def test_what_is_not_of_the_class_is_refused(program, push, problem):
    with pytest.raises(SignatureError, match=problem):
        push()
    assert not program.server.queues["unit_instance"]


FORGED = [
    ("unit_instance", {"self": {"cls_name": "Popen", "cls_module": "subprocess", "obj_init_params": {"args": "x"}}}),
    ("unit_instance", {"self": {"cls_name": "Special", "obj_init_params": {"x": 1}}}),
    ("unit_instance", {"self": {"cls_name": "Report"}}),
    ("unit_instance", {"self": {"cls_name": "Report", "obj_init_params": [1]}}),
    ("unit_instance", {"self": {"cls_name": ["Report"], "obj_init_params": {"x": 1}}}),
    ("unit_instance", {"self": 7}),
    ("unit_instance", {"self": None}),
    ("unit_class", {"cls": {"cls_name": "Other", "cls_module": "nobody_imports_this"}}),
    ("unit_class", {"cls": "Report"}),
]


@pytest.mark.parametrize(("queue", "arguments"), FORGED)
def test_a_message_for_another_class_is_a_dead_letter(program, queue, arguments):
    modules = set(sys.modules)
    program.server.put(queue, json.dumps({**arguments, "y": 1, "extra": {"task_id": "t"}}).encode())
    work(queue)
    assert seen == []
    (letter,) = bodies(program, f"{queue}_dlx")
    assert "is to be a Report" in letter["extra"]["dead_letter"]["reason"] or "obj_init_params" in str(letter)
    assert letter["extra"]["dead_letter"]["reason"]
    assert letter[next(iter(arguments))] == next(iter(arguments.values()))
    assert "nobody_imports_this" not in set(sys.modules) - modules


def test_a_module_of_another_name_is_no_obstacle(program):
    """A script that publishes calls its module __main__; another host has its files elsewhere."""
    form = {"cls_name": "Report", "cls_module": "__main__", "cls_file": "D:/elsewhere.py", "obj_init_params": {"x": 1}}
    program.server.put("unit_instance", json.dumps({"self": form, "y": 1}).encode())
    work("unit_instance")
    assert seen == [("instance", 2)]


def test_a_constructor_that_fails_is_a_run_that_failed(program):
    form = {"cls_name": "Report", "obj_init_params": {"unknown": 1}}
    program.server.put("unit_instance", json.dumps({"self": form, "y": 1}).encode())
    Report.add.rebind(
        program.environment,
        BoosterParams(queue_name="unit_instance", max_retry_times=1, is_push_to_dlx_queue_when_retry_max_times=True),
    )
    work("unit_instance")
    (letter,) = bodies(program, "unit_instance_dlx")
    assert letter["extra"]["dead_letter"]["reason"] == "failed 2 times"
    assert "unknown" in letter["extra"]["dead_letter"]["error"]


@pytest.mark.parametrize("wrapper", [classmethod, staticmethod])
def test_the_wrong_order_of_decorators_is_told(program, wrapper):
    def method(x):
        pass

    with pytest.raises(ConfigError, match=f"put @{wrapper.__name__} above @boost"):
        boost(BoosterParams(queue_name="q"), environment=program.environment)(wrapper(method))


def test_classes_inside_functions(program):
    class Local:
        def __init__(self):
            self.obj_init_params = {}

        @boost(BoosterParams(queue_name="q"), environment=program.environment)
        def method(self, y):
            seen.append(y)

        @classmethod
        @boost(BoosterParams(queue_name="q2"), environment=program.environment)
        def of_class(cls):
            pass

    Local.method.push(Local(), 5)
    work_off(Local.method.task)
    assert seen == [5]
    with pytest.raises(ConfigError, match=r"cannot be found by that name"):
        Local.of_class.push(Local)


def test_a_plain_function_may_call_its_first_parameter_self(program):
    with using(program.environment):
        common.push(4)
        assert default() is program.environment
    (body,) = bodies(program, "unit_common")
    assert body["self"] == 4
