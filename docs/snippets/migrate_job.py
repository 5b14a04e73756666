from funboost import BoosterParams, PriorityConsumingControlConfig, boost

from funboost_core import default


@boost(
    BoosterParams(
        queue_name="resize",
        concurrent_num=8,
        qps=10,
        function_timeout=30,
        max_retry_times=3,
        retry_only_for=(OSError,),
        retry_interval=1,
        retry_backoff=2,  # 1, 2, 4 seconds
        is_using_rpc_mode=True,
    )
)
def resize(path: str, width: int = 800) -> str:
    return f"{path} at {width}"


if __name__ == "__main__":
    resize.consume()
    result = resize.push("a.png", width=400)
    in_a_second = PriorityConsumingControlConfig(countdown=1)
    later = resize.publish({"path": "b.png"}, priority_control_config=in_a_second)
    assert result.set_timeout(30).wait_rpc_data_or_raise().result == "a.png at 400"
    assert later.result == "b.png at 800"
    default().worker.stop()
