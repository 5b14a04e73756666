"""Broker MQTT: a topic of an MQTT 5 server, shared by its consumers; and results published to topics."""
