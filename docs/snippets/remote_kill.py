import time

from funboost import BoosterParams, RemoteTaskKiller, boost

from funboost_core import default

began = []


@boost(BoosterParams(queue_name="crunch", is_support_remote_kill_task=True, is_using_rpc_mode=True))
def crunch(x: int) -> int:
    began.append(x)
    for _ in range(6000):
        time.sleep(0.01)
    return x


if __name__ == "__main__":
    running, queued = crunch.push(1), crunch.push(2)
    RemoteTaskKiller(crunch.queue_name, queued.task_id).send_kill_remote_task_comd()
    crunch.consume()
    while not began:
        time.sleep(0.01)
    RemoteTaskKiller(crunch.queue_name, running.task_id).send_kill_remote_task_comd()
    assert running.status_and_result["exception_type"] == "TaskKilled"
    assert queued.status_and_result["exception_type"] == "TaskSkipped"
    assert began == [1]
    default().worker.stop()
