"""One fetched message: decode it, find its plan, ask its controls; what may not run is settled here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import BadMessage, CannotJudge, ConfigError, SignatureError, TaskSkipped
from ..message import RESERVED, decode, unpack
from ..outcome import DeadLetter, Drop, Later, Outcome, Skip
from . import finishing
from .leaving import leave
from .suspects import Suspects

if TYPE_CHECKING:
    from ..ports.broker import Delivery
    from ..task import Task
    from .plan import Planner
    from .settling import Settler


class Receiver:
    """Decides for each message of a consumer whether it may run now."""

    def __init__(self, task: Task, planner: Planner, settler: Settler) -> None:
        self._task = task
        self._planner = planner
        self._settler = settler
        settler.tell = self._tell
        self._suspects = Suspects(task)
        self._time = task.environment.clock.time
        self.trouble: BaseException | None = None  # why a message could not be judged; whoever fetches waits a while

    def admit(self, delivery: Delivery) -> bool:
        """True when the message may run; else it is skipped, put off or a dead letter, and who waits for it is told."""
        task = self._task
        again = delivery.attempts != 1
        try:
            if again and (reason := self._suspects.condemned(delivery)):
                self._bury(delivery, reason)
                return False
            unpack(delivery, self._data(delivery), task.queue_name, self._time())
            plan = delivery.plan = self._planner.plan(delivery)
            signature = task.signature
            if signature is not None and delivery.arguments.keys() != signature.accepted:
                signature.check(delivery.arguments)
            for step in plan.admit:
                admission = step(delivery)
                if isinstance(admission, (Skip, Later)):
                    self._not_now(delivery, admission)
                    return False
        except (BadMessage, SignatureError, ConfigError) as error:
            task.logger.error("%s: a message goes to the dead-letter queue: %s", task.queue_name, error)
            self._reject(delivery, str(error), None)
            return False
        except CannotJudge as error:
            name = delivery.task_id if hasattr(delivery, "extra") else "a message"
            task.logger.warning("%s %s goes back: %s", task.queue_name, name, error)
            self.trouble = error
            self._settler.give_back([delivery])
            return False
        except Exception as error:  # a plugin's convert or admit hook
            task.logger.exception("%s: a message goes to the dead-letter queue", task.queue_name)
            self._reject(delivery, "it could not be admitted", error)
            return False
        if again and not self._suspects.alone(delivery):
            self._settler.put_backs += 1
            self._settler.give_back([delivery])
            return False
        return True

    def restore(self, delivery: Delivery) -> None:
        """Give a message that goes on its arguments as they came: the function may have changed what they contain."""
        data = self._data(delivery)
        for name in ("extra", *RESERVED):
            data.pop(name, None)
        delivery.arguments = data

    def _data(self, delivery: Delivery) -> dict[str, Any]:
        body = delivery.body
        if self._planner.convert is not None:
            converted = self._planner.convert(body, self._task)
            body = body if converted is None else converted
        return decode(body, self._task.params.max_message_bytes)

    def _not_now(self, delivery: Delivery, admission: Skip | Later) -> None:
        if isinstance(admission, Skip):
            task, verdict = self._task, Drop(admission.reason)
            task.logger.info("%s %s is skipped: %s", task.queue_name, delivery.task_id, admission.reason)
            if not admission.copy:
                leave(delivery, verdict)
                self._tell(delivery, verdict)
            self._settler.ack(delivery)
        elif admission.due is None:
            self._settler.give_back([delivery])
        else:
            leave(delivery, None)
            self._settler.later(delivery, admission.due, **(admission.changes or {}))

    def _bury(self, delivery: Delivery, reason: str) -> None:
        task = self._task
        try:  # not by a plugin: that may be what kills
            unpack(delivery, decode(delivery.body, task.params.max_message_bytes), task.queue_name, self._time())
            delivery.plan = self._planner.plan(delivery)
        except (BadMessage, ConfigError):
            pass
        task.logger.error("%s: a message goes to the dead-letter queue: %s", task.queue_name, reason)
        self._reject(delivery, reason, None)

    def _reject(self, delivery: Delivery, reason: str, error: Exception | None) -> None:
        verdict = DeadLetter(reason)
        leave(delivery, verdict)
        self._tell(delivery, verdict)
        self._settler.dead_letter(delivery, reason, error)

    def _tell(self, delivery: Delivery, verdict: Drop | DeadLetter) -> None:
        """Tell who waits for the result that there will be none."""
        if not hasattr(delivery, "extra"):
            return  # it could not even be decoded: nobody can have its id
        if hasattr(delivery, "plan"):
            reply = delivery.plan.reply
        else:  # what the message overrides is what is wrong with it
            plan = delivery.plan = self._planner.plain
            wanted = delivery.extra.get("is_using_rpc_mode", plan.params.is_using_rpc_mode)
            reply = finishing.reply(self._task, plan.params) if wanted else None
        if reply is not None:
            now = self._time()
            outcome = Outcome(None, TaskSkipped(verdict.reason), now, now, delivery.runs)
            try:
                # whoever ran it may have died after the reply and before the acknowledgement
                if self._task.environment.state.replies.get(str(delivery.task_id), 0) is None:
                    reply(delivery, outcome, verdict)
            except Exception:
                self._task.logger.exception("Telling about %s failed; the consumer goes on.", delivery.task_id)
