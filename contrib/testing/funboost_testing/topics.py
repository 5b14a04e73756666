"""What a test of a suite is about: its columns in the report."""

from __future__ import annotations

from typing import Any, Callable

import pytest

TOPICS = "funboost_topics"
"""Attribute of a test or of the class that defines it: the names of what it proves."""
DECLARED = "funboost_declared"
"""Property of a test's item: for each capability, whether the implementation under test declares it."""
INAPPLICABLE = "funboost_inapplicable"
"""Property of a test's item: it is skipped for these capabilities, which are not declared (or none: it says nothing)."""


def proves(*topics: str) -> Callable[[Any], Any]:
    """Say what a test is about."""

    def mark(test: Any) -> Any:
        setattr(test, TOPICS, topics)
        return test

    return mark


def skip(request: pytest.FixtureRequest, reason: str, *missing: str) -> None:
    """Skip a test that does not apply to what is being tested, which the report does not hold against it."""
    request.node.user_properties.append((INAPPLICABLE, list(missing)))
    pytest.skip(reason)
