from funboost_testing.engines import EngineBrokerSuite


class TestPool(EngineBrokerSuite):
    kind = "POOL"
    plugins = ("pool_engine",)
