"""The commands, in this process: what they do, print, and return as exit code."""

from __future__ import annotations

import json
import os
import sys

import pytest
from funboost import BoosterParams, BoostersManager, boost
from funboost.cli import running
from funboost.core.cli.funboost_fire import BoosterFire, env_dict

from funboost_core.environment import using


@pytest.fixture
def line(environment, monkeypatch, tmp_path, capsys, no_config):
    """``line("push", "q", "1")`` -> exit code, output, errors; in an environment and a project folder of its own."""
    monkeypatch.setenv("FUNBOOST_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(env_dict, "project_root_path", None)

    def run(*words):
        code = running.run(list(words))
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    with using(environment):
        yield run


@pytest.fixture
def ran(line, environment, calls):
    """What the task `add` was called with; a task `other` is known, too."""

    @boost(BoosterParams(queue_name="add", log_level=40), environment=environment)
    def add(x, y=0):
        calls.add(x, y)

    @boost(BoosterParams(queue_name="other", log_level=40), environment=environment)
    def other(**kwargs):
        pass

    return calls


def data(answer):
    code, out, err = answer
    assert (code, err) == (0, "")
    return json.loads(out)


def waiting(line):
    return {row["queue"]: row["waiting"] for row in data(line("show_all_queues", "--count", "--json"))}


def test_the_queues_are_listed(line, ran):
    code, out, err = line("show_all_queues")
    assert (code, err) == (0, "")
    assert [row.split()[:3] for row in out.splitlines()[1:]] == [
        ["add", "MEMORY_QUEUE", "threading"],
        ["other", "MEMORY_QUEUE", "threading"],
    ]
    assert data(line("--json", "show_all_queues"))[0]["queue"] == "add"
    assert data(line("show-all-queues", "--json"))[0]["queue"] == "add"


def test_push_and_publish_and_clear(line, ran, environment):
    code, out, err = line("--json", "push", "add", "1", "--y=2")
    assert (code, json.loads(out)["task_id"][:11]) == (0, "add_result:")
    assert "MEMORY_QUEUE keeps messages in the process that publishes them" in err
    assert line("push", "add", "--x={'a': [1]}")[0] == 0
    assert json.loads(line("publish", "add", "{'x':3,'y':4}", "--json")[1])["queue"] == "add"
    assert waiting(line) == {"add": 3, "other": 0}
    BoostersManager.get_booster("add").consume()
    assert sorted(ran.wait(3), key=str) == sorted([(1, 2), ({"a": [1]}, 0), (3, 4)], key=str)
    environment.worker.stop()
    line("push", "add", "1", "-", "push", "other", "--b=1")
    assert waiting(line) == {"add": 1, "other": 1}
    assert line("clear", "add", "other") == (0, "add: cleared\nother: cleared\n", "")
    assert waiting(line) == {"add": 0, "other": 0}


def test_pause_and_continue(line, ran, environment):
    from funboost_core.consuming import orders

    task = BoostersManager.get_booster("add").task
    assert line("pause", "add")[0] == 0
    assert orders.in_force(task)[orders.PAUSED] == "1"
    assert data(line("continue_consume", "add", "--json")) == [{"queue": "add", "paused": False}]
    assert orders.in_force(task)[orders.PAUSED] == "0"


def test_redrive(line, environment, calls):
    @boost(
        BoosterParams(queue_name="bad", max_retry_times=0, is_push_to_dlx_queue_when_retry_max_times=True, log_level=60)
    )
    def bad(x):
        calls.add(x)
        raise ValueError("no")

    for number in range(3):
        bad.push(number)
    bad.consume()
    calls.wait(3)
    environment.worker.stop()
    assert data(line("redrive", "bad", "--dry_run", "--json"))["found"] == 3
    moved = data(line("redrive", "bad", "--limit=2", "--json"))
    assert (moved["moved"], sum(moved["reasons"].values())) == (2, 2)
    assert bad.get_message_count() == 2
    assert line("redrive", "bad", "--reason=ValueError")[1].startswith("bad: 1 moved\n  1  ")


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["push", "nope", "1"], 2, "No task with queue_name='nope' is known in this process (known: add, other)"),
        (["push", "add"], 2, "missing"),
        (["push"], 2, "Missing argument 'QUEUE'"),
        (["publish", "add", "{x:3}"], 2, "is no dict"),
        (["shove", "add"], 2, "No such command 'shove'"),
        (["m_consume", "--add=many"], 2, "does not say how many processes"),
        (["--import_modules_str=no_such_module", "show_all_queues"], 2, "There is no module 'no_such_module'"),
        (["--booster_dirs_str=no_such_folder", "show_all_queues"], 2, "no_such_folder"),
        (["--project_root_path=/no/such/folder", "show_all_queues"], 2, "there is no folder '/no/such/folder'"),
        (["brokers", "NO_SUCH"], 2, "pip install funboost-broker-no-such"),
        (["config", "NO_SUCH"], 2, "Nothing sets NO_SUCH"),
        (["run"], 0, ""),
    ],
)
def test_exit_codes_and_errors(line, ran, words, code, told, monkeypatch):
    monkeypatch.setattr("funboost.managers.ctrl_c_recv", lambda: None)
    given, _, err = line(*words)
    assert given == code
    assert told in err
    assert "Traceback" not in err


