"""A job as a call that can be pasted and run: in QGIS's Python console, in a shell on this machine, or as JSON."""

import json
import os
import shlex
import subprocess  # nosec B404 - quotes words for Windows, starts nothing
from typing import Any, Dict, List

from ..core.errors import EngineMissing
from .environment import PLUGIN, find_engine
from .parameters import key

PYTHON, SHELL, JSON = "python", "shell", "json"
KINDS = (PYTHON, SHELL, JSON)


def program() -> List[str]:
    """The words that start Quadrat's command line here: by the engine's Python where there is one."""
    try:
        return [str(find_engine().python), str(PLUGIN / "__main__.py")]
    except EngineMissing:
        return ["python", "-m", "quadrat"]


def line(words: List[str]) -> str:
    """Words as one line for the shell of this system (on Windows for its command prompt)."""
    return subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)


def as_text(jobs: List[Any], kind: str) -> str:
    """Jobs in their order: lines for the Python console or a shell, or JSON that `quadrat run` takes."""
    if kind == JSON:
        return json.dumps([job.to_dict() for job in jobs], indent=1, ensure_ascii=False)
    if kind == SHELL:
        start = program()
        return "\n".join(line([*start, job.facts.verb, *_options(job)]) for job in jobs)
    calls = [f"processing.run({f'quadrat:{job.facts.id}'!r}, {form_values(job)!r})" for job in jobs]
    return "\n".join(["import processing", *calls])


def form_values(job: Any) -> Dict[str, Any]:
    """The job as parameters of its algorithm; what has its default is left out."""
    defaults, params = job.defaults(), job.params()
    return {
        key(name): _for_form(getattr(job, name))
        for name in params
        if getattr(job, name) != defaults[name] or params[name].required
    }


def _for_form(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _options(job: Any) -> List[str]:
    defaults, words = job.defaults(), []
    for name, p in job.params().items():
        value, option = getattr(job, name), name.replace("_", "-")
        if value == defaults[name] and not p.required:
            continue
        if isinstance(value, bool):
            words.append(f"--{option}" if value else f"--no-{option}")
        else:
            many = value if isinstance(value, tuple) else (value,)
            words += [f"--{option}", *(str(one) for one in many)]
    return words
