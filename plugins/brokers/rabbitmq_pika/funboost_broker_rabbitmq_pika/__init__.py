"""Broker RABBITMQ_PIKA: RabbitMQ by the client library pika."""
