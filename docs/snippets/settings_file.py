from funboost.utils.simple_data_class import DataClassBase


class BrokerConnConfig(DataClassBase):
    REDIS_HOST = "192.168.0.1"
    REDIS_PASSWORD = "p@ss/word"  # as it is: where it becomes part of a URL it is quoted


class FunboostCommonConfig(DataClassBase):
    TIMEZONE = "Europe/Berlin"
    NAMESPACE = "staging"
    HOOKS = ["compression"]
