"""What a plugin hears and decides.

Lifecycle hooks are bound to tuples when a task starts to publish or consume.  An exception in a *notify* hook is logged
with the plugin's name and goes no further.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .markers import hookspec

if TYPE_CHECKING:
    from ..message import Message
    from ..outcome import Admission, Outcome, Verdict
    from ..payloads.codecs import Codec
    from ..ports.broker import Delivery
    from ..task import Task


class Publishing:
    """On the way out; called in the thread that publishes."""

    @hookspec
    def funboost_before_publish(self, message: Message, task: Task) -> None:
        """Notify: called before a message is encoded.  It may change `message.arguments` and `message.extra`.

        Example::

            from funboost_core import hookimpl

            @hookimpl
            def funboost_before_publish(message, task):
                message.extra["tenant"] = "blue"
        """

    @hookspec
    def funboost_after_publish(self, message: Message, task: Task) -> None:
        """Notify: called when the broker has confirmed the message.

        Example::

            from funboost_core import hookimpl

            published = []

            @hookimpl
            def funboost_after_publish(message, task):
                published.append((task.queue_name, message.task_id))
        """

    @hookspec
    def funboost_publish_failed(self, message: Message, task: Task, error: BaseException) -> None:
        """Notify: called when the broker refused the message; the error is raised to the publisher afterwards.

        Example::

            from funboost_core import hookimpl

            lost = []

            @hookimpl
            def funboost_publish_failed(message, error):
                lost.append((message.task_id, error))
        """


class Carrying:
    """What arguments look like on their way."""

    @hookspec
    def funboost_codec(self, task: Task) -> Codec | None:
        """Around: called once when a task begins to publish or to consume; its `Codec` encodes and decodes arguments.

        It replaces values, not names, and applies to what JSON carries, after pickling.  Several are applied in the
        order of the setting HOOKS, and undone in the other.  Not called where the broker passes objects.

        Example::

            from funboost_core import Codec, hookimpl

            class Shifted(Codec):
                name = "shifted"

                def encode(self, task, arguments, extra):
                    return {name: value + 1000 for name, value in arguments.items()}

                def decode(self, task, arguments, extra):
                    return {name: value - 1000 for name, value in arguments.items()}

            @hookimpl
            def funboost_codec(task):
                return Shifted()
        """


class Executing:
    """Around the user's function; called on a thread of the framework in every concurrency mode."""

    @hookspec(firstresult=True)
    def funboost_convert_message(self, body: bytes | str | dict[str, Any], task: Task) -> dict[str, Any] | str | None:
        """Decide: turn a message that is not ours into a dict or JSON text, or answer None.  Stops at the first answer.

        Called before a message is decoded, with what the broker delivered.  An exception sends the message to the
        dead-letter queue.

        Example::

            from funboost_core import hookimpl

            @hookimpl
            def funboost_convert_message(body):
                if isinstance(body, bytes) and body.startswith(b"x="):
                    return {"x": int(body[2:])}
        """

    @hookspec(firstresult=True)
    def funboost_admit(self, delivery: Delivery, task: Task) -> Admission | None:
        """Decide: may this message run now?  Answer `Run()`, `Skip(reason)`, `Later(due)` or None.

        Called after the task's own controls, before the pool.  Stops at the first answer.

        Example::

            from funboost_core import Skip, hookimpl

            @hookimpl
            def funboost_admit(delivery, task):
                if delivery.arguments.get("x") == 13:
                    return Skip("unlucky")
        """

    @hookspec
    def funboost_before_execute(self, delivery: Delivery, task: Task) -> None:
        """Notify: called right before each run of the function.

        Example::

            from funboost_core import hookimpl

            started = []

            @hookimpl
            def funboost_before_execute(delivery):
                started.append(delivery.task_id)
        """

    @hookspec
    def funboost_around_execute(self, task: Task) -> Callable[[Callable[..., Any]], Callable[..., Any]] | None:
        """Around: called once when a task starts to consume; the wrapper that is returned wraps every call.

        Example::

            import time

            from funboost_core import hookimpl

            spent = []

            @hookimpl
            def funboost_around_execute(task):
                def wrap(call):
                    def timed(**arguments):
                        start = time.perf_counter()
                        try:
                            return call(**arguments)
                        finally:
                            spent.append(time.perf_counter() - start)
                    return timed
                return wrap
        """

    @hookspec
    def funboost_after_execute(self, delivery: Delivery, task: Task, outcome: Outcome) -> None:
        """Notify: called after each run with its `Outcome`.

        Example::

            from funboost_core import hookimpl

            failures = []

            @hookimpl
            def funboost_after_execute(delivery, outcome):
                if not outcome.success:
                    failures.append((delivery.task_id, outcome.error))
        """

    @hookspec(firstresult=True)
    def funboost_judge(self, delivery: Delivery, task: Task, outcome: Outcome) -> Verdict | None:
        """Decide what becomes of a message once its function has returned or raised.  Stops at the first answer.

        Called after `funboost_after_execute`; with no answer the task's retry policy decides.

        Example::

            from funboost_core import Drop, hookimpl

            @hookimpl
            def funboost_judge(delivery, outcome):
                if isinstance(outcome.error, FileNotFoundError):
                    return Drop("the file is gone")
        """


class Acknowledging:
    """Around the acknowledgement."""

    @hookspec
    def funboost_before_ack(self, delivery: Delivery, task: Task, verdict: Verdict) -> None:
        """Notify: called before a message is acknowledged, moved or given back, with the `Verdict` that is carried out.

        Example::

            from funboost_core import hookimpl

            verdicts = []

            @hookimpl
            def funboost_before_ack(delivery, verdict):
                verdicts.append(verdict)
        """

    @hookspec
    def funboost_after_ack(self, delivery: Delivery, task: Task, verdict: Verdict) -> None:
        """Notify: called when the verdict is carried out or, for plain acknowledgements, on its way in a batch.

        Example::

            from funboost_core import hookimpl

            done = []

            @hookimpl
            def funboost_after_ack(delivery):
                done.append(delivery.task_id)
        """
