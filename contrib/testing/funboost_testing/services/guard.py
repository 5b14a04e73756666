"""Runs a server and ends it when whoever asked for it has ended: run as a script, without the rest of the package.

``python guard.py COMMAND …`` writes the server's process id and then reads its own input; whatever comes there, also its
end, however that comes about (the kernel closes the pipe of a killed process too), is the end of the server.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

PATIENCE = 10.0  # seconds that a server may take to end by itself


def main(command: list[str]) -> None:
    """Ends with the exit code of the server, and never before it: somebody may want its port at once."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the program that asked
    server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=sys.stderr)  # our own output is for the number
    sys.stdout.write(f"{server.pid}\n")
    sys.stdout.flush()
    threading.Thread(target=_until_told, args=(server,), daemon=True).start()
    code = server.wait()
    os._exit(abs(code))  # the thread that reads would hold up an orderly end


def _until_told(server: subprocess.Popen[bytes]) -> None:
    sys.stdin.buffer.read(1)
    if hasattr(signal, "SIGCONT"):
        server.send_signal(signal.SIGCONT)  # a frozen one would not hear
    server.terminate()
    try:
        server.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        server.kill()


if __name__ == "__main__":
    main(sys.argv[1:])
