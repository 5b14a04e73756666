from quick_tasks import count_words

result = count_words.push("to be or not to be", minimum=3)
print(result.task_id)
print(result.set_timeout(30).result)
