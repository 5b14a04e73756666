import threading
import time

from funboost.utils.expire_lock import ExpireLockConf, ExpireLockContextManager

printer = ExpireLockContextManager(ExpireLockConf(expire_seconds=0.2, lock_key="printer"))


def forgets() -> None:
    printer.acquire()  # and ends without a release


threading.Thread(target=forgets).start()
time.sleep(0.05)
began = time.monotonic()
with printer:
    assert time.monotonic() - began < 5
