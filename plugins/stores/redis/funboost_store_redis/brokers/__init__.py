"""What the Redis brokers share.  `scripts` says what is where; `base` → `claims` → `lists` are the brokers' classes."""
