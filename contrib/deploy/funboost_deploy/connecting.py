"""Logging in: keys or the agent first, a password only if there is one; hosts only if they are known."""

from __future__ import annotations

import base64
import hashlib
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from funboost_core.errors import ConfigError

from .errors import ConnectionLost, DeployError, HostKeyRefused, LoginRefused

if TYPE_CHECKING:
    from paramiko import SSHClient

logger: logging.Logger = logging.getLogger("funboost.deploy")

SYSTEM = Path("/etc/ssh/ssh_known_hosts")
KEEP_ALIVE = 15
"""Seconds between two packets that keep a connection, and tell when it is gone."""


@dataclass(frozen=True)
class Target:
    """A machine, and who logs in to it.

    Args:
        host, port, user: where to, and as whom.
        password: tried last; also the passphrase of a key that has one.  Shown nowhere.
        pkey_file_path: a private key; the agent's and those in ``~/.ssh`` if None.
        accept_new_host_key: trust a host that `known_hosts` does not have, and add it there.  One whose key is
            another than the known one is refused in any case.
        known_hosts: the file, ``~/.ssh/known_hosts`` if None.
        connect_timeout: seconds.
    """

    host: str
    port: int
    user: str
    password: str | None = field(default=None, repr=False)
    pkey_file_path: str | os.PathLike[str] | None = None
    accept_new_host_key: bool = False
    known_hosts: str | os.PathLike[str] | None = None
    connect_timeout: float = 15.0

    def __post_init__(self) -> None:
        for name in ("host", "user"):
            value = getattr(self, name)
            if not value or not value.isprintable() or value.startswith("-") or " " in value:
                raise ConfigError(f"{name}={value!r} is no name of a {name}.")
        if self.pkey_file_path and not Path(self.pkey_file_path).expanduser().is_file():
            raise ConfigError(f"pkey_file_path: there is no file {str(self.pkey_file_path)!r}.")

    def __str__(self) -> str:
        return f"{self.user}@{self.host}:{self.port}"

    @property
    def hosts_file(self) -> Path:
        """Where known hosts are kept."""
        return Path(self.known_hosts or "~/.ssh/known_hosts").expanduser()


@contextmanager
def connected(target: Target) -> Iterator[SSHClient]:
    """A connection for the time of the block.

    Raises:
        HostKeyRefused: the host is unknown, or not who it was.
        LoginRefused: neither keys nor the password were accepted.
        ConnectionLost: it cannot be reached; also when the connection breaks within the block.
    """
    from paramiko import SSHException

    client = _client(target)
    try:
        _log_in(client, target)
        transport = client.get_transport()
        assert transport is not None
        transport.set_keepalive(KEEP_ALIVE)
        yield client
    except (SSHException, EOFError, OSError) as error:
        if isinstance(error, DeployError):
            raise
        raise ConnectionLost(host=f"{target.host}:{target.port}", reason=_text(error)) from error
    finally:
        client.close()


def _text(error: BaseException) -> str:
    return str(error) or type(error).__name__


def _client(target: Target) -> SSHClient:
    from paramiko import SSHClient

    client = SSHClient()
    for file in (SYSTEM, target.hosts_file):
        if file.is_file():
            _load(client.get_host_keys(), file)
    client.set_missing_host_key_policy(_Unknown(target))
    return client


def _load(known: Any, file: Path) -> None:
    """Line by line, for one that cannot be read must not hide the others."""
    from paramiko import SSHException
    from paramiko.hostkeys import HostKeyEntry, InvalidHostKey

    for line in file.read_text("utf-8", "replace").splitlines():
        try:
            entry = HostKeyEntry.from_line(line.strip())
        except (InvalidHostKey, SSHException, ValueError):
            continue
        for name in entry.hostnames if entry and not line.startswith("#") else ():
            known.add(name, entry.key.get_name(), entry.key)


@dataclass(frozen=True)
class _Unknown:
    """What becomes of hosts that are not known; the client calls it."""

    target: Target

    def missing_host_key(self, client: SSHClient, hostname: str, key: Any) -> None:
        """Called before anything secret is sent."""
        target, shown = self.target, f"{key.get_name()} {fingerprint(key)}"
        if not target.accept_new_host_key:
            raise HostKeyRefused(
                f"The host {hostname} is not in {target.hosts_file}. Its key is {shown}. "
                f"If that is right, log in once with `ssh -p {target.port} {target.user}@{target.host}` and answer "
                "yes, or pass accept_new_host_key=True, which trusts a new host and adds it to that file."
            )
        remember(target.hosts_file, hostname, key)
        logger.warning("%s is new: its key %s is trusted from now on (%s)", hostname, shown, target.hosts_file)


def fingerprint(key: Any) -> str:
    """As `ssh` shows it."""
    digest = hashlib.sha256(key.asbytes()).digest()
    return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")


def remember(file: Path, hostname: str, key: Any) -> None:
    """Add a host's key; the other lines of the file stay as they are."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    before = file.read_bytes() if file.exists() else b""
    line = f"{hostname} {key.get_name()} {key.get_base64()}\n"
    with file.open("ab") as known:
        known.write((b"\n" if before and not before.endswith(b"\n") else b"") + line.encode())


def _log_in(client: SSHClient, target: Target) -> None:
    import paramiko

    key = target.pkey_file_path
    where: dict[str, Any] = {"user": target.user, "host": f"{target.host}:{target.port}"}
    try:
        client.connect(
            target.host,
            port=target.port,
            username=target.user,
            password=target.password or None,
            key_filename=str(Path(key).expanduser()) if key else None,
            allow_agent=not key,  # a key that is named is the one that is meant: others would use up the tries
            look_for_keys=not key,
            timeout=target.connect_timeout,
            banner_timeout=target.connect_timeout,
            auth_timeout=target.connect_timeout,
        )
    except paramiko.BadHostKeyException as error:
        raise HostKeyRefused(
            f"The host {target.host}:{target.port} shows the key {fingerprint(error.key)} and not the one that is "
            f"known, {fingerprint(error.expected_key)}: it has been set up anew, or somebody listens in. Once you know "
            f"that it is right, remove the old one: ssh-keygen -f {target.hosts_file} -R [{target.host}]:{target.port}"
        ) from None
    except paramiko.PasswordRequiredException:
        fix = "Add it to the agent (ssh-add), or pass its passphrase as password."
        raise LoginRefused(reason="the private key has a passphrase", fix=fix, **where) from None
    except paramiko.AuthenticationException as error:
        raise LoginRefused(reason=f"the server refuses {_tried(target)}", fix=_fix(target), **where) from error
    except paramiko.SSHException as error:
        if "authentication" not in str(error).lower():
            raise
        raise LoginRefused(reason=f"nothing to log in with ({error})", fix=_fix(target), **where) from error


def _tried(target: Target) -> str:
    keys = f"the key {str(target.pkey_file_path)!r}" if target.pkey_file_path else "the keys of the agent and of ~/.ssh"
    return f"{keys} and the password" if target.password else keys


def _fix(target: Target) -> str:
    return (
        "Put the public key into ~/.ssh/authorized_keys there (ssh-copy-id), or name another one with pkey_file_path"
        + ("; check the password." if target.password else "; or give a password.")
    )
