"""The package's public names: all there, lazily, and the same whatever was imported before."""

from __future__ import annotations

import inspect

import pytest

import funboost_core


@pytest.mark.parametrize("name", funboost_core.__all__)
def test_every_name_can_be_had_and_is_no_module(name):
    value = getattr(funboost_core, name)
    assert not inspect.ismodule(value)
    assert getattr(funboost_core, name) is value
    assert name in dir(funboost_core)


def test_other_names_are_refused():
    with pytest.raises(AttributeError, match="no attribute 'bost'"):
        _ = funboost_core.bost


def test_importing_imports_nothing_but_the_package(run_python):
    out = run_python("import sys, funboost_core; print(sorted(m for m in sys.modules if m.startswith('funboost')))")
    assert out.strip() == "['funboost_core']"


def test_functions_stay_functions_when_the_submodules_of_their_names_are_imported_first(run_python):
    out = run_python(
        """
import importlib, inspect, pkgutil
import funboost_core
for module in pkgutil.walk_packages(funboost_core.__path__, "funboost_core."):
    if "._pyinstaller." not in module.name:  # a hook: PyInstaller runs it, where it is installed
        importlib.import_module(module.name)
from funboost_core import boost, redrive
import funboost_core.boost, funboost_core.redrive
from funboost_core.redrive import restore
assert funboost_core.boost is boost and funboost_core.redrive is redrive
print([name for name in funboost_core.__all__ if inspect.ismodule(getattr(funboost_core, name))])
assert callable(boost) and callable(redrive)
"""
    )
    assert out.strip() == "[]"
