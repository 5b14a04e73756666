import base64
import inspect
import json

from funboost import BoosterParams, boost, fct

from funboost_core import default, hookimpl

done = []


# region convert
class FromCelery:
    """Reads what Celery publishes, version 2 of its protocol in JSON, on Redis and on RabbitMQ."""

    def __init__(self, function):
        self.signature = inspect.signature(function)

    @hookimpl
    def funboost_convert_message(self, body):
        sent = json.loads(body)
        headers = {}
        if isinstance(sent, dict) and "headers" in sent:  # on Redis the headers are around the body
            headers, sent = sent["headers"], json.loads(base64.b64decode(sent["body"]))
        if not isinstance(sent, list):
            return None  # one of ours
        args, kwargs, _ = sent
        extra = {"task_id": headers.get("id"), "eta": headers.get("eta")}
        given = {name: value for name, value in extra.items() if value is not None}
        return {**self.signature.bind(*args, **kwargs).arguments, "extra": given}
        # endregion


# region task
def resize(path: str, width: int = 800) -> None:
    done.append((path, width, fct.task_id))


resize = boost(BoosterParams(queue_name="images", hooks=[FromCelery(resize)]))(resize)
# endregion


def as_celery_sends(*args, **kwargs):
    body = [args, kwargs, {"callbacks": None, "errbacks": None, "chain": None, "chord": None}]
    headers = {"task": "shop.resize", "id": "592718e8", "eta": None, "retries": 0}
    encoded = base64.b64encode(json.dumps(body).encode()).decode()
    return json.dumps({"body": encoded, "headers": headers, "properties": {"body_encoding": "base64"}})


if __name__ == "__main__":
    resize.send_msg(as_celery_sends("a.png", width=10))
    resize.send_msg('[["b.png"], {}, {"callbacks": null}]')  # on RabbitMQ
    resize.push("c.png", width=30)
    resize.consume()
    resize.wait_for_possible_has_finish_all_tasks(minutes=0.01)
    default().worker.stop()
    assert sorted((path, width) for path, width, _ in done) == [("a.png", 10), ("b.png", 800), ("c.png", 30)]
    assert ("a.png", 10, "592718e8") in done