def test_the_first_command_that_fails_ends_the_line(line, ran):
    code, out, _ = line("push", "nope", "1", "-", "push", "add", "1")
    assert (code, out) == (2, "")
    assert waiting(line)["add"] == 0


def test_errors_as_json_and_with_traceback(line, ran):
    code, out, err = line("--json", "push", "nope", "1")
    assert (code, out, json.loads(err)["type"]) == (2, "", "QueueUnknown")
    assert "Traceback" in line("--debug", "push", "nope", "1")[2]


def test_what_fails_without_being_wrong_has_another_code(line, ran, monkeypatch):
    def refuse(*_, **__):
        raise ConnectionError("gone")

    monkeypatch.setattr(BoostersManager, "push", refuse)
    assert line("push", "add", "1") == (1, "", "funboost: ConnectionError: gone\n")


def test_help(line):
    assert "Usage: funboost" in line()[1]
    code, out, _ = line("--help")
    assert code == 0
    assert {"push", "consume", "m_consume_all", "doctor", "redrive"} <= set(out.split())
    assert "..." not in out.partition("Commands:")[2].partition("\n\n")[0]  # short enough to be read
    assert "all values are positional" in line("push", "add", "--help")[1]


CONSUMING = {
    "consume add": ("consume", ("add",), {}),
    "consume_queues add": ("consume", ("add",), {}),
    "consume_all": ("consume_all", (), {}),
    "consume_all_queues": ("consume_all", (), {}),
    "m_consume --add=2 --other=3": ("m_consume", (), {"add": 2, "other": 3}),
    "multi_process_consume_queues --add=2": ("m_consume", (), {"add": 2}),
    "m_consume_all 2": ("m_consume_all", (2,), {}),
    "m_consume_all": ("m_consume_all", (1,), {}),
    "multi_process_consume_all_queues 2": ("m_consume_all", (2,), {}),
    "run": ("consume", ("add", "other"), {}),
    "run --queues=other": ("consume", ("other",), {}),
    "run --queues=other --processes=2": ("m_consume", (), {"other": 2}),
}


@pytest.mark.parametrize("words", CONSUMING)
def test_consuming_under_every_name(line, ran, monkeypatch, words):
    called = []
    for name in ("consume", "consume_all", "m_consume", "m_consume_all"):
        monkeypatch.setattr(BoostersManager, name, lambda *a, name=name, **k: called.append((name, a, k)))
    assert line(*words.split())[0] == 0
    assert called == [CONSUMING[words]]


def test_modules_and_folders_are_imported(line, environment, tmp_path):
    (tmp_path / "cli_jobs" / "deep").mkdir(parents=True)
    task = "from funboost import BoosterParams, boost\n\n@boost(BoosterParams(queue_name={!r}))\ndef f(x):\n    pass\n"
    files = {"cli_module.py": "one", "cli_jobs/cli_two.py": "two", "cli_jobs/deep/cli_three.py": "three"}
    for file, queue in files.items():
        (tmp_path / file).write_text(task.format(queue), encoding="utf-8")
    root = f"--project_root_path={tmp_path}"

    def queues(*options):
        return {row["queue"] for row in data(line(root, *options, "show_all_queues", "--json"))}

    assert data(line("show_all_queues", "--json")) == []
    assert queues("--import_modules_str", "cli_module") == {"one"}
    assert queues("-booster_dirs_str=cli_jobs", "--max_depth=0") == {"one", "two"}
    assert queues("--boost_dirs_str", "cli_jobs", "--py_file_re_str=three") == {"one", "two", "three"}
    code, _, err = line(root, "run", "../outside.py")
    assert (code, "is not in" in err) == (2, True)


