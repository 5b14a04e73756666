from funboost import ctrl_c_recv
from quick_tasks import count_words

count_words.consume()
ctrl_c_recv()
