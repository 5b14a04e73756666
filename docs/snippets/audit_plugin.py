import time

from funboost_core import Skip, hookimpl

published, outcomes, spent = [], [], []


@hookimpl
def funboost_before_publish(message):
    message.extra["tenant"] = "blue"


@hookimpl
def funboost_after_publish(message, task):
    published.append((task.queue_name, message.task_id))


@hookimpl
def funboost_admit(delivery):
    if delivery.extra.get("tenant") != "blue":
        return Skip("not one of ours")
    return None


@hookimpl
def funboost_around_execute(task):
    def wrap(call):
        def timed(**arguments):
            start = time.perf_counter()
            try:
                return call(**arguments)
            finally:
                spent.append(time.perf_counter() - start)

        return timed

    return wrap


@hookimpl
def funboost_after_execute(delivery, outcome):
    outcomes.append((delivery.task_id, outcome.success))
