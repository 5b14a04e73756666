from funboost import BrokerConnConfig, patch_frame_config

patch_frame_config(REDIS_HOST="192.168.0.2", REDIS_PASSWORD="p@ss/word")

assert BrokerConnConfig.REDIS_HOST == "192.168.0.2"
assert BrokerConnConfig.REDIS_URL == "redis://:p%40ss%2Fword@192.168.0.2:6379/7"
assert "p@ss" not in repr(BrokerConnConfig())  # secrets are not shown
