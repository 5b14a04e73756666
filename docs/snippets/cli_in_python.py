from funboost import BoosterParams, boost
from funboost.core.cli.funboost_fire import BoosterFire


@boost(BoosterParams(queue_name="add"))
def add(x: int, y: int = 0) -> int:
    return x + y


fire = BoosterFire()  # import_modules_str="tasks", booster_dirs_str="jobs,more", ... as on the command line
fire.push("add", 1, y=2).publish("add", "{'x': 3, 'y': 4}").show_all_queues()

assert add.get_message_count() == 2
fire.clear("add")
