import multiprocessing

from funboost import BoosterParams, boost, ctrl_c_recv

from funboost_core import default


@boost(BoosterParams(queue_name="add", is_using_rpc_mode=True))
def add(x: int, y: int) -> int:
    return x + y


# region main
def main() -> None:
    add.multi_process_consume(2)
    print(add.push(1, y=2).result)
    ctrl_c_recv()


if __name__ == "__main__":
    multiprocessing.freeze_support()  # or the children of a frozen program run all of it again
    # endregion
    ctrl_c_recv = default().worker.stop
    main()
