"""Kafka, through confluent-kafka, as a broker of funboost."""
