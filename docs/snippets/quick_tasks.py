from funboost import BoosterParams, boost


@boost(BoosterParams(queue_name="count_words", concurrent_num=20, is_using_rpc_mode=True))
def count_words(text: str, minimum: int = 1) -> int:
    return sum(len(word) >= minimum for word in text.split())
