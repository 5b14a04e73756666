"""What an MQTT server refuses, and what the user can do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from funboost_core.errors import BrokerUnavailable, ConfigError, FunboostError

if TYPE_CHECKING:
    from paho.mqtt.reasoncodes import ReasonCode

    from .address import Address

_FIXES = {
    0x84: "Use a server that speaks MQTT 5, such as Mosquitto 2 or EMQX 5",
    0x85: "Choose another MQTT_USERNAME, or let the server accept client ids that it has not given",
    0x86: "Correct MQTT_USERNAME and MQTT_PASSWORD",
    0x87: "Let the user {user!r} do that in the server's access rules (ACL), or correct MQTT_USERNAME and MQTT_PASSWORD",
    0x8A: "Lift the ban in the server's rules",
    0x8C: "Use a server that takes user name and password",
    0x90: "Choose another queue name, or allow the topic",
    0x95: "Send less, or raise the server's largest packet (Mosquitto: max_packet_size)",
    0x9E: "Use a server with shared subscriptions, such as Mosquitto 2 or EMQX 5",
}


class MqttUnavailable(BrokerUnavailable):
    """The MQTT server {server} cannot be reached ({error}). Check that it runs and that MQTT_HOST and MQTT_TCP_PORT point to it."""


class NobodyListens(BrokerUnavailable):
    """Nobody has subscribed to the queue {queue!r} within {seconds:g} s, and an MQTT server stores nothing for those who
    come later: the message was not published. Start a consumer first, or give it longer (option publish_timeout)."""


def refused(what: str, code: ReasonCode, address: Address) -> FunboostError:
    """What to raise for a reason code of the server: `ConfigError` where waiting cannot help."""
    fix = _FIXES.get(code.value)
    if fix is None:
        return MqttUnavailable(server=address, error=f"{what}: {code}")
    return ConfigError(f"The MQTT server {address} has refused {what}: {code}. {fix.format(user=address.username)}.")


def untrusted(why: str, address: Address) -> ConfigError:
    """What to raise for a server whose certificate is not trusted."""
    return ConfigError(
        f"The certificate of the MQTT server {address} is not trusted: {why}. Let MQTT_CA_FILE name a file with the "
        "certificate of whoever has signed it, and MQTT_HOST be a name that is in it."
    )
