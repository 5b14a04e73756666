"""Publishing over HTTP, for programs in other languages: a small FastAPI application.

``POST /funboost_publish_msg`` takes ``{"queue_name", "msg_body", "need_result", "timeout"}`` and answers
``{"succ", "msg", "status_and_result"}``.  It knows the tasks whose modules have been imported.  Without the setting
API_TOKEN only this host may ask; with it, whoever sends ``Authorization: Bearer <token>``.

Example::

    BoosterDiscovery(root, ["tasks"]).auto_discovery()
    uvicorn.run("funboost.contrib.api_publish_msg:app", port=16667)
"""

from __future__ import annotations

import hmac
import logging
from typing import Any, Optional

from pydantic import BaseModel, Field

from funboost_core.environment import default
from funboost_core.errors import ConfigError

from ..discovery import BoosterDiscovery
from ..managers import BoostersManager

try:
    from fastapi import Depends, FastAPI, Request
    from fastapi.exceptions import HTTPException, RequestValidationError
    from fastapi.responses import JSONResponse
except ImportError as _error:
    raise ConfigError(f"{__name__} needs FastAPI. Install it with: pip install funboost[fastapi]") from _error

__all__ = ["Answer", "BoosterDiscovery", "PublishRequest", "app"]

logger: logging.Logger = logging.getLogger("funboost.api")

_LOOPBACK = {"127.0.0.1", "::1", "::ffff:127.0.0.1"}
_MOST_SECONDS = 24 * 3600


class PublishRequest(BaseModel):
    """What is to be published."""

    queue_name: str = Field(description="The queue of a task that this server knows.")
    msg_body: dict[str, Any] = Field(description="The arguments of the function by name.")
    need_result: bool = Field(default=False, description="Wait for the result; the task needs is_using_rpc_mode.")
    timeout: float = Field(default=60, gt=0, le=_MOST_SECONDS, description="Seconds to wait for it.")


class Answer(BaseModel):
    """What became of it."""

    succ: bool = Field(
        description="Published, and with need_result: the result is here; whether the run succeeded is in it."
    )
    msg: str = Field(description="What was wrong, or which id the task has.")
    status_and_result: Optional[dict[str, Any]] = Field(default=None, description="Of the run, with need_result.")


async def _allowed(request: Request) -> None:
    token = default().settings("API_TOKEN")
    if token:
        given = request.headers.get("authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
            raise HTTPException(401, "Send the header `Authorization: Bearer <API_TOKEN>`.")
    elif request.client is not None and request.client.host not in _LOOPBACK:
        raise HTTPException(403, "Without the setting API_TOKEN only the server's own host may publish. Set it there.")


async def publish(request: PublishRequest) -> Answer:
    """Publish a message to a queue, and wait for its result if asked to."""
    try:
        return await _published(request)
    except Exception as error:
        logger.info("Not published to %s.", request.queue_name, exc_info=True)
        return Answer(succ=False, msg=f"{type(error).__name__}: {error}")


async def _published(request: PublishRequest) -> Answer:
    booster = BoostersManager.get_booster(request.queue_name)
    if request.need_result and not booster.boost_params.is_using_rpc_mode:
        raise ConfigError(
            f"need_result: the task of queue {request.queue_name!r} gives no results. Set is_using_rpc_mode=True in its "
            "BoosterParams."
        )
    result = await booster.aio_publish(request.msg_body)
    if not request.need_result:
        return Answer(succ=True, msg=f"published to {request.queue_name}, task_id {result.task_id}")
    status = await result.set_timeout(request.timeout).status_and_result
    if status is None:
        raise TimeoutError(f"published with task_id {result.task_id}, and no result came within {request.timeout} s")
    return Answer(succ=True, msg="", status_and_result=status)


async def _refused(request: Request, error: Exception) -> JSONResponse:
    if isinstance(error, HTTPException):
        code, text = error.status_code, str(error.detail)
    else:
        assert isinstance(error, RequestValidationError)
        problems = [f"{'.'.join(map(str, problem['loc'][1:]))} {problem['msg']}".strip() for problem in error.errors()]
        code, text = 422, "; ".join(problems)
    return JSONResponse(Answer(succ=False, msg=text).model_dump(), code)


app: FastAPI = FastAPI(title="funboost")
app.post("/funboost_publish_msg", response_model=Answer, dependencies=[Depends(_allowed)])(publish)
app.exception_handler(RequestValidationError)(_refused)
app.exception_handler(HTTPException)(_refused)
