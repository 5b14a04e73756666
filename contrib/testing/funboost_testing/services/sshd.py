"""sshd of OpenSSH, for what logs in to another machine: here that machine is this one, and the user the same."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

from .base import ANSWER, Service

_DEBIAN = "/usr/sbin/sshd"
_SEPARATED = Path("/run/sshd")


class Sshd(Service):
    """Lets in the user who runs the tests, with the key in the file ``client_key`` of the server's folder.

    No root is needed.  Without PAM a password is checked against nothing that a test could know: each one is wrong.
    """

    name = "sshd"
    variable = "FUNBOOST_TEST_SSH_URL"
    executables = ("sshd",)
    package = "openssh-server"

    def executable(self) -> str:
        """With its whole path, which it wants to be started by; Debian keeps it where only root's PATH goes."""
        return super().executable() or (_DEBIAN if Path(_DEBIAN).exists() else "")

    def command(self, executable: str, port: int, folder: Path) -> list[str]:
        """Keys and configuration of its own; nothing of /etc/ssh is read."""
        if os.name == "posix" and os.geteuid() == 0:
            _SEPARATED.mkdir(mode=0o755, exist_ok=True)  # as root it insists on this empty folder
        for key in ("host_key", "client_key"):
            if not (folder / key).exists():
                generate_key(folder / key)
        shutil.copy(folder / "client_key.pub", folder / "authorized_keys")
        lines = (
            f"HostKey {folder}/host_key",
            f"AuthorizedKeysFile {folder}/authorized_keys",
            "PidFile none",
            "UsePAM no",
            "StrictModes no",  # the temporary folder of a test is below one that everybody may write
            "PermitRootLogin yes",
            "PasswordAuthentication yes",
            "KbdInteractiveAuthentication no",
            "MaxStartups 100",
            "Subsystem sftp internal-sftp",
        )
        file = folder / "sshd_config"
        file.write_text("\n".join(lines) + "\n", "utf-8")
        return [executable, "-D", "-e", "-f", str(file), "-p", str(port), "-o", "ListenAddress=127.0.0.1"]

    def url(self, port: int) -> str:
        """User, host and port."""
        return f"ssh://{getpass.getuser()}@127.0.0.1:{port}"

    def version(self, url: str) -> str:
        """A server introduces itself to whoever connects."""
        parts = urlsplit(url)
        with socket.create_connection((parts.hostname or "127.0.0.1", parts.port or 22), ANSWER) as connection:
            line = connection.makefile("rb").readline().decode("ascii", "replace").strip()
        if not line.startswith("SSH-2.0-"):
            raise ConnectionError(f"no SSH server answers at port {parts.port}: {line[:50]!r}")
        return line[len("SSH-2.0-") :]


def generate_key(file: Path) -> None:
    """A key pair without a passphrase: `file` and, with ``.pub`` behind it, its public part."""
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "funboost-test", "-f", str(file)]
    subprocess.run(command, check=True)
