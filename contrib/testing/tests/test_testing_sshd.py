"""sshd as a server for tests."""

from __future__ import annotations

import os
import stat
import subprocess

import pytest
from funboost_testing.services.sshd import Sshd

pytestmark = pytest.mark.skipif(not Sshd().executable(), reason="no sshd is installed")


def test_it_lets_the_key_in_and_is_gone_afterwards():
    with Sshd().start() as server:
        assert server.version.startswith("OpenSSH_")
        key = server.folder / "client_key"
        assert stat.S_IMODE(os.stat(key).st_mode) == 0o600
        options = ("BatchMode=yes", "StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "IdentitiesOnly=yes")
        command = ["ssh", "-F", "none", "-i", str(key), *(part for each in options for part in ("-o", each))]
        said = subprocess.run([*command, server.url, "echo $((40 + 2))"], stdout=subprocess.PIPE, text=True, check=True)
        assert said.stdout == "42\n"
    with pytest.raises(OSError):
        Sshd().version(server.url)
