"""Which test runs which program of the documentation, rewritten.

A block of Python is named by its key (tests/support/seed_blocks.py), for its text is not ours to copy; what is documented
in words alone, or on command lines, has none.
"""

from __future__ import annotations

from typing import NamedTuple


class Row(NamedTuple):
    """A chapter, the test that runs its program, and the keys of the blocks that it rewrites."""

    chapter: str
    test: str
    keys: str = ""


CHAPTERS = """
1.2.1 1.3.1 1.3.2 1.3.3 3.1 3.3.2 3.4 4.0.5 4.1 4.2a 4.2b 4.2c 4.2d 4.3a 4.3b 4.3c 4.4.1 4.4.2 4.4.3 4.5 4.6.1 4.6.2 4.6.5
4.6.7 4.7.1 4.7.3 4.8.2 4.9 4.10 4.11.1 4.11.2 4.12.1 4.12.2 4.13 4.14 4.16.2 4.17 4.18 4.19 4.20 4.21 4.21b.1 4.21b.2 4.23
4.24 4.24.b 4.24.c 4.24.d 4.24.e 4.25 4.26 4.29.4 4.29.5 4.30 4.31 4.32 4.33 4.35 4.36 4.100 4.100.b 4b.1 4b.2.3 4b.2c.1
4b.2c.2 4b.3 4b.4 4b.5 6.14 6.15 6.16.1 6.16.2 6.17.a 6.17b 6.18 6.24 6.25 7.3 7.8 7.9 7.14 12.1 12.2 12.3 12.4 12.5 12.6
12.6.b 12.7
""".split()

BEGIN, DECLARE = "test_documented_beginnings.py", "test_documented_declaring.py"
RUN, ACROSS = "test_documented_running.py", "test_documented_across.py"
FAIL, PRIORITY = "test_documented_failures.py", "test_documented_priorities.py"
PROJECT, BESIDE = "test_documented_projects.py", "test_funboost_chapters.py::test_beside_a_program_that_consumes"
HISTORY, COMMANDS = "test_funboost_history.py", "test_funboost_cli_commands.py"
LINES, FLOWS = "test_funboost_cli_programs.py::test_the_documented_command_lines", "test_funboost_orchestration.py"

