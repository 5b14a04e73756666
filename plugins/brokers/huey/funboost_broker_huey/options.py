"""The options of a queue: ``broker_exclusive_config``."""

from __future__ import annotations

from typing import Any, Optional

from pydantic import BaseModel, ConfigDict, Field, field_validator

OURS = {"name", "context", "retries", "retry_delay", "retry_backoff"}


class Options(BaseModel):
    """Options of HUEY."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: Optional[str] = Field(
        default=None,
        description="A Redis server, redis://user:password@host:port/db; None = the setting REDIS_URL, without it a file.",
    )
    filename: Optional[str] = Field(
        default=None, description="A SQLite file, whatever REDIS_URL says; None = huey.sqlite3 in the data folder."
    )
    huey: Any = Field(default=None, description="A Huey object of your own, for this queue alone.")
    huey_task_kwargs: dict[str, Any] = Field(
        default_factory=dict, description="Options of Huey's task decorator, except its name, context and retries."
    )
    max_delay: float = Field(
        default=0.5, gt=0, description="The longest pause in seconds between two looks of an idle worker."
    )

    @field_validator("huey_task_kwargs")
    @classmethod
    def _ours(cls, given: dict[str, Any]) -> dict[str, Any]:
        wrong = sorted(OURS & given.keys())
        if wrong:
            raise ValueError(f"{', '.join(wrong)} cannot be set here: names and retries are funboost's")
        return given
