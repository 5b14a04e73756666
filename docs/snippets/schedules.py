import time

from funboost import ApsJobAdder, BoosterParams, boost

from funboost_core import default

done = []


@boost(BoosterParams(queue_name="report"))
def report(name: str, pages: int = 1) -> None:
    done.append(name)


if __name__ == "__main__":
    report.consume()

    adder = ApsJobAdder(report, job_store_kind="sqlite")  # starts the scheduler, too
    adder.add_push_job("interval", seconds=1, args=("often",), id="often", replace_existing=True)
    adder.add_push_job("date", run_date="2035-01-31 08:00:00", args=("once",), id="once", replace_existing=True)
    adder.add_push_job(
        "cron",
        day_of_week="mon-fri",
        hour=9,
        timezone="Europe/Helsinki",
        kwargs={"name": "daily", "pages": 3},
        id="daily",
        replace_existing=True,
    )
    while not done:
        time.sleep(0.1)

    # region look
    scheduler = adder.aps_obj  # a genuine scheduler of APScheduler
    print(scheduler.get_jobs())
    scheduler.reschedule_job("often", trigger="interval", minutes=5)
    scheduler.modify_job("daily", kwargs={"name": "daily", "pages": 4})
    scheduler.pause_job("daily")
    scheduler.resume_job("daily")
    scheduler.remove_job("once")
    # endregion

    # region missed
    adder.add_push_job("interval", hours=1, args=("latest",), id="latest", replace_existing=True)
    adder.add_push_job("interval", hours=1, args=("all",), id="all", replace_existing=True, coalesce=False)
    adder.add_push_job(
        "interval", hours=1, args=("none",), id="none", replace_existing=True, misfire_grace_time=60
    )  # none that is more than a minute late
    # endregion
    assert {job.id for job in scheduler.get_jobs()} == {"often", "daily", "latest", "all", "none"}
    default().worker.stop()
