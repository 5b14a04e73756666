import audit_plugin
from funboost import BoosterParams, boost

from funboost_core import default, register_plugin

register_plugin(audit_plugin)  # before tasks begin to publish or consume


@boost(BoosterParams(queue_name="greet", is_using_rpc_mode=True))
def greet(name: str) -> str:
    return f"Hello {name}"


if __name__ == "__main__":
    result = greet.push("you")
    greet.send_msg({"name": "stranger", "extra": {"tenant": "red"}})
    greet.consume()
    assert result.result == "Hello you"
    greet.wait_for_possible_has_finish_all_tasks(minutes=0.005)
    assert audit_plugin.published == [("greet", result.task_id)]
    assert audit_plugin.outcomes == [(result.task_id, True)]
    assert len(audit_plugin.spent) == 1
    default().worker.stop()
