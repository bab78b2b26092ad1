"""Tries an engine before it is used: its libraries import at the pinned versions, and its worker answers.

Standard library only, Python 3.9 and later.
"""

import json
import subprocess  # nosec B404 - starting the engine is what this file is for
import threading
from pathlib import Path
from typing import Any, Callable, Dict, List

from ..core import protocol
from ..core.errors import SetupFailed
from ..core.version import VERSION
from .commands import SetupLog, kill, run, start
from .environment import PLUGIN, clean_environment, requirements
from .trouble import recognise

BOOT = PLUGIN / "core" / "worker" / "boot.py"
SILENCE_S = 300.0
"""A virus scanner looks at each of some thousand files at the first import."""
MODULES = {
    "light": (
        "numpy", "scipy", "rasterio", "pandas", "pyproj", "shapely", "pyogrio", "geopandas", "sklearn", "onnxruntime",
        "skops.io", "zstandard", "threadpoolctl",
    ),
    "full": ("torch", "safetensors.torch", "huggingface_hub"),
}  # fmt: skip
"""timm is left to the worker: beside a CPU PyTorch it needs help with torchvision."""

QUESTION = """
import importlib, importlib.metadata, json, sys
names, modules = json.loads(sys.argv[1]), json.loads(sys.argv[2])
failed = {}
for module in modules:
    try:
        importlib.import_module(module)
    except Exception as error:
        failed[module] = f"{type(error).__name__}: {error}"
versions = {}
for name in names:
    try:
        versions[name] = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        versions[name] = ""
print("@@" + json.dumps({"failed": failed, "versions": versions}))
"""


def prove(python: Path, size: str, log: SetupLog, cancelled: Callable[[], bool]) -> Dict[str, str]:
    """Try the engine; returns the versions of its libraries.

    Raises:
        SetupFailed: what does not work, and what to do.
    """
    versions = check_libraries(python, size, log, cancelled)
    answer = shake_hands(python)
    log.note(f"the worker answers: {answer}")
    return versions


def check_libraries(python: Path, size: str, log: SetupLog, cancelled: Callable[[], bool]) -> Dict[str, str]:
    """Import what the engine is made of and compare versions.

    Raises:
        SetupFailed: a library is missing, of another version, or does not load.
    """
    pins = pinned(size)
    modules: List[str] = [*MODULES["light"], *(MODULES["full"] if size == "full" else ())]
    command = [str(python), "-I", "-c", QUESTION, json.dumps(list(pins)), json.dumps(modules)]
    done = run(command, log, cancelled, env=clean_environment(), timeout_s=SILENCE_S)
    answer = next((line[2:] for line in reversed(done.lines) if line.startswith("@@")), "")
    if not answer:
        said = done.lines[-1][:300] if done.lines else "nothing"
        raise SetupFailed(f"The engine's Python ({python}) does not work; it said: {said}. Run set-up again.")
    facts = json.loads(answer)
    for module, error in facts["failed"].items():
        trouble = recognise(error)
        advice = trouble.sentence if trouble else "Run set-up again; if it comes back, send the log."
        raise SetupFailed(f"The engine's library {module} does not load ({error[:200]}). {advice}")
    versions: Dict[str, str] = facts["versions"]
    for name, version in pins.items():
        if name in versions and versions[name].partition("+")[0] not in version:
            has = versions[name] or "none"
            raise SetupFailed(f"The engine holds {name} {has} instead of {' or '.join(version)}. Run set-up again.")
    return versions


def pinned(size: str) -> Dict[str, List[str]]:
    """Pinned versions of each library that is needed on every system; two where they differ between Pythons."""
    pins: Dict[str, List[str]] = {}
    partial = set()
    for line in requirements(size):
        name, _, rest = line.partition("==")
        version, _, condition = rest.partition(";")
        pins.setdefault(name.strip(), []).append(version.strip())
        if condition and "python" not in condition:
            partial.add(name.strip())
    return {name: versions for name, versions in pins.items() if name not in partial}


def shake_hands(python: Path, timeout_s: float = 60.0) -> Dict[str, Any]:
    """Start the worker, let it introduce itself, and end it.

    Raises:
        SetupFailed: it does not start, or does not answer in time.
    """
    pipes = {"stdin": subprocess.PIPE, "stderr": subprocess.PIPE}
    try:
        process = start([str(python), "-I", "-u", str(BOOT)], env=clean_environment(), **pipes)
    except OSError as error:
        raise SetupFailed(f"The engine's Python ({python}) cannot be started: {error}. Run set-up again.") from error
    timer = threading.Timer(timeout_s, process.kill)
    timer.start()
    hello = protocol.request(1, protocol.INITIALIZE, {"protocol": protocol.PROTOCOL_VERSION, "version": VERSION})
    try:
        out, last_words = process.communicate(protocol.encode(hello).decode("ascii"))
    finally:
        timer.cancel()
        kill(process)
    for line in out.splitlines():
        message = protocol.decode(line.encode("utf-8"))
        if isinstance(message.get("result"), dict):
            return dict(message["result"])
        if "error" in message:
            raise SetupFailed(f"The worker refused: {message['error'].get('message', '')}")
    said = last_words.strip().splitlines()[-1:] or ["nothing"]
    raise SetupFailed(
        f"The worker did not answer within {timeout_s:.0f} s; it said: {said[0][:300]}. Run set-up again."
    )
