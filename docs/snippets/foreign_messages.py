from funboost import BoosterParams, boost, fct

from funboost_core import default, hookimpl, redrive

seen = []


class Lines:
    """Messages such as ``x=7`` from a device that cannot write JSON."""

    @hookimpl
    def funboost_convert_message(self, body):
        if isinstance(body, bytes) and body.startswith(b"x="):
            return {"x": int(body[2:])}
        return None


@boost(BoosterParams(queue_name="measure", hooks=[Lines()]))
def measure(x: int, unit: str = "m") -> None:
    seen.append((x, unit, fct.full_msg["extra"].get("is_auto_fill_extra", False)))


if __name__ == "__main__":
    measure.push(1)
    measure.send_msg('{"x": 2}')  # no extra: the consumer fills it in
    measure.send_msg('{"x": 3, "unit": "km", "extra": {"task_id": "from-go-17", "max_retry_times": 0}}')
    measure.send_msg(b"x=4")
    measure.send_msg(b"\xff\x00 nonsense")  # cannot be decoded: a dead letter, its bytes kept
    measure.consume()
    measure.wait_for_possible_has_finish_all_tasks(minutes=0.01)
    default().worker.stop()

    assert sorted(seen) == [(1, "m", False), (2, "m", True), (3, "km", False), (4, "m", True)]
    assert redrive("measure") == 1  # the exact bytes are back in the queue
    assert measure.get_message_count() == 1
