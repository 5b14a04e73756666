"""Who consumes what, on all hosts, under the documented names."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from funboost_core import directory
from funboost_core.consuming.insight import host
from funboost_core.environment import default

from .aliases import HEARTBEAT, HeartbeatSpellings

if TYPE_CHECKING:
    from funboost_core.environment import Environment

Info = dict[str, Any]


class ActiveConsumerProcessInfoGetter(HeartbeatSpellings):
    """What all living consumers tell about themselves, with each beat, through the state store (STATE_URL).

    Entries have host (`computer_name`, `computer_ip`, `process_id`), `queue_name`, `consuming_function`, start and beat
    times, counts, run times, messages in the broker, and `status` (consuming, busy, paused, away, deaf …).

    Example::

        for consumer in ActiveConsumerProcessInfoGetter().get_all_heartbeat_info_by_queue_name("test_queue"):
            print(consumer["computer_ip"], consumer["process_id"], consumer["status"])
    """

    def __init__(self, environment: Environment | None = None) -> None:
        self._environment = environment or default()

    def get_all_queue_names(self) -> list[str]:
        """The queues that have had a consumer within a day."""
        return directory.queues(self._environment)

    def get_all_ips(self) -> list[str]:
        """The addresses of the hosts that consume."""
        return sorted(self.get_all_heartbeat_info_partition_by_ip())

    def get_all_heartbeat_info_by_queue_name(self, queue_name: str) -> list[Info]:
        """The consumers of a queue."""
        return [_documented(info) for info in directory.consumers(self._environment, queue_name)]

    def get_all_heartbeat_info_by_ip(self, ip: str | None = None) -> list[Info]:
        """The consumers on a host; this one if None."""
        return self.get_all_heartbeat_info_partition_by_ip().get(ip or host()[1], [])

    def get_all_heartbeat_info_partition_by_queue_name(self) -> dict[str, list[Info]]:
        """All consumers by queue."""
        return _grouped("queue_name", self._all())

    def get_all_heartbeat_info_partition_by_ip(self) -> dict[str, list[Info]]:
        """All consumers by host address."""
        return _grouped("computer_ip", self._all())

    def _all(self) -> Iterable[Info]:
        for queue in self.get_all_queue_names():
            yield from self.get_all_heartbeat_info_by_queue_name(queue)


def _grouped(name: str, infos: Iterable[Info]) -> dict[str, list[Info]]:
    groups: dict[str, list[Info]] = {}
    for info in infos:
        groups.setdefault(info[name], []).append(info)
    return groups


def _documented(info: Info) -> Info:
    lately = info["lately"]
    average, lately_average = info["average_seconds"], lately["average_seconds"]
    entries = {
        "queue_name": info["queue"],
        "computer_name": info["host"],
        "computer_ip": info["ip"],
        "process_id": info["process_id"],
        "consumer_id": info["consumer"],
        "consumer_uuid": info["consumer"],
        "start_datetime_str": _text(info["started"]),
        "start_timestamp": info["started"],
        "heartbeat_datetime_str": _text(info["time"]),
        "heartbeat_timestamp": info["time"],
        "consuming_function": info["function"],
        "code_filename": info["file"],
        "status": info["status"],
        "running": info["running"],
        "unit_time_for_count": 10,
        "last_x_s_execute_count": lately["finished"],
        "last_x_s_execute_count_fail": lately["failed"],
        "last_x_s_average_function_spend_time": lately_average,
        "last_x_s_total_cost_time": None if lately_average is None else lately_average * lately["finished"],
        "last_execute_task_time": info["last_run"],
        "msg_num_in_broker": info["waiting"],
        "current_time_for_execute_task_times_every_unit_time": info["time"],
        "last_timestamp_when_has_task_in_queue": info["last_waiting"],
        "total_consume_count_from_start": info["finished"],
        "total_consume_count_from_start_fail": info["failed"],
        "total_cost_time_from_start": None if average is None else average * info["finished"],
        "average_function_spend_time_from_start": average,
        "seconds_left": info["seconds_left"],
    }
    return {**entries, **{theirs: entries[ours] for theirs, ours in HEARTBEAT.items()}}


def _text(moment: float) -> str:
    local = datetime.datetime.fromtimestamp(moment, datetime.timezone.utc).astimezone()
    return local.replace(tzinfo=None).isoformat(" ", "seconds")
