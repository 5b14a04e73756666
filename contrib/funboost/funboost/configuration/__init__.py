"""Settings from `funboost_config.py`, and the classes through which programs read the effective ones."""
