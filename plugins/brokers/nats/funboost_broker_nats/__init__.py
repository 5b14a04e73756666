"""Broker NATS: subjects of a NATS server as queues, shared by queue groups, without storage (core NATS)."""
