"""What can go wrong with another machine.  No text holds a password."""

from __future__ import annotations

from funboost_core.errors import FunboostError


class DeployError(FunboostError):
    """The deployment failed."""


class HostKeyRefused(DeployError, ConnectionError):
    """The host is not the one that it claims to be, or nobody has said that it is."""


class LoginRefused(DeployError, PermissionError):
    """{user} may not log in to {host}: {reason}. {fix}"""


class ConnectionLost(DeployError, ConnectionError):
    """{host} cannot be reached, or no longer ({reason}). Check host, port and network."""


class UploadFailed(DeployError, OSError):
    """{file!r} could not be uploaded to {remote!r} ({reason}). Check that the user may write there and that there is
    room, or choose another folder with remote_folder."""


class StartFailed(DeployError, RuntimeError):
    """{what} on {host} (exit code {code}). What was printed there:
    {output}"""

    def __init__(self, message: str | None = None, **details: object) -> None:
        super().__init__(message, **details)
        self.code = details.get("code")
        self.output = details.get("output", "")
