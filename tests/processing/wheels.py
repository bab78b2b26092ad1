"""Tiny real wheels and a tiny real engine, so that set-up is tested whole without network and within seconds."""

import zipfile

UV_BY_PIP = """#!/bin/sh
case "$1" in
  --version) echo "uv 99.0.0" ;;
  venv) exec "$4" -m venv "$5" ;;
  pip)
    python="$4"; shift 4
    for word do shift; [ "$word" = --offline ] || set -- "$@" "$word"; done
    exec "$python" -m pip --disable-pip-version-check install "$@" ;;
  *) exit 2 ;;
esac
"""
"""A `uv` for machines without one: takes the very commands that set-up gives, and no others."""


def make_wheel(folder, name, version, code="VALUE = 1\n"):
    """A pure-Python wheel with one module."""
    folder.mkdir(parents=True, exist_ok=True)
    info = f"{name}-{version}.dist-info"
    path = folder / f"{name}-{version}-py3-none-any.whl"
    files = {
        f"{name}.py": code,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{file},,\n" for file in files) + f"{info}/RECORD,,\n"
    with zipfile.ZipFile(path, "w") as archive:
        for file, text in {**files, f"{info}/RECORD": record}.items():
            archive.writestr(file, text)
    return path
