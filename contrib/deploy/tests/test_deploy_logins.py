"""Who is let in, and who is believed to be the host: one clear error each, and no password anywhere."""

from __future__ import annotations

import logging
import socket
import subprocess
import traceback

import pytest
from funboost_deploy import ConnectionLost, HostKeyRefused, LoginRefused, Target, UploadFailed, upload_folder
from funboost_deploy.connecting import connected
from funboost_testing.services.sshd import generate_key

from funboost_core.errors import ConfigError

pytestmark = pytest.mark.server
PASSWORD = "hunter2-correct-horse"


def refused(target, error, match):
    with pytest.raises(error, match=match) as caught, connected(target):
        raise AssertionError("it was let in")
    return "".join(traceback.format_exception(caught.type, caught.value, caught.tb))


def test_a_named_key_is_enough(machine):
    with connected(machine.target()) as client:
        assert client.get_transport().is_authenticated()


def test_the_keys_of_the_user_come_before_the_password(machine, tmp_path):
    folder = tmp_path / "home" / ".ssh"
    folder.mkdir(parents=True)
    for suffix in ("", ".pub"):
        text = (machine.server.folder / f"client_key{suffix}").read_text()
        (folder / f"id_ed25519{suffix}").write_text(text)
    (folder / "id_ed25519").chmod(0o600)
    with connected(machine.target(pkey_file_path=None, password=PASSWORD)) as client:
        assert client.get_transport().is_authenticated()


def test_the_agent_is_asked(machine, tmp_path, monkeypatch):
    path = tmp_path / "agent"
    with subprocess.Popen(["ssh-agent", "-D", "-a", str(path)], stdout=subprocess.DEVNULL) as agent:
        try:
            monkeypatch.setenv("SSH_AUTH_SOCK", str(path))
            while subprocess.run(["ssh-add", "-l"], capture_output=True).returncode == 2:  # nobody answers yet
                assert agent.poll() is None
            subprocess.run(["ssh-add", "-q", machine.key], check=True)
            with connected(machine.target(pkey_file_path=None)) as client:
                assert client.get_transport().is_authenticated()
        finally:
            agent.terminate()


def test_a_wrong_key(machine, tmp_path):
    generate_key(tmp_path / "other")
    text = refused(machine.target(pkey_file_path=tmp_path / "other"), LoginRefused, r"refuses the key '.*other'\. Put")
    assert "ssh-copy-id" in text


def test_a_wrong_password_is_in_no_text(machine, tmp_path, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    generate_key(tmp_path / "other")
    target = machine.target(pkey_file_path=tmp_path / "other", password=PASSWORD)
    text = refused(target, LoginRefused, "and the password.*check the password")
    output = capfd.readouterr()
    assert PASSWORD not in text + caplog.text + output.out + output.err + repr(target) + str(target)


def test_nothing_to_log_in_with(machine):
    refused(machine.target(pkey_file_path=None), LoginRefused, "may not log in to 127.0.0.1:.*or give a password")


def test_a_key_with_a_passphrase(machine, tmp_path):
    key = tmp_path / "locked"
    generate_key(key)
    subprocess.run(["ssh-keygen", "-q", "-p", "-P", "", "-N", PASSWORD, "-f", str(key)], check=True)
    refused(machine.target(pkey_file_path=key), LoginRefused, "passphrase.*ssh-add")
    authorized = machine.server.folder / "authorized_keys"
    before = authorized.read_text()
    authorized.write_text(before + key.with_suffix(".pub").read_text())
    try:
        with connected(machine.target(pkey_file_path=key, password=PASSWORD)) as client:
            assert client.get_transport().is_authenticated()
    finally:
        authorized.write_text(before)


def test_an_unknown_host_is_refused_and_can_be_accepted(machine, caplog):
    machine.known_hosts.write_text("# mine\nelsewhere ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ")  # no end of line
    refused(machine.target(), HostKeyRefused, r"SHA256:.*ssh -p \d+ .*accept_new_host_key=True")
    assert "127.0.0.1" not in machine.known_hosts.read_text()
    with connected(machine.target(accept_new_host_key=True)):
        assert "is new: its key ssh-ed25519 SHA256:" in caplog.text
    lines = machine.known_hosts.read_text().splitlines()
    assert lines == ["# mine", "elsewhere ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ", machine.known.strip()]
    with connected(machine.target()):
        pass


def test_a_host_with_another_key_is_refused_even_where_new_ones_are_accepted(machine, tmp_path):
    generate_key(tmp_path / "other")
    other = (tmp_path / "other.pub").read_text().split()
    machine.known_hosts.write_text(f"[127.0.0.1]:{machine.port} {other[0]} {other[1]}\n")
    refused(machine.target(accept_new_host_key=True), HostKeyRefused, "somebody listens in.*ssh-keygen -f .* -R")


def test_hashed_known_hosts_are_read(machine):
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", str(machine.known_hosts)], check=True, stderr=subprocess.DEVNULL)
    assert "127.0.0.1" not in machine.known_hosts.read_text()
    with connected(machine.target()):
        pass


def test_nobody_listens(machine):
    with socket.socket() as ours:
        ours.bind(("127.0.0.1", 0))  # and does not listen; nobody else can
        target = Target("127.0.0.1", ours.getsockname()[1], machine.user, pkey_file_path=machine.key)
        refused(target, ConnectionLost, r"127\.0\.0\.1:\d+ cannot be reached.*Check host, port and network")


@pytest.mark.parametrize("given", [{"host": "-oProxyCommand=x"}, {"host": ""}, {"user": "a b"}, {"user": "a\nb"}])
def test_names_that_are_none(given):
    with pytest.raises(ConfigError, match="is no name of a"):
        Target(**{"host": "h", "port": 22, "user": "u", **given})


def test_a_key_file_that_is_missing():
    with pytest.raises(ConfigError, match="there is no file"):
        Target("h", 22, "u", pkey_file_path="/nowhere/key")


def test_a_folder_alone(machine, tmp_path):
    (tmp_path / "local").mkdir()
    (tmp_path / "local" / "a.txt").write_text("a")
    there = str(tmp_path / "there" / "deep")
    assert upload_folder(machine.target(), tmp_path / "local", there) == ["a.txt"]
    assert upload_folder(machine.target(), tmp_path / "local", there) == []
    for wrong in ("relative/path", "/", "//"):
        with pytest.raises(ConfigError, match="whole path"):
            upload_folder(machine.target(), tmp_path / "local", wrong)
    with pytest.raises(ConfigError, match="no folder"):
        upload_folder(machine.target(), tmp_path / "nowhere", there)
    (tmp_path / "there" / "deep" / "b.txt").mkdir()
    (tmp_path / "local" / "b.txt").write_text("b")
    with pytest.raises(UploadFailed, match=r"local/b\.txt' could not be uploaded to '.*deep/b\.txt'"):
        upload_folder(machine.target(), tmp_path / "local", there)
    assert sorted(path.name for path in (tmp_path / "there" / "deep").iterdir()) == ["a.txt", "b.txt"], "no half file"
