import sys

from funboost import BoosterParams, boost


@boost(BoosterParams(queue_name="add", broker_kind="REDIS_STREAM"))
def add(x: int, y: int) -> int:
    return x + y


def deploy_to(hosts: list[str]) -> None:
    deployments = [
        # pty=False: it goes on there when this program has ended
        add.fabric_deploy(host, 22, "me", process_num=2, invoke_runner_kwargs={"pty": False})
        for host in hosts
    ]  # each returned at once; all hosts are busy now
    for deployment in deployments:
        print(deployment.result(120))  # raises what went wrong


if __name__ == "__main__":
    deploy_to(sys.argv[1:])
