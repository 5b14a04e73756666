"""The command line of this project: python funboost_cli_user.py --help

Say below where the tasks are, so that commands need no options for it.
"""

import sys
from pathlib import Path

project_root_path: Path = Path(__file__).absolute().parent
sys.path.insert(1, str(project_root_path))

from funboost import BoosterDiscovery
from funboost.core.cli.funboost_fire import env_dict, run

env_dict["project_root_path"] = project_root_path

if __name__ == "__main__":
    # import tasks  # the modules that define tasks, or
    # BoosterDiscovery(project_root_path, booster_dirs=["tasks"], max_depth=1, py_file_re_str=None).auto_discovery()
    run()
