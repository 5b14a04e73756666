from funboost import BoosterParams, BoostersManager, PublisherParams, boost

from funboost_core import default


@boost(BoosterParams(queue_name="download", booster_group="crawl", is_using_rpc_mode=True))
def download(url: str) -> str:
    return f"page of {url}"


@boost(BoosterParams(queue_name="parse", booster_group="crawl"))
def parse(page: str) -> None: ...


def greet(name: str) -> None: ...


if __name__ == "__main__":
    assert BoostersManager.get_all_queues() == ["download", "parse"]
    assert BoostersManager.get_booster("parse") is parse
    result = BoostersManager.push("download", "a.html")
    BoostersManager.consume_all(block=False)  # without block=False it stays here, as the other consume methods do
    assert result.result == "page of a.html"

    for n in range(100):  # one task and one connection a queue, however often
        params = BoosterParams(queue_name=f"greet_{n % 2}", consuming_function=greet)
        BoostersManager.build_booster(params).push("you")
    assert BoostersManager.get_booster("greet_1").get_message_count() == 50

    # a queue whose function is in another project
    publisher = BoostersManager.get_cross_project_publisher(PublisherParams(queue_name="elsewhere"))
    publisher.publish({"a": 1, "b": 2})
    publisher.send_msg({"a": 3, "b": 4})  # raw: no `extra`
    assert publisher.get_message_count() == 2
    default().worker.stop()
