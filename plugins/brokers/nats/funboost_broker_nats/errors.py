"""What goes wrong at the server, and what the user can do about it."""

from __future__ import annotations

import ssl

from funboost_core import BrokerUnavailable, ConfigError, FunboostError

from .address import Address


class NatsUnavailable(BrokerUnavailable):
    """The NATS server {server} cannot be reached ({error}). Check that it runs and that NATS_URL points to it."""


class NobodyListens(BrokerUnavailable):
    """{unheard} of {total} messages have found no consumer of the queue {queue!r} within {seconds:g} s, and a NATS server
    stores nothing: they were not published. Start a consumer first, start more of them if all have received as much as
    they may (option receive_ahead), or give it longer (option publish_timeout)."""


def explained(error: BaseException | str, address: Address) -> FunboostError:
    """`error` as the core's: `ConfigError` where waiting cannot help."""
    if isinstance(error, FunboostError):
        return error
    text = str(error) or type(error).__name__
    low = text.lower()
    if "authorization" in low or "authentication" in low:
        return ConfigError(
            f"The NATS server {address} refuses who we are ({text}). Correct user and password, or the token, in NATS_URL: "
            "nats://user:password@host:4222 or nats://token@host:4222."
        )
    if "permissions violation" in low:
        return ConfigError(
            f"The NATS server {address} does not allow it ({text}). Let the user of NATS_URL do that in the server's "
            "configuration: publishers publish to the queue's subject and subscribe to _INBOX.>, consumers subscribe to "
            "both."
        )
    if isinstance(error, ssl.SSLCertVerificationError):
        return ConfigError(
            f"The certificate of the NATS server {address} is not trusted: {error.verify_message}. Let NATS_CA_FILE name a "
            "file with the certificate of whoever has signed it, and NATS_URL have a host that is in it."
        )
    return NatsUnavailable(server=address, error=text)
