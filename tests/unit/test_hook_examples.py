"""The example in every hook's docstring is a plugin that runs: registered, called, and with the effect it shows."""

from __future__ import annotations

import functools
import inspect
import json
import textwrap
from types import ModuleType

import pytest
from support.program import Program

from funboost_core.errors import PublishError
from funboost_core.hookspecs import ROOMS, Declarations
from funboost_core.manager import DECLARATIONS

HOOKS = {name: spec for room in ROOMS for name, spec in vars(room).items() if name.startswith("funboost_")}
LIFECYCLE = sorted(set(HOOKS) - set(vars(Declarations)))
PATIENCE = 30


def example(hook):
    """The code of the example, as a module with every hook function spied on."""
    text = inspect.getdoc(HOOKS[hook]) or ""
    assert "Example::" in text, f"the docstring of {hook} has no example"
    module = ModuleType(f"example_of_{hook}")
    exec(textwrap.dedent(text.split("Example::", 1)[1]), vars(module))
    assert hasattr(module, hook), f"the example of {hook} does not implement it"
    original, calls = getattr(module, hook), []

    @functools.wraps(original)
    def spy(*args, **kwargs):
        calls.append((args, kwargs))
        return original(*args, **kwargs)

    setattr(module, hook, spy)
    return module, calls


class Story:
    """Messages through a broker in memory: published, refused, foreign, skipped, run, failed; then the broker fails."""

    def __init__(self, module):
        self.program = Program()
        self.program.environment.manager.register(module)
        self.ran, self.ids = [], []
        booster = self.program.booster(
            self.task, concurrent_num=1, max_retry_times=0, is_push_to_dlx_queue_when_retry_max_times=True
        )
        self.ids = [booster.push(x).task_id for x in (1, 13, 99)]
        self.sent = self.program.server.bodies("q")
        self.program.server.failing["publish"] = [ConnectionError("full")]
        with pytest.raises(PublishError, match="full"):
            booster.push(2)
        self.program.server.put("q", b"x=5")
        booster.consume()
        self.worker = self.program.environment.worker
        server = self.program.server
        self.until(lambda: not server.queues["q"] and not any(broker.unacked for broker in server.brokers))
        self.error = ConnectionError("away")
        self.program.server.failing["fetch"] = [self.error]
        for _ in range(2):  # the beat, and the one who waits for messages
            self.program.clock.until_waiting(2)
            self.program.clock.advance(1)
        self.until(lambda: not self.program.server.failing["fetch"])
        self.worker.stop()  # before `close`, which lets the time pass: all that is under way comes to its end
        self.program.close()

    def task(self, x):
        self.ran.append(x)
        if x == 99:
            raise FileNotFoundError("no such file")

    def until(self, condition):
        with self.program.server.changed:
            assert self.program.server.changed.wait_for(condition, PATIENCE)

    @property
    def letters(self):
        return [json.loads(body) for body in self.program.server.bodies("q_dlx")]


EFFECTS = {
    "funboost_before_publish": lambda module, story: all(
        json.loads(body)["extra"]["tenant"] == "blue" for body in story.sent
    ),
    "funboost_after_publish": lambda module, story: module.published == [("q", task_id) for task_id in story.ids],
    "funboost_publish_failed": lambda module, story: (
        len(module.lost) == 1 and "full" in str(module.lost[0][1]) and module.lost[0][0] not in story.ids
    ),
    "funboost_convert_message": lambda module, story: 5 in story.ran and len(story.letters) == 1,
    "funboost_admit": lambda module, story: story.ran == [1, 99],
    "funboost_codec": lambda module, story: (
        [json.loads(body)["x"] for body in story.sent] == [1001, 1013, 1099] and story.ran == [1, 13, 99]
    ),
    "funboost_before_execute": lambda module, story: module.started == story.ids,
    "funboost_around_execute": lambda module, story: len(module.spent) == len(story.ran) == 3,
    "funboost_after_execute": lambda module, story: (
        [task_id for task_id, _ in module.failures] == [story.ids[2]]
        and isinstance(module.failures[0][1], FileNotFoundError)
    ),
    "funboost_judge": lambda module, story: [letter["extra"].get("task_id") for letter in story.letters] == [None],
    "funboost_before_ack": lambda module, story: (
        [type(verdict).__name__ for verdict in module.verdicts] == ["Ack", "Ack", "DeadLetter"]
    ),
    "funboost_after_ack": lambda module, story: module.done == story.ids,
    "funboost_logging": lambda module, story: sum("no such file" in line for line in module.lines) == 1,
    "funboost_worker_started": lambda module, story: module.up == [story.worker],
    "funboost_worker_stopping": lambda module, story: module.down == [story.worker],
    "funboost_worker_error": lambda module, story: module.troubles == [story.error],
}


@pytest.mark.parametrize("hook", sorted(vars(Declarations).keys() & HOOKS.keys()))
def test_declarations_are_indexed(hook, program):
    module, calls = example(hook)
    room, record = DECLARATIONS[hook]
    before = set(program.environment.manager.specs(room))
    program.environment.manager.register(module)
    assert len(calls) == 1
    (kind,) = set(program.environment.manager.specs(room)) - before
    spec = program.environment.manager.find(room, kind.upper())
    assert isinstance(spec, record)
    assert spec.kind == kind
    assert spec.summary
    assert ":" in spec.factory


@pytest.mark.parametrize("hook", LIFECYCLE)
def test_lifecycle_hooks_are_called_and_do_what_they_show(hook):
    module, calls = example(hook)
    story = Story(module)
    assert calls, f"nobody called {hook}"
    assert EFFECTS[hook](module, story), f"the example of {hook} has another effect"


def test_every_declaration_hook_is_known_to_the_manager():
    assert {name for name in vars(Declarations) if name.startswith("funboost_")} == set(DECLARATIONS)


def test_no_hook_is_in_two_rooms():
    names = [name for room in ROOMS for name in vars(room) if name.startswith("funboost_")]
    assert len(names) == len(set(names))
