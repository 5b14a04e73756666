import threading
import time

from funboost.utils.expire_lock import ExpireLockConf, ExpireLockContextManager

printer = ExpireLockContextManager(ExpireLockConf(expire_seconds=0.2, lock_key="printer"))


def forgets() -> None:
    printer.acquire()  # and ends without a release


thread = threading.Thread(target=forgets)
thread.start()
thread.join()
began = time.monotonic()
with printer:
    assert time.monotonic() - began < 30
