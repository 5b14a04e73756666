"""state: one backend for all parts, other ones for single parts, opened when first used."""

from __future__ import annotations

import pytest
from funboost_testing.calls import Call
from support.state import TinyState

from funboost_core import StateSpec, hookimpl
from funboost_core.errors import ConfigError, StateMissing, UnknownKind

PARTS = {
    "replies": "RESULTS_URL",
    "history": "HISTORY_URL",
    "filter": "FILTER_URL",
    "parking": "PARKING_URL",
    "coordinator": "COORDINATOR_URL",
}


@pytest.mark.parametrize("part", PARTS)
def test_a_part_without_a_backend_says_what_to_set(make_program, part):
    state = make_program(STATE_URL="").environment.state
    assert not state.has(part)
    with pytest.raises(StateMissing, match=f"{part}.*FUNBOOST_STATE_URL=memory://"):
        getattr(state, part)


def test_one_backend_serves_all_parts_and_is_opened_once(program):
    state = program.environment.state
    assert state.has("replies")
    assert state._stores == {}
    assert state.replies is state.replies
    assert state.parking is not None
    assert len(state._stores) == 1


@pytest.mark.parametrize("part", ["replies", "parking", "coordinator"])
def test_a_single_part_may_live_elsewhere(make_program, part):
    state = make_program(**{PARTS[part]: "tiny://elsewhere"}).environment.state
    others = {"replies", "parking", "coordinator"} - {part}
    opened = {name: getattr(state, name) for name in (part, *others)}
    stores = state._stores
    assert set(stores) == {"tiny://", "tiny://elsewhere"}
    assert getattr(stores["tiny://elsewhere"], part) is opened[part]
    assert all(getattr(stores["tiny://"], name) is opened[name] for name in others)


def test_a_filter_or_result_store_of_its_own_is_found_by_its_scheme(make_program):
    class Only:
        def __init__(self, url, environment):
            self.url = url

        def close(self):
            pass

    class Plugin:
        @hookimpl
        def funboost_filters(self):
            return [StateSpec("bloom", Only)]

        @hookimpl
        def funboost_result_stores(self):
            return [StateSpec("influx", TinyState)]

    program = make_program(FILTER_URL="bloom://x", RESULTS_URL="influx://y")
    program.environment.manager.register(Plugin())
    assert program.environment.state.filter.url == "bloom://x"
    assert program.environment.state.replies is program.environment.state._stores["influx://y"].replies
    assert program.environment.state.parking is program.environment.state._stores["tiny://"].parking


@pytest.mark.parametrize("part", ["replies", "filter", "parking"])
def test_an_unknown_scheme_names_the_distribution(make_program, part):
    state = make_program(STATE_URL="etcd+quorum://host").environment.state
    with pytest.raises(UnknownKind, match="pip install funboost-store-etcd"):
        getattr(state, part)


def test_what_is_no_url_is_refused(make_program):
    state = make_program(STATE_URL="tiny").environment.state
    with pytest.raises(ConfigError, match="is no URL: it has no ://"):
        _ = state.replies


def test_close_closes_every_backend_and_a_later_use_opens_anew(make_program):
    state = make_program(PARKING_URL="tiny://elsewhere").environment.state
    first = state.replies
    _ = state.parking
    stores = list(state._stores.values())
    state.close()
    assert [store.closed for store in stores] == [True, True]
    assert state.replies is not first


def test_a_backend_is_opened_once_though_one_thread_checks_and_another_uses_it(program):
    made, others = [], []

    class Slow(TinyState):
        cross_process = True

        def __init__(self, url, environment):
            made.append(self)
            if len(made) == 1:
                others.append(Call(program.environment.state.check_processes))
                others[0].running(0.5)
            super().__init__(url, environment)

    class Plugin:
        @hookimpl
        def funboost_state_stores(self):
            return [StateSpec("slow", Slow)]

    program.environment.manager.register(Plugin())
    program.environment.settings.values["STATE_URL"] = "slow://"
    assert program.environment.state.replies is not None
    others[0].result()
    assert len(made) == 1
