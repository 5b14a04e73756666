"""Every import path of the documentation, from a list: it works, or it says what it waits for.

``FUNBOOST_SEED=<file>`` (the documentation as text) compares the list with what its programs import.
"""

from __future__ import annotations

import inspect
import json
import os
import re
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import funboost
import pytest

IMPORTS = json.loads((Path(__file__).parent / "documented_imports.json").read_text(encoding="utf-8"))
"""Module -> ``names``, ``chapters``; ``needs``: a package that an extra brings; ``later``: name, or * for the module,
-> what it comes with."""
CASES = [(path, name) for path, entry in IMPORTS.items() for name in entry["names"] or [None]]


def later(path, name):
    waiting = IMPORTS[path].get("later", {})
    return waiting.get("*") or waiting.get(name)


def load(path, name):
    if name is None:
        return import_module(path)
    if name == "expire_lock":  # a module
        return import_module(f"{path}.{name}")
    namespace = {}
    exec(f"from {path} import {name}", namespace)
    return namespace[name]


def works(path, name):
    try:
        load(path, name)
    except ImportError:
        return False
    return True


@pytest.mark.parametrize(("path", "name"), CASES)
def test_a_documented_import(path, name):
    reason = later(path, name)
    if reason:
        assert not works(path, name), f"take it out of `later` ({reason})"
        return
    needs = IMPORTS[path].get("needs")
    if needs and find_spec(needs) is None:
        pytest.skip(f"{needs} is not installed")
    found = load(path, name)
    assert found is not None
    assert found is getattr(funboost, str(name), found), "one thing under one name, wherever it is imported from"


SIGNATURES = """
funboost:get_consumer(boost_params)
funboost:get_publisher(publisher_params)
funboost:register_custom_broker(broker_kind, publisher_class, consumer_class)
funboost:BoosterDiscovery(project_root_path, booster_dirs, max_depth=1, py_file_re_str=None)
funboost:AsyncResult(task_id, timeout=120.0)
funboost:AioAsyncResult(task_id, timeout=120.0)
funboost:ResultFromMongo(task_id)
funboost:RemoteTaskKiller(queue_name, task_id)
funboost:ApsJobAdder(booster, job_store_kind='memory', is_auto_start=True, is_auto_paused=False)
funboost:ApsJobAdder.add_push_job(self, trigger=None, args=None, kwargs=None, id=None, name=None)
funboost:ctrl_c_recv()
funboost:run_forever()
funboost:wait_for_possible_has_finish_all_tasks_by_conusmer_list(consumer_list, minutes=3)
funboost:show_current_threads_num(sleep_time=60, process_name='', block=False, daemon=True)
funboost:Booster.publish(self, msg, task_id=None, priority_control_config=None)
funboost:Booster.aio_publish(self, msg, task_id=None, priority_control_config=None)
funboost:Booster.multi_process_consume(self, process_num=1)
funboost:Booster.multi_process_start(self, process_num=1)
funboost:Booster.multi_process_pub_params_list(self, params_list, process_num=16)
funboost:Booster.wait_for_possible_has_finish_all_tasks(self, minutes=3)
funboost:AbstractPublisher.publish(self, msg, task_id=None, priority_control_config=None)
funboost:AbstractPublisher.send_msg(self, msg)
funboost:AbstractPublisher.concrete_realization_of_publish(self, msg)
funboost:AbstractConsumer._shedual_task(self)
funboost:AbstractConsumer._submit_task(self, kw)
funboost:AbstractConsumer._confirm_consume(self, kw)
funboost:AbstractConsumer._requeue(self, kw)
funboost:AbstractConsumer._user_convert_msg_before_run(self, msg)
funboost:AbstractConsumer.user_custom_record_process_info_func(self, current_function_result_status)
funboost:AbstractConsumer.wait_for_possible_has_finish_all_tasks(self, minutes=3)
funboost:BoostersManager.build_booster(boost_params)
funboost:BoostersManager.get_booster(queue_name)
funboost:BoostersManager.get_or_create_booster_by_queue_name(queue_name)
funboost:BoostersManager.get_cross_project_publisher(publisher_params)
funboost:BoostersManager.publish(queue_name, msg)
funboost:BoostersManager.consume_all_queues(block=True)
funboost:BoostersManager.m_consume_all(process_num=1)
funboost:FunctionResultStatus.get_status_dict(self, without_datetime_obj=False)
funboost:FunctionResultStatusPersistanceConfig(is_save_status=False, is_save_result=False, expire_seconds=604800, is_use_bulk_insert=False)
funboost:ActiveCousumerProcessInfoGetter.get_all_hearbeat_info_by_queue_name(self, queue_name)
funboost:ActiveCousumerProcessInfoGetter.get_all_hearbeat_info_by_ip(self, ip=None)
funboost.contrib.queue2queue:consume_and_push_to_another_queue(source_queue, source_broker_kind, target_queue, target_broker_kind, log_level=10, exit_script_when_finish=False)
funboost.contrib.queue2queue:multi_prcocess_queue2queue(source_target_list, log_level=10, exit_script_when_finish=False, n=1)
funboost.contrib.save_result_status_to_sqldb:save_result_status_to_sqlalchemy(function_result_status)
funboost.concurrent_pool:FlexibleThreadPool(max_workers=None, work_queue_maxsize=10)
funboost.concurrent_pool:AsyncPoolExecutor(size, specify_async_loop=None)
funboost.beggar_version_implementation.beggar_redis_consumer:start_consuming_message(queue_name, consume_function, threads_num=50)
funboost.utils.expire_lock:ExpireLockConf(expire_seconds=30, lock_key=None)
funboost.utils.expire_lock:ExpireLockContextManager(conf)
funboost.utils.redis_manager:RedisMixin.redis_db_n(self, db)
""".strip().splitlines()


