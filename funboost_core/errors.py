"""The exception tree.  The docstring of a class is its message: it says what was wrong and what to do."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any


def text_of(error: BaseException) -> str:
    """``str(error)``, also for the error of a user whose ``__str__`` itself fails."""
    try:
        return str(error)
    except Exception:
        return f"<a {type(error).__name__} that cannot be shown>"


class FunboostError(Exception):
    """Something went wrong in funboost."""

    def __init__(self, message: str | None = None, **details: Any) -> None:
        self.details = details
        if message is None:
            message = inspect.cleandoc(type(self).__doc__ or "").replace("\n", " ").format(**details)
        super().__init__(message)


# -- configuration: raised where a task is declared or started, never per message ---------------------------


class ConfigError(FunboostError, ValueError):
    """The configuration is wrong."""


class UnknownKind(ConfigError, LookupError):
    """No {room} called {kind!r} is installed (installed: {installed}). Install it with: pip install {dist}{hint}"""


class DuplicateKind(ConfigError):
    """Two plugins declare the {room} {kind!r}: {first} and {second}. Uninstall one of them."""


class PluginIncompatible(ConfigError):
    """The plugin {plugin} does not fit this funboost-core {core}: {reason}. Install versions that belong together."""


class CapabilityMissing(ConfigError):
    """The broker {kind!r} of queue {queue!r} cannot do what {feature} needs ({missing}). {fix}"""


class StateMissing(ConfigError):
    """{feature} needs a place to keep state and none is configured. Set {setting}, for example in the
    environment: FUNBOOST_{setting}=memory://"""


class QueueUnknown(ConfigError, LookupError):
    """No task with queue_name={queue!r} is known in this process (known: {known}). Import the module that
    defines it."""


# -- publishing ---------------------------------------------------------------------------------------------


class SignatureError(FunboostError, ValueError, TypeError):
    """The arguments do not fit {function}: {problem}."""


class PublishError(FunboostError):
    """The message could not be published to queue {queue!r}: {error}"""


class NotSerializable(FunboostError, TypeError):
    """Argument {name!r} of queue {queue!r} is a {type}, which JSON cannot carry. Pass plain data instead."""


class SecretKeyMissing(NotSerializable):
    """Argument {name!r} of queue {queue!r} is a {type}, which JSON cannot carry. It can travel pickled between hosts
    that share a key to sign it with: set FUNBOOST_SECRET_KEY to the same secret text on all of them. Or pass plain
    data, or annotate the parameter with a type that pydantic can carry."""


# -- messages and brokers ------------------------------------------------------------------------------------


class BadMessage(FunboostError, ValueError):
    """A message that cannot be run; it goes to the dead-letter queue with this reason: {reason}"""


class CannotJudge(FunboostError):
    """Whether the message may run cannot be told now ({error}); it goes back and is asked about again after a pause."""


class BrokerError(FunboostError):
    """The broker failed: {error}"""


class BrokerUnavailable(BrokerError, ConnectionError):
    """The broker {kind!r} cannot be reached ({error}). Check that it runs and that the settings point to it."""


# -- raised by a task to say what becomes of its message ------------------------------------------------------


class TaskControl(FunboostError):
    """Base of the exceptions by which a task decides what becomes of its message."""


class RetryTask(TaskControl):
    """The task asked to be run again."""


class RequeueTask(TaskControl):
    """The task asked for its message to be put back into the queue."""


class TaskSkipped(FunboostError):
    """The message was not run; its reply says why."""


class DeadLetterTask(TaskControl):
    """The task asked for its message to be moved to the dead-letter queue."""


# -- runs that were ended ----------------------------------------------------------------------------------------


class RunInterrupted(BaseException):
    """Thrown into a run that is to end now.  ``except Exception`` does not catch it; `with` and `finally` do their work.

    What becomes of the run is `TaskTimeout` or `TaskKilled`.
    """


class TaskTimeout(FunboostError, TimeoutError):
    """The run took longer than function_timeout={seconds} s and was ended."""


class TaskKilled(FunboostError):
    """The task was killed on request."""


class ProcessDied(FunboostError):
    """The process that ran the task ended: {how}."""


# -- results ----------------------------------------------------------------------------------------------------


class ResultTimeout(FunboostError, TimeoutError):
    """No result of task {task_id} arrived within {timeout} seconds. Is a consumer running, and does the task use
    is_using_rpc_mode=True?"""


class ResultError(FunboostError):
    """There is no result to be had: {error}"""


class TaskFailed(ResultError):
    """The task that was waited for failed.

    The text is JSON, ``{"task_id": …, "raw_error": …}``; where that task had itself died of waiting for a failed task,
    `raw_error` is in turn such an object, so that a chain of tasks shows where it broke.
    """

    def __init__(self, chain: Mapping[str, Any]) -> None:
        from json import dumps

        super().__init__(dumps(chain, ensure_ascii=False, default=str))
        self.task_id: Any = chain["task_id"]
        self.raw_error: Any = chain["raw_error"]

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), ({"task_id": self.task_id, "raw_error": self.raw_error},)

    @staticmethod
    def chain(status: Mapping[str, Any]) -> dict[str, Any]:
        """The task and its error, from a status dict of a failed run."""
        from json import loads

        raw: Any = status["exception"]
        try:
            inner = loads(status["exception_msg"] or "")
        except ValueError:
            inner = None
        if isinstance(inner, dict) and inner.keys() == {"task_id", "raw_error"}:
            raw = inner
        return {"task_id": status["task_id"], "raw_error": raw}
