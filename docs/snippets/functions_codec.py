import codecs

from funboost import BoosterParams, boost

from funboost_core import Codec, default, hookimpl


class Rot13(Codec):
    """Text that cannot be read at a glance."""

    name = "rot13"

    def encode(self, task, arguments, extra):
        if not any(type(value) is str for value in arguments.values()):
            return None  # the message is left alone
        return {name: self.turned(value) for name, value in arguments.items()}

    def decode(self, task, arguments, extra):
        return {name: self.turned(value) for name, value in arguments.items()}

    @staticmethod
    def turned(value):
        return codecs.encode(value, "rot13") if type(value) is str else value


class Rot13Everywhere:
    @hookimpl
    def funboost_codec(self, task):
        return Rot13()


@boost(BoosterParams(queue_name="letters", is_using_rpc_mode=True, hooks=[Rot13Everywhere()]))
def read(text: str, times: int = 1) -> str:
    return text * times


if __name__ == "__main__":
    read.consume()
    assert read.push("hello", times=2).result == "hellohello"
    default().worker.stop()
