"""Remote deployment: upload a project over SFTP, start a task of it there.  Nothing is imported before it is used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .connecting import Target as Target
    from .deployment import Deployment as Deployment
    from .deployment import Run as Run
    from .deployment import deploy as deploy
    from .errors import ConnectionLost as ConnectionLost
    from .errors import DeployError as DeployError
    from .errors import HostKeyRefused as HostKeyRefused
    from .errors import LoginRefused as LoginRefused
    from .errors import StartFailed as StartFailed
    from .errors import UploadFailed as UploadFailed
    from .files import Rules as Rules
    from .options import Options as Options
    from .options import of_runner as of_runner
    from .plan import Plan as Plan
    from .uploading import upload_folder as upload_folder

_WHERE = {
    "ConnectionLost": "errors",
    "DeployError": "errors",
    "Deployment": "deployment",
    "HostKeyRefused": "errors",
    "LoginRefused": "errors",
    "Options": "options",
    "Plan": "plan",
    "Rules": "files",
    "Run": "deployment",
    "StartFailed": "errors",
    "Target": "connecting",
    "UploadFailed": "errors",
    "deploy": "deployment",
    "of_runner": "options",
    "upload_folder": "uploading",
}
__all__ = sorted(_WHERE)  # noqa: PLE0605


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_WHERE[name]}", __name__), name)
