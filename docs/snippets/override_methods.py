import json

from funboost import AbstractConsumer, AbstractPublisher, BoosterParams, boost

from funboost_core import default

told, published = [], []


class Pairs(AbstractConsumer):
    def _user_convert_msg_before_run(self, msg):
        if not msg.startswith("{"):  # 'a=1,b=2' of some other program
            return {name: int(value) for name, value in (item.split("=") for item in msg.split(","))}
        return msg

    def _run(self, kw):
        self.logger.debug("%s begins", kw["body"]["extra"]["task_id"])
        return super()._run(kw)

    def user_custom_record_process_info_func(self, current_function_result_status):
        status = current_function_result_status
        told.append((status.params, status.result if status.success else status.exception_type))


class Noting(AbstractPublisher):
    def concrete_realization_of_publish(self, msg: str):
        super().concrete_realization_of_publish(msg)
        published.append(json.loads(msg) if msg.startswith("{") else msg)


@boost(
    BoosterParams(
        queue_name="divide",
        consumer_override_cls=Pairs,
        publisher_override_cls=Noting,
        max_retry_times=0,
        is_print_detail_exception=False,
    )
)
def divide(a: int, b: int) -> float:
    return a / b


if __name__ == "__main__":
    divide.push(6, b=3)
    divide.send_msg("a=1,b=2")
    divide.publisher.send_msg("a=1,b=0")
    divide.consume()
    divide.consumer.wait_for_possible_has_finish_all_tasks(minutes=0.01)
    default().worker.stop()

    assert len(published) == 3
    assert ({"a": 6, "b": 3}, 2.0) in told
    assert ({"a": 1, "b": 2}, 0.5) in told
    assert ({"a": 1, "b": 0}, "ZeroDivisionError") in told
