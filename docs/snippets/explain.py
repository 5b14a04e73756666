from funboost import BoosterParams, PriorityConsumingControlConfig, boost


@boost(BoosterParams(queue_name="thumbnails", qps=5, retry_interval=30, is_push_to_dlx_queue_when_retry_max_times=True))
def thumbnail(path, size=128): ...


if __name__ == "__main__":
    explanation = thumbnail.explain(PriorityConsumingControlConfig(countdown=60, max_retry_times=1))
    print(explanation)
    by_name = {line.control: line for line in explanation}
    assert by_name["qps"].origin == "decorator"
    assert by_name["max_retry_times"].origin == "message"
    assert by_name["countdown"].how == "waits in the broker"
