"""Schedulers that are wrong in one way each, and what the suite must say of them; read like `broken_brokers`."""

from __future__ import annotations

from funboost_scheduler_apscheduler.scheduler import ApsScheduler
from funboost_scheduler_apscheduler.tables.sqlite import MemoryTable, SqliteTable

from funboost_core import SchedulerSpec, hookimpl
from funboost_core.native import Condition, Event, Thread

SUITE_ON_TIME = "test_it_fires_at_its_times_and_not_before"


class Broken(ApsScheduler):
    names: tuple[str, ...] = ()
    also: tuple[str, ...] = ()

    @property
    def store(self):
        return self.aps_obj._store

    @property
    def firing(self):
        return self.aps_obj._firing


class WithFires:
    """A context whose fires are changed by `publish`."""

    def __init__(self, fires, publish):
        self._publish, self._fires = publish, fires
        self.check = fires.check

    def publish(self, schedule_id, due, args, kwargs):
        return self._publish(self._fires, schedule_id, due, args, kwargs)


class FiresTwice(Broken):
    names = (SUITE_ON_TIME, "test_many_come_at_once", "test_two_publish_each_fire_once")
    also = (
        "test_a_date_that_was_missed_and_is_declared_again_fires",
        "test_the_task_id_is_made_of_the_schedule_and_the_time",
        "test_arguments_are_passed",
        "test_a_date_comes_once",
        "test_cron_is_read_in_the_time_zone_it_names",
        "test_what_could_not_be_published_is_tried_again",
        "test_of_those_missed_the_latest_is_published",
        "test_all_of_those_missed_are_published",
        "test_what_is_later_than_its_grace_is_skipped",
        "test_what_came_while_nobody_was_there_is_made_up_for",
        "test_what_is_added_while_it_runs_fires",
        "test_what_is_removed_does_not_fire",
        "test_what_is_paused_does_not_fire_until_it_is_resumed",
        "test_what_another_one_changes_is_seen_within_a_second",
        "test_what_was_started_paused_fires_when_it_is_started",
        "test_one_goes_on_when_the_other_stops",
    )

    def __init__(self, context):
        def twice(fires, *fire):
            fires.publish(*fire)
            return fires.publish(*fire)

        super().__init__(context._replace(fires=WithFires(context.fires, twice)))


class FiresEarly(Broken):
    """By a second."""

    names = (SUITE_ON_TIME, "test_a_date_comes_once", "test_cron_is_read_in_the_time_zone_it_names")
    also = (
        "test_what_was_started_paused_fires_when_it_is_started",
        "test_what_is_paused_does_not_fire_until_it_is_resumed",
    )

    def __init__(self, context):
        super().__init__(context)
        claim = self.store.table.claim
        self.store.table.claim = lambda queue, now, lease, limit: claim(queue, now + 1, lease, limit)


class CallsItNow(Broken):
    """The id of a fire is made of the time of publishing."""

    names = ("test_of_those_missed_the_latest_is_published", "test_what_could_not_be_published_is_tried_again")
    also = (
        "test_all_of_those_missed_are_published",
        "test_what_is_later_than_its_grace_is_skipped",
        "test_what_came_while_nobody_was_there_is_made_up_for",
    )

    def __init__(self, context):
        def now(fires, schedule_id, due, *arguments):
            return fires.publish(schedule_id, context.environment.clock.time(), *arguments)

        super().__init__(context._replace(fires=WithFires(context.fires, now)))


class LosesWhatFailed(Broken):
    names = ("test_what_could_not_be_published_is_tried_again",)

    def __init__(self, context):
        def careless(fires, *fire):
            try:
                return fires.publish(*fire)
            except Exception:
                return ""

        super().__init__(context._replace(fires=WithFires(context.fires, careless)))


class LosesArguments(Broken):
    names = ("test_arguments_are_passed",)

    def __init__(self, context):
        def positional(fires, schedule_id, due, args, kwargs):
            return fires.publish(schedule_id, due, args, {})

        super().__init__(context._replace(fires=WithFires(context.fires, positional)))


class LosesMissedFires(Broken):
    """Only the latest, always."""

    names = ("test_all_of_those_missed_are_published",)
    also = ("test_a_schedule_is_listed_as_it_was_added",)

    def add(self, schedule, replace=False):
        super().add(type(schedule)(**{**vars(schedule), "coalesce": True}), replace)


class SkipsMissedFires(Broken):
    """None, always."""

    names = (
        "test_of_those_missed_the_latest_is_published",
        "test_all_of_those_missed_are_published",
        "test_what_came_while_nobody_was_there_is_made_up_for",
    )
    also = (
        "test_a_date_that_was_missed_and_is_declared_again_fires",
        "test_a_schedule_is_listed_as_it_was_added",
        "test_schedules_survive_a_restart",
        "test_what_could_not_be_published_is_tried_again",
        "test_what_is_later_than_its_grace_is_skipped",
        "test_what_is_paused_does_not_fire_until_it_is_resumed",
        "test_a_date_that_had_passed_when_it_was_added_was_not_missed",
    )

    def add(self, schedule, replace=False):
        super().add(type(schedule)(**{**vars(schedule), "misfire_grace_time": 1}), replace)


class MakesUpForEverything(Broken):
    names = ("test_what_is_later_than_its_grace_is_skipped",)
    also = ("test_a_schedule_is_listed_as_it_was_added", "test_a_date_that_had_passed_when_it_was_added_was_not_missed")

    def add(self, schedule, replace=False):
        super().add(type(schedule)(**{**vars(schedule), "misfire_grace_time": 10**9}), replace)


