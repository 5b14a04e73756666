"""What the RabbitMQ brokers share: a client library is added by a `Wire`, about a hundred lines."""
