from pathlib import Path

from funboost import BoosterParams, boost

from funboost_core import Drop, default, hookimpl


class Forgiving:
    """A message whose file is gone is given up at once instead of being retried."""

    def __init__(self) -> None:
        self.runs = 0

    @hookimpl
    def funboost_before_execute(self):
        self.runs += 1

    @hookimpl
    def funboost_judge(self, outcome):
        if isinstance(outcome.error, FileNotFoundError):
            return Drop("the file is gone")
        return None


forgiving = Forgiving()


@boost(BoosterParams(queue_name="read", max_retry_times=5, is_using_rpc_mode=True, hooks=[forgiving]))
def read(path: str) -> int:
    return len(Path(path).read_bytes())


if __name__ == "__main__":
    read.consume()
    assert not read.push("/no/such/file").is_success()
    assert read.push(__file__).is_success()
    assert forgiving.runs == 2
    default().worker.stop()
