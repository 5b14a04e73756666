"""From the client's errors to ours: what can never work, and what may work later."""

from __future__ import annotations

from typing import Any

from confluent_kafka import KafkaError, KafkaException

from funboost_core.errors import BrokerError, BrokerUnavailable, ConfigError

KIND = "KAFKA_CONFLUENT"
_REFUSED = {KafkaError._AUTHENTICATION, KafkaError.SASL_AUTHENTICATION_FAILED, KafkaError._SSL}
_FORBIDDEN = {
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.GROUP_AUTHORIZATION_FAILED,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
}
FORBIDDEN: frozenset[int] = frozenset(_FORBIDDEN)
_WRONG = {
    KafkaError.TOPIC_EXCEPTION: "Kafka does not take this topic name. Choose another queue_name.",
    KafkaError.INVALID_REPLICATION_FACTOR: "Lower replication_factor in broker_exclusive_config, or start more servers.",
    KafkaError.POLICY_VIOLATION: "Set num_partitions and replication_factor in broker_exclusive_config as its policy wants.",
    KafkaError._INVALID_ARG: "Mend consumer_config or producer_config in broker_exclusive_config.",
    KafkaError.INCONSISTENT_GROUP_PROTOCOL: "The other consumers of the group use another "
    "partition.assignment.strategy; set it in consumer_config, or another group_id.",
}


def error_of(error: Any) -> KafkaError:
    """The `KafkaError` in an exception of the client."""
    found = error.args[0] if isinstance(error, KafkaException) and error.args else error
    return found if isinstance(found, KafkaError) else KafkaError(KafkaError._FAIL, str(error))


def explain(error: Any, servers: str, what: str = "") -> Exception:
    """Our exception for one of the client's."""
    known = error_of(error)
    code, text = known.code(), f"{what}{known.str()}"
    if code in _REFUSED:
        return ConfigError(
            f"Kafka at {servers} refuses us: {text}. Check sasl.username, sasl.password, sasl.mechanism and "
            "security.protocol, in the setting KAFKA_SASL_CONFIG, or in consumer_config and in producer_config."
        )
    if code in _FORBIDDEN:
        return ConfigError(f"Kafka at {servers} does not allow it: {text}. Ask for the right, or use another group_id.")
    if code in _WRONG and "are currently fenced" not in text:  # that is: they have just started, or stood still
        return ConfigError(f"{text}. {_WRONG[code]}")
    if code == KafkaError.MSG_SIZE_TOO_LARGE:
        return BrokerError(
            error=f"{text}. Send less, or raise message.max.bytes in producer_config and max.message.bytes of the topic."
        )
    where = f"servers {servers}, from the setting KAFKA_BOOTSTRAP_SERVERS"
    return BrokerUnavailable(kind=KIND, error=f"{text}; {where}")
