import os

from funboost_core import Environment

os.environ["FUNBOOST_NAMESPACE"] = "staging"
os.environ["FUNBOOST_STATE_URL"] = "redis://:secret@db.example:6379/0"

environment = Environment({"NAMESPACE": "mine", "STRICT": True})
environment.settings.defaults["DRAIN_SECONDS"] = 10

assert environment.settings("NAMESPACE") == "mine"  # an argument outranks the environment variable
assert environment.settings.origin("STATE_URL") == "environment"
assert environment.settings("DRAIN_SECONDS") == 10
assert environment.settings("NOT_SET", "fallback") == "fallback"

assert environment.settings.effective()["STATE_URL"] == ("redis://:***@db.example:6379/0", "environment")
