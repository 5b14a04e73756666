"""Declares a broker and imports its client: `broken_brokers.ImportsClient`."""

import some_client
from broken_brokers import MEMORY, ImportsClient

from funboost_core import BrokerSpec, hookimpl


@hookimpl
def funboost_brokers():
    return [
        BrokerSpec("ImportsClient", ImportsClient, MEMORY.capabilities, MEMORY.options, some_client.__doc__),
    ]
