"""Writes docs/{en,zh}/parameters.md, the tables of all parameters, from the models: ``python docs/parameters.py``.

The English texts are the descriptions of the fields; the Chinese ones are in `docs/zh/parameters.json`.
"""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

from funboost import BoosterParams, PriorityConsumingControlConfig
from pydantic_core import PydanticUndefined

DOCS = Path(__file__).parent
_TEXTS = {
    "en": {
        "title": "Parameters",
        "about": "All parameters, generated from the models by `python docs/parameters.py`; a test compares. "
        "Times are in seconds. `explain()` on a task shows which of them are in force.",
        "task": "Of a task: `BoosterParams`",
        "message": "Of a message: `PriorityConsumingControlConfig`",
        "note": "What is not None overrides the task's own parameter for this message, falsy values included.",
        "head": "| parameter | type | default | meaning |\n|---|---|---|---|",
    },
    "zh": {
        "title": "参数",
        "about": "全部参数，由 `python docs/parameters.py` 从模型生成，并有测试比对。时间单位都是秒。"
        "在任务上调用 `explain()` 可以看到哪些参数在起作用。",
        "task": "任务的参数：`BoosterParams`",
        "message": "单条消息的参数：`PriorityConsumingControlConfig`",
        "note": "不是 None 的值只对这条消息覆盖任务自己的参数，假值也一样。",
        "head": "| 参数 | 类型 | 默认值 | 含义 |\n|---|---|---|---|",
    },
}


def page(language: str) -> str:
    """The whole page."""
    texts = _TEXTS[language]
    own: dict[str, str] = {}
    if language != "en":
        own = json.loads((DOCS / language / "parameters.json").read_text("utf-8"))
    parts = [f"# {texts['title']}", texts["about"]]
    for model, title in ((BoosterParams, "task"), (PriorityConsumingControlConfig, "message")):
        parts.append(f"## {texts[title]}")
        if title == "message":
            parts.append(texts["note"])
        rows = [_row(name, field, own.get(name, "") if own else field.description) for name, field in _fields(model)]
        parts.append("\n".join([texts["head"], *rows]))
    return "\n\n".join(parts) + "\n"


def _fields(model: Any) -> list[tuple[str, Any]]:
    described = BoosterParams.model_fields
    found = []
    for name, field in model.model_fields.items():
        if not field.description and name in described:  # a message's control is described where the task has it
            field = copy.copy(field)
            field.description = described[name].description
        found.append((name, field))
    return found


def _row(name: str, field: Any, meaning: str | None) -> str:
    cells = (f"`{name}`", f"`{_type(field.annotation)}`", _default(field), meaning or "")
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _type(annotation: Any) -> str:
    text = (
        annotation.__name__
        if isinstance(annotation, type) and not hasattr(annotation, "__origin__")
        else str(annotation)
    )
    text = re.sub(r"\b(?:typing|collections\.abc|datetime|funboost_core\.\w+|funboost\.\w+)\.", "", text)
    text = re.sub(r"<class '(?:\w+\.)*(\w+)'>", r"\1", text)
    text = re.sub(r"ForwardRef\('([^']*)'\)", r"\1", text)
    union = re.fullmatch(r"(?:Optional|Union)\[(.*)\]", text)
    if union is None:
        return text
    members = _members(union[1])
    if text.startswith("Optional"):
        members.append("None")
    named = {"None" if member == "NoneType" else member for member in members}
    return " | ".join(
        sorted(named, key=lambda name: (name == "None", name))
    )  # typing keeps the order of an equal union


def _members(text: str) -> list[str]:
    """Split at the commas that are in no bracket."""
    parts, depth = [""], 0
    for letter in text:
        depth += (letter in "[(") - (letter in "])")
        if letter == "," and not depth:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts]


def _default(field: Any) -> str:
    if field.is_required():
        return "–"
    if field.default is not PydanticUndefined:
        return f"`{field.default!r}`"
    setting = getattr(field.default_factory, "__qualname__", "")
    if "_configured" in setting:
        return "setting"
    made = field.get_default(call_default_factory=True)
    return f"`{made!r}`" if isinstance(made, (dict, list, tuple)) else f"`{type(made).__name__}()`"


if __name__ == "__main__":
    for language in _TEXTS:
        (DOCS / language / "parameters.md").write_text(page(language), "utf-8")
