from funboost_core import BoosterParams, Environment, boost

environment = Environment(
    {"BROKER_KIND": "MEMORY_QUEUE", "CONCURRENT_MODE": "threading", "STATE_URL": "memory://", "NAMESPACE": "test"}
)


def double(x: int) -> int:
    return 2 * x


task = boost(BoosterParams(queue_name="double", is_using_rpc_mode=True), environment=environment)(double)

try:
    task.consume()
    assert task.push(21).result == 42
finally:
    environment.close()
