from funboost_core import BoosterParams, Environment, boost
from funboost_core.ports.scheduler import Schedule

environment = Environment({"STATE_URL": "sqlite://", "BROKER_KIND": "SQLITE_QUEUE", "CONCURRENT_MODE": "threading"})


@boost(BoosterParams(queue_name="tidy"), environment=environment)
def tidy(folder: str) -> None:
    print(folder)


scheduler = environment.schedulers.open("apscheduler", tidy, "sqlite")
scheduler.add(Schedule("nightly", {"kind": "cron", "hour": 3, "jitter": 600}, kwargs={"folder": "/tmp"}), replace=True)
scheduler.start()
assert [schedule.id for schedule in scheduler.all()] == ["nightly"]
environment.close()