@pytest.mark.parametrize("documented", SIGNATURES)
def test_a_documented_signature(documented):
    """These parameters come first, in this order, with these defaults; there may be more behind them."""
    where, _, wanted = documented.rstrip(")").partition("(")
    module, _, name = where.partition(":")
    found = import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    parameters = inspect.signature(found).parameters.values()
    shown = [p.name if p.default is p.empty else f"{p.name}={p.default!r}" for p in parameters]
    wanted = wanted.split(", ") if wanted else []
    assert shown[: len(wanted)] == wanted
    assert all("=" in more or more in {"options", "trigger_args"} for more in shown[len(wanted) :])


def test_the_package_tells_its_names():
    assert set(IMPORTS["funboost"]["names"]) <= set(dir(funboost)) | {
        "funboost_aps_scheduler",
        "fsdf_background_scheduler",
    }
    for name in funboost.__all__:
        assert getattr(funboost, name) is not None


def imports(text):
    """Module and name of each import of ours in a text; None for ``import module``."""
    for module, names in re.findall(r"^[ \t#]*from (funboost[\w.]*) import (\([^)]*\)|[^\n#]+)", text, re.MULTILINE):
        for name in re.findall(r"\w+(?: as \w+)?", names.strip("()")):
            yield module, name.split()[0]
    for module in re.findall(r"^[ \t#]*import (funboost[\w.]*)", text, re.MULTILINE):
        yield module, None


@pytest.mark.skipif("FUNBOOST_SEED" not in os.environ, reason="FUNBOOST_SEED does not name the documentation")
def test_the_list_has_what_the_documentation_imports():
    text = Path(os.environ["FUNBOOST_SEED"]).read_text(encoding="utf-8")
    found = set(imports(text))
    assert len(found) > 40
    missing = {
        (path, name) for path, name in found if path not in IMPORTS or (name and name not in IMPORTS[path]["names"])
    }
    assert not missing


def test_imports_are_read_from_programs():
    text = (
        "from funboost import (boost,\n  fct)\n# from funboost.utils import x as y  # why\nimport funboost.contrib.z\n"
    )
    assert set(imports(text)) == {
        ("funboost", "boost"),
        ("funboost", "fct"),
        ("funboost.utils", "x"),
        ("funboost.contrib.z", None),
    }
