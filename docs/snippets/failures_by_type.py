from funboost import BoosterParams, ExceptionForRetry, PriorityConsumingControlConfig, boost

from funboost_core import default

seen = []


@boost(
    BoosterParams(
        queue_name="download",
        max_retry_times=3,
        retry_interval=0.05,  # seconds: 0.05, then 0.1, then 0.2 ...
        retry_backoff=2,
        retry_interval_max=0.15,  # ... but not more than this
        retry_jitter=0.2,  # and up to a fifth shorter, at random
        retry_only_for=(OSError,),  # ConnectionError and TimeoutError are among them
        retry_never_for=(FileNotFoundError,),  # although it is an OSError
        dead_letter_for=(PermissionError,),
        is_print_detail_exception=False,
    )
)
def download(url: str) -> None:
    seen.append(url)
    if url == "flaky" and seen.count(url) < 3:
        raise ConnectionError(url)
    if url == "busy" and seen.count(url) < 2:
        raise ExceptionForRetry(url)  # what the task asks for is done, listed or not
    errors = {"gone": FileNotFoundError, "bug": ValueError, "secret": PermissionError, "down": TimeoutError}
    if url in errors:
        raise errors[url](url)


if __name__ == "__main__":
    for url in ("flaky", "busy", "gone", "bug", "secret"):
        download.push(url)
    options = PriorityConsumingControlConfig(
        max_retry_times=1, retry_interval=0, is_push_to_dlx_queue_when_retry_max_times=True
    )
    download.publish({"url": "down"}, priority_control_config=options)  # this one message has its own rules
    download.consume()
    download.wait_for_possible_has_finish_all_tasks(minutes=0.02)
    default().worker.stop()

    assert {url: seen.count(url) for url in seen} == {
        "flaky": 3,
        "busy": 2,
        "gone": 1,
        "bug": 1,
        "secret": 1,
        "down": 2,
    }
