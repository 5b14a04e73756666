"""native: the standard library's own names where nothing is patched, real threads where something is."""

from __future__ import annotations

import _queue
import importlib.util
import logging
import threading
import time

import pytest
from funboost_testing.calls import Call

from funboost_core import native


@pytest.mark.parametrize(
    "name", ["Condition", "Event", "Lock", "RLock", "Thread", "active_count", "get_ident", "current_thread"]
)
def test_unpatched_names_are_those_of_threading(name):
    assert getattr(native, name) is getattr(threading, name)


def test_the_rest_is_the_standard_librarys_too():
    assert native.sleep is time.sleep
    assert native.SimpleQueue is _queue.SimpleQueue
    assert native.patched is False
    assert native.blocking_allowed() is True
    assert native.in_main_thread() is (threading.current_thread() is threading.main_thread())
    assert all(hasattr(native, name) for name in native.__all__)


def test_off_the_hub_is_here_where_there_is_none():
    assert native.off_hub(lambda *args: (args, native.get_ident()), 1, 2) == ((1, 2), native.get_ident())


PATCHED = """
import sys, threading, time, _thread
real_ident, real_start = threading.get_ident, _thread.start_new_thread

# what patching libraries do: green functions in the modules' places
def green_ident():
    return 7
def green_sleep(seconds):
    raise AssertionError("the green sleep was called")
class GreenLock:
    def __init__(self, *args):
        raise AssertionError("a green lock was made")
before = {name: sys.modules[name] for name in ("threading", "time", "_thread")}
names = dict(get_ident=green_ident, Lock=GreenLock, RLock=GreenLock)
saved = {name: getattr(threading, name) for name in names}
vars(threading).update(names)
time.sleep = green_sleep

from funboost_core import native

assert native.patched
assert {name: sys.modules[name] for name in before} == before
assert threading.get_ident is green_ident and time.sleep is green_sleep and threading.Lock is GreenLock
assert native.get_ident() == real_ident() != 7
native.sleep(0)
seen, condition = [], native.Condition()

def work():
    with condition:
        seen.append((native.get_ident(), native.blocking_allowed(), native.current_thread().name))
        condition.notify_all()

assert not native.blocking_allowed()
with condition:
    thread = native.Thread(target=work, name="real", daemon=True)
    thread.start()
    assert condition.wait_for(lambda: seen, 40)
thread.join()
assert seen[0][0] != real_ident() and seen[0][1:] == (True, "real"), seen
event = native.Event()
event.set()
assert event.wait(40)
vars(threading).update(saved)
print("real")
"""


def test_where_functions_are_green_the_names_are_real(run_python):
    assert run_python(PATCHED) == "real\n"


@pytest.mark.parametrize("library", ["gevent", "eventlet"])
def test_under_a_real_patching_library(run_python, library):
    if importlib.util.find_spec(library) is None:  # importing it here would leave its mark on this process
        pytest.skip(f"no {library}")
    patch = {
        "gevent": "from gevent import monkey; monkey.patch_all()",
        "eventlet": "import eventlet; eventlet.monkey_patch()",
    }
    out = run_python(
        f"""
import warnings; warnings.simplefilter("ignore")
{patch[library]}
from funboost_core import native
import _thread
assert native.patched
seen, done = [], native.Event()
def work():
    seen.append(native.get_ident())
    done.set()
native.Thread(target=work, daemon=True).start()
assert done.wait(40)
assert seen[0] != native.get_ident()
print("real")
"""
    )
    assert out == "real\n"


def test_a_call_on_a_lane_that_was_closed_is_refused():
    from funboost_core.green import Lane

    lane = Lane("funboost-test")
    assert logging.threading is threading, "where nothing is patched, nothing need be shared"
    assert lane(int, "1") == 1
    inside = []

    def last():
        lane.close()
        inside.append(Call(lane, int, "2"))  # it is in the queue behind the end
        while lane._calls.qsize() < 2:
            native.sleep(0.001)

    lane(last)
    with pytest.raises(RuntimeError, match="funboost-test has been closed"):
        inside[0].result()
    lane._thread.join(30)
    with pytest.raises(RuntimeError, match="funboost-test has been closed"):
        Call(lane, int, "3").result()
