"""Run as a script: executes a program and reports all that it did besides importing.

``python import_probe.py PROGRAM REPORT`` writes the report, JSON, to a file that is open before the watch begins.
"""

from __future__ import annotations

import _thread
import json
import os
import sys
from typing import Any

_WRITE = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_CHANGES = {"os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.symlink", "os.truncate", "os.utime"}
_STARTS = {"subprocess.Popen", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.exec", "os.system"}
_THREADS = ("start_new_thread", "start_new", "start_joinable_thread")


def main() -> None:
    program, report_path = sys.argv[1:]
    with open(program, encoding="utf-8") as file:
        code = compile(file.read(), program, "exec")
    events: list[str] = []
    report = open(report_path, "w", encoding="utf-8")

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        if event == "open":
            path, _, flags = arguments
            if isinstance(flags, int) and flags & _WRITE:
                events.append(f"opened {path} for writing")
        elif event in _CHANGES or event in _STARTS or event.startswith("socket."):
            events.append(f"{event} {arguments}")

    def watched(start: Any) -> Any:
        def start_thread(*arguments: object, **options: object) -> object:
            events.append(f"a thread was started: {arguments}")
            return start(*arguments, **options)

        return start_thread

    # Not every Python tells its audit hooks of threads, and one that is short would not be there to be counted.
    assert "threading" not in sys.modules
    for name in _THREADS:
        if hasattr(_thread, name):
            setattr(_thread, name, watched(getattr(_thread, name)))
    sys.addaudithook(watch)
    before = set(sys.modules)
    namespace = {"__name__": "__main__"}
    exec(code, namespace)
    modules = sorted(set(sys.modules) - before)
    done = list(events)
    logging = sys.modules.get("logging")
    handlers = []
    if logging is not None:
        loggers = [logging.root, *logging.root.manager.loggerDict.values()]
        handlers = [f"{logger}: {logger.handlers}" for logger in loggers if getattr(logger, "handlers", None)]
    json.dump({"events": done, "modules": modules, "handlers": handlers, "told": namespace.get("TOLD")}, report)
    report.close()


if __name__ == "__main__":
    main()
