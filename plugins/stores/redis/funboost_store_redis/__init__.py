"""State of funboost in Redis, and what the Redis brokers share: `address`, `link`, `server`."""
