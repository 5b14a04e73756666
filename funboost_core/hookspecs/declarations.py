"""What a plugin offers: called once, when it registers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from .markers import hookspec

if TYPE_CHECKING:
    from ..records import BrokerSpec, PoolSpec, SchedulerSpec, StateSpec


class Declarations:
    """What a plugin offers.  Two plugins that declare the same kind are an error that names both."""

    @hookspec(historic=True)
    def funboost_brokers(self) -> Iterable[BrokerSpec]:
        """Declare broker kinds.

        Example::

            from funboost_core import BrokerSpec, Capability, hookimpl

            @hookimpl
            def funboost_brokers():
                return [BrokerSpec("PIGEON", "pigeons.broker:Loft", Capability.PUBLISH, summary="carrier pigeons")]
        """
        raise NotImplementedError

    @hookspec(historic=True)
    def funboost_pools(self) -> Iterable[PoolSpec]:
        """Declare concurrency modes.

        Example::

            from funboost_core import PoolSpec, hookimpl

            @hookimpl
            def funboost_pools():
                return [PoolSpec("fibres", "fibres.pool:FibrePool", summary="one fibre a call")]
        """
        raise NotImplementedError

    @hookspec(historic=True)
    def funboost_state_stores(self) -> Iterable[StateSpec]:
        """Declare backends that serve all parts of the state; `kind` is the URL scheme of STATE_URL.

        Example::

            from funboost_core import StateSpec, hookimpl

            @hookimpl
            def funboost_state_stores():
                return [StateSpec("etcd", "funboost_etcd.store:EtcdState", summary="state in etcd")]
        """
        raise NotImplementedError

    @hookspec(historic=True)
    def funboost_result_stores(self) -> Iterable[StateSpec]:
        """Declare backends for replies and history alone, named by RESULTS_URL or HISTORY_URL.

        Example::

            from funboost_core import StateSpec, hookimpl

            @hookimpl
            def funboost_result_stores():
                return [StateSpec("influx", "funboost_influx.store:History", summary="history in a time series")]
        """
        raise NotImplementedError

    @hookspec(historic=True)
    def funboost_filters(self) -> Iterable[StateSpec]:
        """Declare backends for the filter alone, named by FILTER_URL.

        Example::

            from funboost_core import StateSpec, hookimpl

            @hookimpl
            def funboost_filters():
                return [StateSpec("bloom", "funboost_bloom.store:BloomFilter", summary="a Bloom filter")]
        """
        raise NotImplementedError

    @hookspec(historic=True)
    def funboost_schedulers(self) -> Iterable[SchedulerSpec]:
        """Declare schedulers of periodic jobs.

        Example::

            from funboost_core import SchedulerSpec, hookimpl

            @hookimpl
            def funboost_schedulers():
                return [SchedulerSpec("crontab", "funboost_crontab.scheduler:Crontab", summary="the system's cron")]
        """
        raise NotImplementedError