ROWS = [
    Row("1.2.1", f"{BEGIN}::test_a_function_instead_of_a_thread_pool", "3dc2806201"),
    Row("1.3.1", f"{BEGIN}::test_published_and_consumed_at_a_rate", "9a9586816e"),
    Row("1.3.2", f"{BEGIN}::test_two_steps_with_results_processes_and_schedules", "2e29806f39"),
    Row("1.3.3", f"{BEGIN}::test_the_parameters_decorate_with_and_without_boost", "35dd80f2c0 b17980c4ce"),
    Row("3.1", f"{PRIORITY}::test_over_mqtt"),
    Row("3.3.2", f"{BEGIN}::test_one_queue_here_and_one_in_processes", "387675a2e8"),
    Row("3.4", "test_funboost_redis_helpers.py::test_the_ten_line_consumer", "8540e9a9ea"),
    Row("4.0.5", f"{DECLARE}::test_a_class_for_the_parameters_of_two_functions", "3e10f4446f"),
    Row("4.1", f"{DECLARE}::test_both_ways_to_publish", "4f4cc4e737"),
    Row("4.2a", f"{DECLARE}::test_a_consumer_without_the_decorator", "38c93bdec2"),
    Row("4.2b", f"{DECLARE}::test_a_function_that_stays_as_it_is_beside_its_task", "d05df35d76"),
    Row("4.2c", f"{DECLARE}::test_queues_whose_names_come_while_it_runs", "c22bb751e2 3f527934d6"),
    Row("4.2d", f"{DECLARE}::test_started_together_by_queue_name", "34661717cb"),
    Row("4.3a", f"{DECLARE}::test_a_function_feeds_itself_and_another", "8188da72bf"),
    Row("4.3b", f"{DECLARE}::test_three_functions_of_one_pool", "a97fafe630"),
    Row("4.3c", f"{DECLARE}::test_clearing_and_counting", "53b2cd0d4d"),
    Row("4.4.1", "test_funboost_schedules.py::test_the_documented_program", "020a558145"),
    Row("4.4.2", "test_funboost_schedules.py::test_jobs_are_looked_at_without_starting"),
    Row("4.4.3", "test_funboost_schedules.py::test_paused_for_the_web"),
    Row("4.5", f"{RUN}::test_threads_in_several_processes", "79115cd6cc"),
    Row("4.6.1", BESIDE, "98a8c5ce10"),
    Row("4.6.2", BESIDE, "e61f4bacf4 865f934b6c"),
    Row("4.6.5", BESIDE, "400869a996"),
    Row("4.6.7", BESIDE, "c657fe1cd0"),
    Row("4.7.1", f"{RUN}::test_threads_come_when_calls_take_longer", "63000ef0e2"),
    Row("4.7.3", f"{RUN}::test_a_rate_whatever_the_calls_take", "82108e340e"),
    Row("4.8.2", f"{RUN}::test_requests_at_a_rate", "b928d33d1b"),
    Row("4.9", f"{RUN}::test_delayed_messages", "053fe19bd6 f94c64dd3d"),
    Row("4.10", f"{RUN}::test_published_by_flask"),
    Row("4.10", f"{RUN}::test_published_by_fastapi"),
    Row("4.11.1", f"{HISTORY}::test_status_and_result_are_kept_with_the_documented_fields", "b9d5d635cb"),
    Row("4.11.2", "test_funboost_sql_status.py::test_the_documented_table_is_made_and_filled", "649021c08b"),
    Row("4.12.1", f"{RUN}::test_coroutines_on_a_loop_and_on_threads", "ae38c02078"),
    Row("4.12.2", f"{RUN}::test_coroutines_on_a_loop_and_on_threads", "835a2eaa8a"),
    Row("4.13", f"{ACROSS}::test_by_any_client_of_the_broker", "395c3318d1"),
    Row("4.13", f"{ACROSS}::test_by_a_function_without_a_body", "a542926216"),
    Row("4.13", f"{ACROSS}::test_by_a_publisher_of_the_queue_alone", "3d99c54706"),
    Row("4.13", f"{ACROSS}::test_by_the_http_api", "d63c3b88ce"),
    Row("4.14", BESIDE),
    Row("4.16.2", f"{PROJECT}::test_queues_and_the_program_log_to_one_file", "46d7d766c5"),
    Row("4.17", f"{PROJECT}::test_the_next_step_when_all_of_the_first_is_done", "c3497448c4"),
    Row("4.18", BESIDE, "0f0a779c6e"),
    Row("4.19", f"{HISTORY}::test_a_function_of_ones_own_records_what_has_run", "c077f7c938"),
    Row("4.20", f"{PRIORITY}::test_an_option_of_one_broker"),
    Row("4.21", "test_funboost_loops.py::test_from_push_to_acknowledgement"),
    Row("4.21", "test_funboost_overriding.py::test_the_whole_run"),
    Row("4.21", "test_funboost_redis_helpers.py::test_the_newest_message_is_consumed_first"),
    Row("4.21b.1", f"{PRIORITY}::test_what_a_method_of_a_subclass_records", "6db67f327b"),
    Row("4.21b.2", "test_funboost_loops.py::test_from_push_to_acknowledgement", "f793a9c702"),
    Row("4.23", f"{PRIORITY}::test_consuming_first_and_pushing_then", "bce29f7294"),
    Row("4.24", f"{FAIL}::test_a_call_that_fails_is_repeated", "1b569ebb88"),
    Row("4.24.b", f"{FAIL}::test_back_to_the_queue", "4645d51b3a"),
    Row("4.24.c", f"{FAIL}::test_to_the_queue_of_dead_letters", "f558049b30"),
    Row("4.24.d", f"{FAIL}::test_to_the_queue_of_dead_letters_after_the_last_retry"),
    Row("4.24.e", f"{FAIL}::test_a_queue_is_moved_by_processes", "6abe5f5be6"),
    Row("4.25", f"{ACROSS}::test_push_takes_arguments_and_publish_a_dict_and_controls", "3c4689e3a8"),
    Row("4.26", f"{PROJECT}::test_functions_in_one_process_or_in_several", "8c34601a5a"),
    Row("4.29.4", f"{PRIORITY}::test_the_highest_priority_first", "9d4501a212"),
    Row("4.29.5", f"{PRIORITY}::test_one_function_before_another", "070d7f4e16"),
    Row("4.30", BESIDE, "7818813f69 ab813a81fc"),
    Row("4.31", "test_funboost_chapters.py::test_the_running_task_is_known_in_all_that_it_calls", "63883f424e"),
    Row("4.32", "test_funboost_methods.py::test_four_kinds_of_functions", "02c8a7c263"),
    Row("4.33", f"{BEGIN}::test_a_function_instead_of_a_thread_pool", "ea50872648"),
    Row("4.35", f"{PRIORITY}::test_arguments_that_have_run_are_left_out", "7ca22b8193"),
    Row("4.36", "test_funboost_methods.py::test_arguments_of_any_type", "72a93784ba"),
    Row("4.100", f"{PROJECT}::test_change_one_thing_and_look", "72a48d01d7"),
    Row("4.100.b", f"{FAIL}::test_a_call_that_takes_too_long_is_stopped_and_repeated", "73bdfcbb8a"),
    Row("4b.1", f"{HISTORY}::test_the_documented_program_about_the_running_task", "a0c1fa9c75 6564733691"),
    Row("4b.2.3", "test_funboost_chapters.py::test_json_of_any_keys_is_consumed_whoever_publishes_it", "8159e5ef78"),
    Row("4b.2c.1", "test_funboost_overriding.py::test_text_of_any_form", "c3b3d77062"),
    Row("4b.2c.2", "test_funboost_overriding.py::test_a_plain_class_and_a_message_in_one_argument", "eb40bf4ea3"),
    Row("4b.3", f"{FLOWS}::test_results_from_a_loop_of_ones_own", "870bd623d4 df43cec793"),
    Row("4b.4", f"{FLOWS}::test_a_next_step_after_ten_tasks", "35961dd65c"),
    Row("4b.5", f"{FLOWS}::test_download_then_convert_at_once_then_tell", "a2f2228ea2"),
    Row("6.14", f"{PROJECT}::test_what_was_not_done_when_its_process_was_killed_runs_again", "2f3f6b9935"),
    Row("6.15", f"{PROJECT}::test_the_next_step_when_all_of_the_first_is_done", "87221930ea"),
    Row("6.16.1", "test_funboost_chapters.py::test_several_decorators_of_the_consuming_function", "b5961c1e62"),
    Row("6.16.2", "test_funboost_chapters.py::test_a_decorator_right_on_the_function", "c5eee3e16a"),
    Row("6.17.a", f"{PROJECT}::test_less_in_the_log"),
    Row("6.17b", f"{PROJECT}::test_less_in_the_log", "9fd56694ab"),
    Row("6.18", f"{PROJECT}::test_a_folder_for_the_configuration_of_several_projects"),
    Row("6.24", f"{PRIORITY}::test_one_message_for_each_of_two_consumers", "483d98e44f"),
    Row("6.25", "test_funboost_programs.py::test_the_first_ctrl_c_drains", "e430977a9a"),
    Row("6.25", "test_funboost_programs.py::test_the_third_ctrl_c_ends_the_process_at_once_and_loses_nothing"),
    Row("7.3", "test_funboost_redis_helpers.py::test_the_ten_line_consumer", "b85428b156"),
    Row("7.8", f"{RUN}::test_coroutines_on_a_loop_and_on_threads", "0320cfe6c0"),
    Row("7.9", f"{PRIORITY}::test_over_a_stream", "ecae9cfec4"),
    Row("7.14", f"{PRIORITY}::test_over_mqtt", "33e8b22ec4"),
    Row("12.1", LINES),
    Row("12.1", "test_funboost_cli_programs.py::test_what_a_user_adds_to_the_program_of_the_project"),
    Row("12.2", LINES),
    Row("12.2", f"{COMMANDS}::test_modules_and_folders_are_imported"),
    Row("12.3", f"{COMMANDS}::test_the_queues_are_listed"),
    Row("12.4", f"{COMMANDS}::test_push_and_publish_and_clear"),
    Row("12.5", f"{COMMANDS}::test_push_and_publish_and_clear"),
    Row("12.6", LINES),
    Row("12.6", f"{COMMANDS}::test_consuming_under_every_name"),
    Row("12.6.b", f"{COMMANDS}::test_consuming_under_every_name"),
    Row("12.7", f"{COMMANDS}::test_pause_and_continue"),
]
