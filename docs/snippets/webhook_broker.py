"""WEBHOOK: a POST is a message. It is answered 202 when it has been accepted, and 503 while there is no room for it."""

import http.client
import http.server
import socket
import time

from funboost import BoosterParams, boost
from pydantic import BaseModel, Field

from funboost_core import (
    BrokerSpec,
    BrokerUnavailable,
    Capability,
    Delivery,
    Overflow,
    PushBroker,
    default,
    hookimpl,
    register_plugin,
)


class Options(BaseModel, extra="forbid", frozen=True):
    port: int = Field(description="Port of the loopback interface on which the consumer listens.")


class WebhookBroker(PushBroker):
    overflow = Overflow.REFUSE

    def run(self, sink, stop):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                delivery = Delivery(self.rfile.read(int(self.headers["Content-Length"])))
                sink.wait(1)  # a moment of patience before anybody is turned away
                self.send_response(202 if sink.put(delivery) else 503)
                self.end_headers()

            def log_message(self, *args):
                """The core logs what matters."""

        address = ("127.0.0.1", self.context.options.port)
        with http.server.ThreadingHTTPServer(address, Handler) as server:
            server.timeout = 0.1
            while not stop.is_set():
                server.handle_request()

    def publish(self, messages):
        for message in messages:
            client = http.client.HTTPConnection("127.0.0.1", self.context.options.port, timeout=5)
            try:
                client.request("POST", "/", message.body)
                status = client.getresponse().status
            except OSError as error:
                raise BrokerUnavailable(kind=self.context.kind, error=error) from error
            finally:
                client.close()
            if status != 202:
                raise BrokerUnavailable(kind=self.context.kind, error=f"it answered {status}")


@hookimpl
def funboost_brokers():
    can = Capability.PUBLISH | Capability.THREADSAFE_ACK
    return [BrokerSpec("WEBHOOK", WebhookBroker, can, Options, summary="messages by HTTP POST")]


if __name__ == "__main__":
    import sys

    register_plugin(sys.modules[__name__])
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]

    @boost(
        BoosterParams(
            queue_name="shout",
            broker_kind="WEBHOOK",
            broker_exclusive_config={"port": port},
            is_using_rpc_mode=True,
        )
    )
    def shout(word: str) -> str:
        return word.upper()

    shout.consume()
    while True:  # nothing keeps messages while nobody listens
        try:
            result = shout.push("hello")
            break
        except BrokerUnavailable:
            time.sleep(0.05)
    assert result.result == "HELLO"
    default().worker.stop()
