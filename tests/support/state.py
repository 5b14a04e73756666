"""All parts of the state that the core uses so far, as plain dicts."""

from __future__ import annotations

from funboost_core import StateSpec, hookimpl
from funboost_core.native import Condition


class Replies:
    """Results by task id."""

    def __init__(self, clock):
        self._clock = clock
        self.kept = {}
        self.changed = Condition()
        self.asked = []  # (task id, timeout)

    def put(self, task_id, payload, ttl):
        with self.changed:
            self.kept[task_id] = payload
            self.changed.notify_all()

    def get(self, task_id, timeout):
        self.asked.append((task_id, timeout))
        with self.changed:
            if task_id not in self.kept and timeout:
                self._clock.wait(self.changed, timeout)
            return self.kept.get(task_id)


class Parking:
    """Messages by target and id."""

    def __init__(self, clock):
        self._clock = clock
        self.kept = {}
        self.failing = []

    def park(self, messages):
        if self.failing:
            raise self.failing.pop(0)
        for message in messages:
            self.kept[message.target, message.id] = message

    def claim(self, target, limit, lease):
        now = self._clock.time()
        due = [message for message in self.kept.values() if message.target == target and message.due <= now]
        return sorted(due, key=lambda message: message.due)[:limit]

    def done(self, messages):
        for message in messages:
            self.kept.pop((message.target, message.id), None)

    def next_due(self, target):
        return min((message.due for message in self.kept.values() if message.target == target), default=None)

    def count(self, target):
        return sum(message.target == target for message in self.kept.values())


class Coordinator:
    """Flags and members."""

    def __init__(self):
        self._flags = {}
        self._members = {}

    def beat(self, scope, member, info, ttl):
        self._members.setdefault(scope, {})[member] = dict(info)

    def leave(self, scope, member):
        self._members.get(scope, {}).pop(member, None)

    def members(self, scope):
        return dict(self._members.get(scope, {}))

    def set_flag(self, scope, name, value, ttl=None):
        self._flags.setdefault(scope, {})[name] = value

    def flags(self, scope):
        return {name: value for name, value in self._flags.get(scope, {}).items() if value is not None}


class TinyState:
    """One backend for all parts."""

    def __init__(self, url, environment):
        self.url = url
        self.replies = Replies(environment.clock)
        self.parking = Parking(environment.clock)
        self.coordinator = Coordinator()
        self.closed = False

    def close(self):
        self.closed = True


class StatePlugin:
    """Declares the scheme tiny://."""

    @hookimpl
    def funboost_state_stores(self):
        return [StateSpec("tiny", TinyState)]
