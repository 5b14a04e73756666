"""The documented spelling of a rate for all consumers, and the limits of a key, over the memory broker."""

from __future__ import annotations

import pytest
from funboost import BoosterParams, ConcurrentModeEnum, boost

from funboost_core.errors import ConfigError
from funboost_core.policies.shared_rate import SharedRate


@pytest.mark.parametrize("old_style", [True, False])
def test_a_rate_for_all_consumers_as_documented(old_style, environment, calls):
    fields = {"qps": 100, "is_using_distributed_frequency_control": True}
    if old_style:
        with pytest.warns(DeprecationWarning, match="BoosterParams"):
            f = boost("q", **fields, environment=environment)(lambda x: calls.add(x))
    else:
        f = boost(BoosterParams(queue_name="q", **fields), environment=environment)(lambda x: calls.add(x))
    assert f.boost_params.concurrent_num == 500
    f.push_many([{"x": n} for n in range(10)])
    f.consume()
    assert sorted(calls.wait(10)) == [(n,) for n in range(10)]
    (consumer,) = environment.worker.consumers()
    assert isinstance(consumer.gate.rate, SharedRate)


def test_without_a_qps_it_limits_nothing_until_one_is_ordered(environment, calls):
    params = BoosterParams(queue_name="q", is_using_distributed_frequency_control=True)
    f = boost(params, environment=environment)(lambda x: calls.add(x))
    f.consume()
    (consumer,) = environment.worker.consumers()
    assert consumer.gate.rate is None
    f.change_qps(1000)
    assert isinstance(consumer.gate.rate, SharedRate)
    f.push(1)
    assert calls.wait(1) == [(1,)]


def test_false_is_a_rate_of_its_own(environment):
    params = BoosterParams(queue_name="q", qps=5, is_using_distributed_frequency_control=False)
    f = boost(params, environment=environment)(lambda x: x)
    f.consume()
    assert not isinstance(environment.worker.consumers()[0].gate.rate, SharedRate)


@pytest.mark.parametrize("mode", [ConcurrentModeEnum.THREADING, ConcurrentModeEnum.SINGLE_THREAD])
def test_keys_under_their_names(mode, environment, calls):
    params = BoosterParams(
        queue_name="q", concurrent_mode=mode, rate_key=("user", "shop"), key_qps=1000, key_concurrent_num=1
    )
    f = boost(params, environment=environment)(lambda user, shop="main": calls.add(user))
    f.push_many([{"user": n % 2} for n in range(10)])
    f.consume()
    assert sorted(calls.wait(10)) == [(0,)] * 5 + [(1,)] * 5


def test_a_key_that_is_missing_is_a_configuration_error(environment):
    with pytest.raises(ConfigError, match="rate_key is missing"):
        boost(BoosterParams(queue_name="q", key_qps=1), environment=environment)(lambda x: x)
