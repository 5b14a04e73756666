"""What can go wrong between us and a RabbitMQ server, and what the user can do about it."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

from funboost_core.errors import BrokerUnavailable, ConfigError, FunboostError

if TYPE_CHECKING:
    from .address import Address

NETWORK = 0
"""The code of what no server said."""
UNTRUSTED, UNENCRYPTED = 1, 2
"""Codes of ours: the server's certificate is not trusted; it does not encrypt although it should."""
_ACCESS_REFUSED, _NOT_FOUND, _LOCKED, _PRECONDITION, _NOT_ALLOWED = 403, 404, 405, 406, 530


class Fault(Exception):
    """A connection has ended: with the reply code that the server gave, or NETWORK."""

    def __init__(self, code: int, text: str, opened: bool = True) -> None:
        super().__init__(text)
        self.code = code
        self.text = text
        self.opened = opened
        """Whether the connection stood before."""


class RabbitUnavailable(BrokerUnavailable):
    """The RabbitMQ server {server} cannot be reached ({error}). Check that it runs and that {setting} points to it."""


class PublishingBlocked(BrokerUnavailable):
    """The RabbitMQ server {server} takes no messages for now ({error}); what is queued can be consumed. Consume or
    purge, or give the server more memory or disk; broker_exclusive_config={{"publish_timeout": …}} says how many
    seconds are waited for that."""


class PublishingRefused(BrokerUnavailable):
    """The RabbitMQ server {server} refused {count} messages for queue {queue!r}: its policy limits the queue's length.
    Consume or purge, or change the policy."""


class QueueGone(BrokerUnavailable):
    """Queue {queue!r} was deleted while it was used; it is declared again."""


def code_of(error: object) -> int:
    """The code of what went wrong while connecting."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return UNTRUSTED
    plain = isinstance(error, ssl.SSLError) and error.reason in {"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE"}
    return UNENCRYPTED if plain else NETWORK


def explain(fault: Fault, address: Address, queue: str) -> FunboostError:
    """What to raise: `ConfigError` where waiting cannot help."""
    server, setting, text = address.shown, address.setting, fault.text
    if fault.code == UNTRUSTED:
        return ConfigError(
            f"The certificate of the RabbitMQ server {server} is not trusted: {text}. Append ?cafile=FILE to {setting}, a "
            "file with the certificate of whoever has signed it, and call the server by a name that is in it."
        )
    if fault.code == UNENCRYPTED:
        return ConfigError(
            f"{setting} says amqps://, and the RabbitMQ server {server} does not encrypt there. Name its port for TLS "
            "(5671 unless it was changed), or write amqp://."
        )
    if fault.code == _ACCESS_REFUSED and not fault.opened:
        return ConfigError(
            f"The RabbitMQ server {server} refuses the user name or the password. Correct them in {setting} (write "
            "@ : / ? # % in a password as %40 %3A %2F %3F %23 %25); the user guest may log in from the server's own host only."
        )
    if fault.code == _NOT_ALLOWED:
        return ConfigError(
            f"The RabbitMQ server {server} has no virtual host {address.vhost!r}, or user {address.user!r} may not use it "
            f"({text}). Correct the end of {setting}, or run: rabbitmqctl add_vhost NAME, rabbitmqctl set_permissions."
        )
    if fault.code == _ACCESS_REFUSED:
        return ConfigError(
            f"The RabbitMQ server {server} does not let user {address.user!r} do that ({text}). "
            "Widen the permissions: rabbitmqctl set_permissions."
        )
    if fault.code == _PRECONDITION and "inequivalent arg" in text:
        return ConfigError(
            f"Queue {queue!r} exists on {server} with other arguments ({text}). Set broker_exclusive_config (such as "
            "x-max-priority) to what it was declared with, or delete it, or choose another queue name."
        )
    if fault.code == _LOCKED:
        return ConfigError(
            f"Queue {queue!r} on {server} belongs to another connection alone ({text}). Choose another name."
        )
    if fault.code == _NOT_FOUND:
        return QueueGone(queue=queue)
    if fault.code == _PRECONDITION and "timed out" in text:
        text = f"{text}. Tasks that run so long are run again: raise consumer_timeout in rabbitmq.conf"
    return RabbitUnavailable(server=server, error=text, setting=setting)
