"""All parts of the state that the core uses so far, as plain dicts."""

from __future__ import annotations

from pydantic_core import from_json

from funboost_core import StateSpec, hookimpl
from funboost_core.native import Condition, RLock
from funboost_core.ports import store


class Replies(store.Replies):
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
        self._lock = RLock()  # the threads of several consumers come here
        self.kept = {}
        self.claimed = {}  # until when
        self.claims = 0
        self.failing = []

    def park(self, messages):
        with self._lock:
            if self.failing:
                raise self.failing.pop(0)
            for message in messages:
                self.kept[message.target, message.id] = message
                self.claimed.pop((message.target, message.id), None)

    def _ready(self, message):
        return self.claimed.get((message.target, message.id), message.due)

    def _of(self, target):
        with self._lock:
            return [message for message in self.kept.values() if message.target == target]

    def claim(self, target, limit, lease):
        with self._lock:
            self.claims += 1
            now = self._clock.time()
            due = [message for message in self._of(target) if self._ready(message) <= now]
            due = sorted(due, key=lambda message: message.due)[:limit]
            self.claimed.update(((message.target, message.id), now + lease) for message in due)
            return due

    def done(self, messages):
        with self._lock:
            for message in messages:
                self.kept.pop((message.target, message.id), None)
                self.claimed.pop((message.target, message.id), None)

    def next_due(self, target):
        with self._lock:
            return min(map(self._ready, self._of(target)), default=None)

    def count(self, target):
        return len(self._of(target))

    def purge(self, target):
        with self._lock:
            waiting = self._of(target)
            for message in waiting:
                del self.kept[message.target, message.id]
            return len(waiting)


class History:
    """Records by id; raises what `failing` holds, or what `refuse` says of a record."""

    def __init__(self, clock):
        self._clock = clock
        self.kept = {}
        self.batches = []  # (ids, ttl)
        self.pruned = 0
        self.failing = []
        self.refuse = lambda record: False
        self.changed = Condition()

    def save(self, records, ttl):
        with self.changed:
            if self.failing:
                raise self.failing.pop(0)
            if any(map(self.refuse, records)):
                raise ValueError("not such a record")
            self.batches.append(([record.id for record in records], ttl))
            self.kept.update((record.id, from_json(record.payload)) for record in records)
            self.changed.notify_all()

    def get(self, task_id):
        return self.kept.get(task_id)

    def prune(self):
        with self.changed:
            self.pruned += 1
            self.changed.notify_all()
            if self.failing:
                raise self.failing.pop(0)
            return 0


class Coordinator:
    """Flags, members and schedules."""

    def __init__(self, clock):
        self._clock = clock
        self._lock = RLock()
        self._next = {}
        self._flags = {}
        self._members = {}

    def beat(self, scope, member, info, ttl):
        with self._lock:
            self._members.setdefault(scope, {})[member] = dict(info)

    def leave(self, scope, member):
        with self._lock:
            self._members.get(scope, {}).pop(member, None)

    def members(self, scope):
        with self._lock:
            return dict(self._members.get(scope, {}))

    def set_flag(self, scope, name, value, ttl=None):
        with self._lock:
            self._flags.setdefault(scope, {})[name] = value

    def flags(self, scope):
        with self._lock:
            return {name: value for name, value in self._flags.get(scope, {}).items() if value is not None}

    def reserve(self, scope, interval, most, horizon):
        with self._lock:
            count = min(most, int(horizon / interval + 1e-9) + 1)
            now = self._clock.monotonic()
            first = max(now, self._next.get(scope, now))
            self._next[scope] = first + count * interval
            return first - now, count


class TinyState:
    """One backend for all parts."""

    def __init__(self, url, environment):
        self.url = url
        self.replies = Replies(environment.clock)
        self.history = History(environment.clock)
        self.parking = Parking(environment.clock)
        self.coordinator = Coordinator(environment.clock)
        self.closed = False

    def close(self):
        self.closed = True


class StatePlugin:
    """Declares the scheme tiny://."""

    @hookimpl
    def funboost_state_stores(self):
        return [StateSpec("tiny", TinyState)]
