"""Broker RABBITMQ_AMQPSTORM: RabbitMQ by the client library amqpstorm."""
