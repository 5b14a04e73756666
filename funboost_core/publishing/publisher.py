"""One queue's way out: arguments -> message -> broker.  Safe to use from any thread."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .. import binding
from ..checks import refuse_homeless, refuse_waiting
from ..errors import FunboostError, NotSerializable, PublishError, SignatureError
from ..message import Message, encode, new_task_id, respell
from ..native import off_hub, patched
from ..payloads.carrying import Carrier
from ..ports.broker import Body, Outgoing
from ..ports.capability import Capability
from ..shielding import exposed, shielded
from ..timing import TIMES, due_time, timezone
from .once import once

if TYPE_CHECKING:
    from ..params import TaskOptions
    from ..task import Task


class Publisher:
    """Publishes to one queue; made lazily in each process.

    Raises:
        UnknownKind: the broker is not installed.
    """

    def __init__(self, task: Task) -> None:
        self.task = task
        self._broker: Any
        if patched:
            from ..green import OnLane

            self._broker = OnLane(task.make_broker, f"funboost-{task.queue_name}-publish")
        else:
            self._broker = task.make_broker()
        hooks, capabilities = task.hooks, task.capabilities
        self._objects = Capability.OBJECTS in capabilities
        self._check = task.signature is not None and task.params.should_check_publish_func_params
        self._before = binding.bind(hooks, "funboost_before_publish", "message", "task")
        self._after = binding.bind(hooks, "funboost_after_publish", "message", "task")
        self._failed = binding.bind(hooks, "funboost_publish_failed", "message", "task", "error")
        if task.publishing_logger.isEnabledFor(logging.DEBUG):
            self._after = (*self._after, _log)
        self._once = once(task)
        self._hooked = bool(self._before or self._after or self._failed or self._once)
        self._carrier = Carrier(task, self._objects)
        self._plain = not (self._hooked or self._carrier.active)
        self._stamp = _Stamp(str(task.environment.settings("TIMEZONE", "UTC")))
        self._time = task.environment.clock.time
        task.need(Capability.PUBLISH, "push", "This broker only consumes.")

    # -- what users call --------------------------------------------------------------------------------------------

    def push(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
        """Publish a call; the task id."""
        signature = self.task.signature
        if signature is None:
            raise SignatureError(
                function=f"queue {self.task.queue_name!r}",
                problem="its function is not known here; use publish with a dict",
            )
        arguments, extra = signature.bind(args, kwargs, self._check), self._extra()
        if self._plain:
            arguments["extra"] = extra
            try:
                body: Body = arguments if self._objects else encode(arguments, self.task.queue_name)
            except NotSerializable:
                del arguments["extra"]
                body = self._carrier.encode(arguments, extra)
            self._publish((Outgoing(body),))
        else:
            self._send([self._outgoing(arguments, extra)])
        return extra["task_id"]  # type: ignore[no-any-return]

    def push_many(self, calls: Sequence[Mapping[str, Any]]) -> list[str]:
        """Publish many calls, given by their keyword arguments, in one batch; the task ids."""
        outgoing, extras = [], []
        common, queue_name = self._extra(), self.task.queue_name
        for call in calls:
            arguments = dict(call)
            if self._check:
                self.task.signature.check(arguments)  # type: ignore[union-attr]
            extra = {**common, "task_id": new_task_id(queue_name)}
            outgoing.append(self._outgoing(arguments, extra))
            extras.append(extra)
        self._send(outgoing)
        return [extra["task_id"] for extra in extras]

    def publish(
        self, message: Mapping[str, Any] | str | bytes, task_id: Any = None, options: TaskOptions | None = None
    ) -> tuple[Any, bool]:
        """Publish a message given by argument names (a dict or its JSON text); its id, and whether it asks for a reply.

        An ``extra`` in the message wins over what is generated.
        """
        arguments = dict(json.loads(message) if isinstance(message, (str, bytes)) else message)
        given = dict(arguments.pop("extra", None) or {})
        respell(given, self.task.environment.aliases["extra"])
        if self._check:
            self.task.signature.check(arguments)  # type: ignore[union-attr]
        extra = self._extra()
        if task_id is not None:
            extra["task_id"] = task_id
        if options is not None:
            refuse_homeless(self.task, options)
            extra.update(options.extra())
        extra.update(given)
        self._send([self._outgoing(arguments, extra)])
        return extra["task_id"], bool(extra.get("is_using_rpc_mode", self.task.params.is_using_rpc_mode))

    def send(self, body: bytes | str | dict[str, Any]) -> None:
        """Publish raw: nothing is added or checked."""
        if isinstance(body, str):
            body = body.encode()
        elif isinstance(body, dict) and not self._objects:
            body = encode(body, self.task.queue_name)
        self._publish([Outgoing(body)])

    def count(self) -> int:
        """Messages that wait, -1 where the broker cannot tell."""
        return shielded(self._broker.count) if Capability.COUNT in self.task.capabilities else -1

    def purge(self) -> None:
        """Remove the messages that wait, those that wait for their time in the state store included."""
        self.task.need(Capability.PURGE, "clear", "Consume the queue instead.")
        state = self.task.environment.state
        if state.has("parking"):  # first: what is moved from there to the broker meanwhile is removed with the others
            off_hub(state.parking.purge, self.task.queue)
        shielded(self._broker.purge)
        if self._once is not None:
            self._once.forget()

    def close(self) -> None:
        """Release the connection."""
        self._broker.close()

    # -- inside -------------------------------------------------------------------------------------------------------

    def _extra(self) -> dict[str, Any]:
        now = self._time()
        return {
            "task_id": new_task_id(self.task.queue_name),
            "publish_time": int(now * 10000) / 10000,
            "publish_time_format": self._stamp(now),
        }

    def _outgoing(self, arguments: dict[str, Any], extra: dict[str, Any]) -> Outgoing:
        message = None
        if self._hooked:
            message = Message(arguments, extra)
            for hook in self._before:
                hook(message, self.task)
            arguments, extra = message.arguments, message.extra
        carrier = self._carrier
        if carrier.active or self._once is not None:
            arguments = carrier.pack(arguments, extra, self._once is not None)
            if self._once is not None:
                self._once.mark(Message(arguments, extra))
            arguments = carrier.code(arguments, extra)
        if message is not None:
            message.arguments = arguments
        outgoing = Outgoing({**arguments, "extra": extra} if self._objects else carrier.encode(arguments, extra))
        if len(extra) > 3:
            self._control(outgoing, extra)
        if message is not None:
            outgoing.message = message
        return outgoing

    def _control(self, outgoing: Outgoing, extra: dict[str, Any]) -> None:
        """Priority and due time, where the broker itself honours them."""
        if extra.get("priority"):
            self.task.need(Capability.PRIORITY, "priority", "Choose a broker with priorities.")
            outgoing.priority = int(extra["priority"])
        if Capability.DELAY in self.task.capabilities:
            outgoing.due = due_time(extra, self._stamp.zone, extra["publish_time"])
        elif not TIMES.isdisjoint(extra):
            refuse_waiting(self.task)

    def _send(self, messages: list[Outgoing]) -> None:
        if not self._hooked:
            self._publish(messages)
            return
        try:
            if self._once is None:
                self._publish(messages)
            else:
                messages = shielded(self._once.send, messages, self._publish)
        except Exception as error:
            for hook in self._failed:
                for outgoing in messages:
                    hook(outgoing.message, self.task, error)
            raise
        for hook in self._after:
            for outgoing in messages:
                hook(outgoing.message, self.task)

    def _publish(self, messages: Sequence[Outgoing]) -> None:
        try:
            if exposed:
                shielded(self._broker.publish, messages)
            else:
                self._broker.publish(messages)
        except FunboostError:
            raise
        except Exception as error:
            raise PublishError(queue=self.task.queue_name, error=f"{type(error).__name__}: {error}") from error


def _log(message: Message, task: Task) -> None:
    shown = (
        {**message.arguments, "extra": message.extra} if task.params.publish_msg_log_use_full_msg else message.arguments
    )
    task.publishing_logger.debug(
        "%s: published %s %s", task.queue_name, message.task_id, shown, extra={"task_id": message.task_id}
    )


class _Stamp:
    """Wall-clock text of a moment, to the second; formatted once a second."""

    def __init__(self, zone: str) -> None:
        self.zone = zone
        self._tz = timezone(zone)
        self._last = (-1, "")  # read and replaced as one: several threads publish

    def __call__(self, moment: float) -> str:
        second, (last, text) = int(moment), self._last
        if second != last:
            import datetime

            text = datetime.datetime.fromtimestamp(second, self._tz).strftime("%Y-%m-%d %H:%M:%S")
            self._last = (second, text)
        return text
