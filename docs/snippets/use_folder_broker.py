import folder_broker
from funboost import BoosterParams, boost

from funboost_core import default, redrive, register_plugin

register_plugin(folder_broker)


@boost(
    BoosterParams(
        queue_name="parse",
        broker_kind="FOLDER",
        broker_exclusive_config={"poll_seconds": 0.01},
        retry_interval=0.1,
        is_push_to_dlx_queue_when_retry_max_times=True,
        is_print_detail_exception=False,
        is_using_rpc_mode=True,
    )
)
def parse(text: str) -> int:
    return int(text)


if __name__ == "__main__":
    parse.consume()
    assert parse.push("17").result == 17
    assert not parse.push("seventeen").is_success()  # retries waited in the state store: FOLDER has no DELAY
    default().worker.stop()
    assert redrive("parse", "FOLDER") == 1  # so did the dead letter: it has no SECOND_QUEUE
    assert parse.get_message_count() == 1
