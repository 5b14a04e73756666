import datetime
import time

from funboost_core import BoosterParams, ConfigError, Environment, boost
from funboost_core.clock import Clock

friday = datetime.datetime(2024, 1, 5, 21, 59, 59, tzinfo=datetime.timezone.utc)
shift = friday.timestamp() - time.time()


class Friday(Clock):
    """It is a second before ten o'clock, so that this example ends soon."""

    time = staticmethod(lambda: time.time() + shift)


environment = Environment(
    {"BROKER_KIND": "MEMORY_QUEUE", "CONCURRENT_MODE": "threading", "STATE_URL": "memory://", "TIMEZONE": "UTC"},
    clock=Friday(),
)

# region night
night = BoosterParams(
    queue_name="crawl",
    is_do_not_run_by_specify_time_effect=True,  # the switch
    do_not_run_by_specify_time=("10:00:00", "22:00:00"),  # nothing starts from ten until just before ten
)
# endregion

# region office
office = BoosterParams(
    queue_name="call",
    run_window=("* 9-17 * * mon-fri", "0-29 10 * * sat"),  # messages may start in the minutes of either
)
# endregion


if __name__ == "__main__":
    began = []
    crawl = boost(night, environment=environment)(lambda page: began.append(Friday.time()))
    crawl.push("index")
    crawl.consume()
    crawl.wait_for_possible_has_finish_all_tasks(minutes=0.03)
    environment.close()
    assert began[0] >= friday.timestamp() + 1  # until ten it was not even fetched

    # region refused
    try:
        boost(BoosterParams(queue_name="call", run_window="* 9-17 * * monday"), environment=environment)(lambda: None)
    except ConfigError as error:
        print(error)  # run_window of queue 'call': 'monday' is no day of the week (0-7 or sun ... sat, …)
    # endregion
