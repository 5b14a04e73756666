"""The web: adds, lists, changes and removes schedules. It fires none (`is_auto_paused=True`): the worker does.

Run it beside run_consume.py: python web_app.py [port]
"""

from __future__ import annotations

import sys
from typing import Any

from flask import Flask, jsonify, request
from funboost import ApsJobAdder
from tasks import fun_sum

app = Flask(__name__)
adder = ApsJobAdder(fun_sum, job_store_kind="sqlite", is_auto_start=True, is_auto_paused=True)


@app.get("/schedules")
def schedules() -> Any:
    return jsonify(
        [{"id": job.id, "next": str(job.next_run_time), "kwargs": job.kwargs} for job in adder.aps_obj.get_jobs()]
    )


@app.put("/schedules/<id>")
def put(id: str) -> Any:
    """{"trigger": "interval", "seconds": 5, "kwargs": {"x": 1, "y": 2}}; a ValueError of funboost says what is wrong."""
    given = request.get_json()
    try:
        job = adder.add_push_job(given.pop("trigger"), id=id, replace_existing=True, **given)
    except ValueError as error:
        return jsonify(error=str(error)), 400
    return jsonify(id=job.id, next=str(job.next_run_time))


@app.delete("/schedules/<id>")
def delete(id: str) -> Any:
    if adder.aps_obj.get_job(id) is None:
        return jsonify(error=f"no schedule {id!r}"), 404
    adder.aps_obj.remove_job(id)
    return "", 204


if __name__ == "__main__":
    app.run(port=int(sys.argv[1]) if len(sys.argv) > 1 else 5000)
