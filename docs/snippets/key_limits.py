import threading
import time
from collections import Counter

from funboost import BoosterParams, boost

from funboost_core import default

lock = threading.Lock()
running, most, done = Counter(), Counter(), []


@boost(BoosterParams(queue_name="export", rate_key="customer", key_concurrent_num=2, key_qps=50))
def export(customer: str, month: int) -> None:
    with lock:
        running[customer] += 1
        most[customer] = max(most[customer], running[customer])
    time.sleep(0.05)
    with lock:
        running[customer] -= 1
        done.append(customer)


if __name__ == "__main__":
    export.push_many([{"customer": name, "month": m} for m in range(6) for name in ("ann", "bob", "eve")])
    export.consume()
    while len(done) < 18:
        time.sleep(0.01)
    assert max(most.values()) <= 2  # of each customer; the three run beside each other
    default().worker.stop()
