"""The task: parse one Python file and write down what was found."""

from __future__ import annotations

import ast
import logging
import os
import tokenize
import warnings
import zlib
from pathlib import Path

from funboost import BoosterParams, boost, fct
from journal import Journal

warnings.simplefilter("ignore")  # about the files that are parsed: old escapes, `is` with literals …

journal = Journal()


@boost(
    BoosterParams(
        queue_name="main_job",
        qps=float(os.environ["MAIN_JOB_QPS"]),
        concurrent_num=int(os.environ["MAIN_JOB_THREADS"]),
        max_retry_times=2,
        retry_interval=0.5,
        is_push_to_dlx_queue_when_retry_max_times=True,
        log_level=logging.CRITICAL,  # failures are shown in the table instead
    )
)
def parse_file(path: str) -> None:
    """Count the lines, functions and classes of a file."""
    attempt = fct.function_result_status.run_times
    with journal.run(path, attempt) as found:
        source = read(path, attempt)
        nodes = list(ast.walk(ast.parse(source)))
        found.lines = source.count("\n")
        found.functions = sum(isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) for node in nodes)
        found.classes = sum(isinstance(node, ast.ClassDef) for node in nodes)


def read(path: str, attempt: int) -> str:
    """The text of a file: taken for UTF-8 first, after a failure for what the file itself declares."""
    if attempt > 1:
        with tokenize.open(path) as file:
            return file.read()
    if zlib.crc32(path.encode(errors="replace")) % 20 == 0:
        raise OSError("simulated: the disk did not answer")
    return Path(path).read_text(encoding="utf-8")