class ForgetsAtRestart(Broken):
    """Keeps what it should keep in memory."""

    names = (
        "test_schedules_survive_a_restart",
        "test_what_another_one_changes_is_seen_within_a_second",
    )
    also = (
        "test_a_date_that_was_missed_and_is_declared_again_fires",
        "test_what_came_while_nobody_was_there_is_made_up_for",
        "test_one_goes_on_when_the_other_stops",
    )

    def __init__(self, context):
        super().__init__(context._replace(store="memory"))

    def all(self):
        assert isinstance(self.store.table, MemoryTable)
        return super().all()


class PublishesWithoutClaim(Broken):
    """Looks, publishes, and only then writes."""

    names = ("test_two_publish_each_fire_once",)
    also = ("test_one_goes_on_when_the_other_stops",)
    changed, running, looked = Condition(), set(), {}

    def __init__(self, context):
        super().__init__(context)
        table = self.store.table
        assert isinstance(table, SqliteTable)

        def look(queue, now, lease, limit):
            rows = [row for row in table.all(queue) if row.ready is not None and row.ready <= now]
            if rows:
                self._let_others_look(rows[0].ready)
            return rows[:limit]

        table.claim = look

    def _let_others_look(self, moment):
        with self.changed:
            self.looked.setdefault(moment, set()).add(self)
            self.changed.notify_all()
            self.changed.wait_for(lambda: self.running <= self.looked[moment], 10)

    def start(self, paused=False):
        self.running.add(self)
        super().start(paused)

    def stop(self):
        with self.changed:
            self.running.discard(self)
            self.changed.notify_all()
        super().stop()


class NeverLooksAgain(Broken):
    """Does not see what others add."""

    names = ("test_what_another_one_changes_is_seen_within_a_second",)
    also = (
        "test_a_date_that_was_missed_and_is_declared_again_fires",
        "test_two_publish_each_fire_once",
        "test_one_goes_on_when_the_other_stops",
        "test_what_came_while_nobody_was_there_is_made_up_for",
    )

    def __init__(self, context):
        super().__init__(context)
        table, known = self.store.table, set()
        claim, insert = table.claim, table.insert

        def only_ours(queue, now, lease, limit):
            return [row for row in claim(queue, now, lease, limit) if row.id in known]

        def note(row):
            known.add(row.id)
            return insert(row)

        table.claim, table.insert = only_ours, note


class IgnoresRemoval(Broken):
    names = ("test_what_is_removed_does_not_fire",)
    also = ("test_what_another_one_changes_is_seen_within_a_second",)

    def remove(self, schedule_id):
        return any(found.id == schedule_id for found in self.all())


class IgnoresPausing(Broken):
    names = ("test_what_is_paused_does_not_fire_until_it_is_resumed",)
    also = (
        "test_the_soonest_is_listed_first_and_paused_ones_last",
        "test_what_another_one_changes_is_seen_within_a_second",
    )

    def pause(self, schedule_id):
        return any(found.id == schedule_id for found in self.all())


class RemovesTheUnknown(Broken):
    """Is content with any id."""

    names = ("test_unknown_ids_are_told",)

    def remove(self, schedule_id):
        super().remove(schedule_id)
        return True


class TakesAnIdTwice(Broken):
    names = ("test_an_id_is_given_once",)

    def add(self, schedule, replace=False):
        super().add(schedule, True)


class PutsOffWhatIsReplaced(Broken):
    names = ("test_replacing_changes_the_arguments_and_not_the_times",)
    also = ("test_a_date_that_was_missed_and_is_declared_again_fires",)

    def add(self, schedule, replace=False):
        if replace:
            self.remove(schedule.id)
        super().add(schedule)


class KeepsTheTimesOfAnotherTrigger(Broken):
    names = ("test_replacing_by_another_trigger_begins_anew",)

    def add(self, schedule, replace=False):
        row = self.store.table.get(self._queue, schedule.id)
        super().add(schedule, replace)
        if row is not None:
            self.store.edit(schedule.id, lambda new: new._replace(planned=row.planned, due=row.due, ready=row.ready))


class ChecksNoArguments(Broken):
    names = tuple(f"test_arguments_are_checked_when_added[{case}]" for case in ("missing", "too many", "unknown"))
    also = tuple(f"test_arguments_are_checked_when_added[{case}]" for case in ("no JSON", "a set"))

    def __init__(self, context):
        fires = WithFires(context.fires, lambda fires, *fire: fires.publish(*fire))
        fires.check = lambda args, kwargs: None
        super().__init__(context._replace(fires=fires))


class FiresUnstarted(Broken):
    """Being made is enough."""

    names = ("test_what_is_not_started_fires_nothing", "test_what_was_started_paused_fires_when_it_is_started")
    also = (
        "test_a_date_that_was_missed_and_is_declared_again_fires",
        "test_stopping_ends_the_threads",
        "test_what_another_one_changes_is_seen_within_a_second",
        "test_what_came_while_nobody_was_there_is_made_up_for",
    )

    def __init__(self, context):
        super().__init__(context)
        super().start()

    def start(self, paused=False):
        super().start()


class LeaksThreads(Broken):
    names = ("test_stopping_ends_the_threads",)

    def start(self, paused=False):
        super().start(paused)
        Thread(target=Event().wait, name="leak", daemon=True).start()


class FiresWhenStopped(Broken):
    """Its thread goes on."""

    names = ("test_stopping_ends_the_threads",)
    also = ("test_one_goes_on_when_the_other_stops", "test_what_came_while_nobody_was_there_is_made_up_for")

    def stop(self):
        pass


BROKEN = {
    cls.__name__: cls
    for cls in vars().copy().values()
    if isinstance(cls, type) and issubclass(cls, Broken) and cls.names
}


@hookimpl
def funboost_schedulers():
    return [SchedulerSpec(name, cls, (cls.__doc__ or name).strip()) for name, cls in BROKEN.items()]