def test_the_class_of_the_documentation(line, ran, capsys):
    fire = BoosterFire()
    assert fire.push("add", 1, y=2).publish("add", "{'x': 3}").show_all_queues() is fire
    assert "add  MEMORY_QUEUE" in capsys.readouterr().out
    assert BoostersManager.get_booster("add").get_message_count() == 2
    assert str(fire.clear("add")) == ""
    with pytest.raises(ValueError, match="no folder"):
        BoosterFire(booster_dirs_str="no_such_folder")


# -- looking ----------------------------------------------------------------------------------------------------------------


def test_plugins_and_brokers(line):
    rows = data(line("plugins", "--json"))
    assert {"room", "name", "distribution", "version", "state"} == set(rows[0])
    assert {("brokers", "SQLITE_QUEUE"), ("pools", "threading"), ("stores", "sqlite")} <= {
        (row["room"], row["name"]) for row in rows
    }
    found = {row["kind"]: row["capabilities"] for row in data(line("brokers", "--json"))}
    assert "ACK" in found["SQLITE_QUEUE"]
    assert "CROSS_PROCESS" not in found["MEMORY_QUEUE"]
    one = data(line("brokers", "sqlite3", "--json"))
    assert (one["kind"], one["options"][0]["option"]) == ("SQLITE_QUEUE", "pull_msg_batch_size")


def test_what_is_kept_out_is_said(line, monkeypatch):
    monkeypatch.setenv("FUNBOOST_DISABLE_PLUGINS", "funboost_broker_sqlite_queue.plugin")
    states = {row["name"]: row["state"] for row in data(line("plugins", "--json"))}
    assert "DISABLE_PLUGINS" in states["SQLITE_QUEUE"]
    assert states["MEMORY_QUEUE"] == "ready"


def test_config_shows_values_and_sources(line, monkeypatch, environment, tmp_path):
    monkeypatch.setenv("FUNBOOST_MQTT_HOST", "mqtt.example")
    monkeypatch.setenv("FUNBOOST_REDIS_PASSWORD", "hunter2")
    shown = data(line("config", "--json"))
    by_name = {row["setting"]: (row["value"], row["source"]) for row in shown["settings"]}
    assert by_name["MQTT_HOST"] == ("mqtt.example", "environment")
    assert by_name["REDIS_PASSWORD"] == ("***", "environment")
    assert by_name["REDIS_PORT"] == (6379, "default")
    assert shown["data_folder"] == str(tmp_path / "data")
    assert not (tmp_path / "data").exists()
    assert line("config", "MQTT_HOST")[1].splitlines()[-1].split() == ["MQTT_HOST", "mqtt.example", "environment"]
    assert "REDIS_PORT" not in line("config", "--changed")[1]


def test_init_writes_the_files_once(line, tmp_path):
    written = data(line("init", "--json"))
    assert [row["written"] for row in written] == [True, True]
    assert {path.name for path in tmp_path.iterdir()} == {"funboost_config.py", "funboost_cli_user.py"}
    code, out, _ = line("init", "--nb_log")
    assert (code, out.count("is there already"), out.count("written")) == (0, 2, 1)


def test_completion(line, monkeypatch, capsys):
    assert "_FUNBOOST_COMPLETE=bash_complete" in line("completion", "bash")[1]
    monkeypatch.setenv("_FUNBOOST_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", "funboost show")
    monkeypatch.setenv("COMP_CWORD", "1")
    with pytest.raises(SystemExit):
        running.run([])
    assert "show_all_queues" in capsys.readouterr().out


def test_files_of_a_project_without_configuration_are_those_of_its_scripts(line, monkeypatch, tmp_path):
    from funboost_core.environment import user_data_dir

    monkeypatch.setenv("FUNBOOST_DATA_DIR", "")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    BoosterFire()
    assert os.environ["FUNBOOST_DATA_DIR"] == ""  # a program that uses the class has its own folder
    line("show_all_queues")
    assert os.environ["FUNBOOST_DATA_DIR"] == str(user_data_dir(tmp_path.resolve()))
