"""What an editor shows: ``add.push(`` offers the function's own parameters.  Asked of pyright's language server."""

from __future__ import annotations

import importlib.util
import itertools
import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

SERVER = shutil.which(
    "pyright-langserver", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
)

pytestmark = pytest.mark.skipif(SERVER is None, reason="no pyright-langserver: `tox -e type` has it")

PROGRAM = '''\
from {package} import BoosterParams, boost


@boost(BoosterParams(queue_name="add"))
def add(x: int, y: str = "2") -> float:
    """Adds."""
    return x + len(y)


{text}
'''


class LanguageServer:
    """Speaks the Language Server Protocol with a process, over its standard streams."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ids = itertools.count(1)
        self._process = subprocess.Popen(
            [str(SERVER), "--stdio"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=folder,
            env={**os.environ, "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"},
        )
        self._watchdog = threading.Timer(120, self._process.kill)  # a server that says nothing ends the test
        self._watchdog.start()
        self.ask(
            "initialize",
            processId=os.getpid(),
            rootUri=folder.as_uri(),
            capabilities={"workspace": {"configuration": True}},
            workspaceFolders=[{"uri": folder.as_uri(), "name": "here"}],
        )
        self._send({"method": "initialized", "params": {}})

    def open(self, name: str, text: str) -> str:
        uri = (self._folder / name).as_uri()
        document = {"uri": uri, "languageId": "python", "version": 1, "text": text}
        self._send({"method": "textDocument/didOpen", "params": {"textDocument": document}})
        return uri

    def ask(self, method: str, **params) -> object:
        number = next(self._ids)
        self._send({"id": number, "method": method, "params": params})
        while True:
            message = self._receive()
            if "method" in message and "id" in message:
                self._send({"id": message["id"], "result": self._answer(message)})
            elif message.get("id") == number:
                assert "error" not in message, message
                return message["result"]

    def close(self) -> None:
        self._watchdog.cancel()
        self._process.kill()
        self._process.communicate()

    def _answer(self, question: dict) -> object:
        if question["method"] != "workspace/configuration":
            return None
        settings = {"python": {"pythonPath": sys.executable}}
        return [settings.get(item.get("section")) for item in question["params"]["items"]]

    def _send(self, message: dict) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self._process.stdin.flush()

    def _receive(self) -> dict:
        length = 0
        for line in iter(self._process.stdout.readline, b"\r\n"):
            assert line, "the language server has ended"
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        return json.loads(self._process.stdout.read(length))


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    made = LanguageServer(tmp_path_factory.mktemp("editor"))
    yield made
    made.close()


@pytest.mark.parametrize("package", ["funboost_core", "funboost"])
def test_push_shows_the_parameters_of_the_function(server, package):
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"{package} is not installed in this environment: what editors show of it is NOT tested")
    for call in ("add(", "add.push(", "add.aio_push("):
        text = PROGRAM.format(package=package, text=call)
        uri = server.open(f"{package}_{call[:-1]}.py", text)
        end = {"line": text.count("\n") - 1, "character": len(call)}
        help_ = server.ask("textDocument/signatureHelp", textDocument={"uri": uri}, position=end)
        (signature,) = help_["signatures"]
        assert "x: int, y: str =" in signature["label"], signature["label"]


def test_a_task_offers_its_methods(server):
    text = PROGRAM.format(package="funboost_core", text="add.p")
    uri = server.open("methods.py", text)
    end = {"line": text.count("\n") - 1, "character": len("add.p")}
    offered = server.ask("textDocument/completion", textDocument={"uri": uri}, position=end)
    assert {"push", "publish", "push_many"} <= {item["label"] for item in offered["items"]}
