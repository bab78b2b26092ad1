"""Finds what works on one side only of the line between Qt 5 and Qt 6 (QGIS 3 and 4): `qt6_lint.py FILE_OR_FOLDER …`.

Run by a Python that has QGIS 3: each dotted name is looked up in the live classes, so a short enum (`Qt.AlignLeft`) is
known for certain. Names behind instances (`self.button.Flat`) cannot be looked up. `# qt6-ok` accepts a line.
"""

import ast
import importlib
import os
import pathlib
import sys
import warnings

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

BINDINGS = ("PyQt5", "PyQt6", "PySide2", "PySide6")
MOVED = ("QAction", "QActionGroup", "QShortcut")
GONE = {
    "QRegExp": "QRegularExpression", "QDesktopWidget": "QScreen", "QWebView": "nothing: QtWebKit is absent",
    "QTextCodec": "nothing", "QMatrix": "QTransform", "QGLWidget": "QOpenGLWidget",
}  # fmt: skip
CALLS = {
    "exec_": "exec()", "setTabStopWidth": "setTabStopDistance", "globalPos": "globalPosition where there is one",
    "localPos": "position where there is one", "desktop": "QScreen", "angleDeltaF": "angleDelta",
}  # fmt: skip


class Linter(ast.NodeVisitor):
    """Walks one file and collects findings."""

    def __init__(self) -> None:
        self.findings: list[tuple[int, str]] = []
        self._names: dict[str, object] = {}

    def say(self, node: ast.AST, text: str) -> None:
        """Keep a finding."""
        self.findings.append((getattr(node, "lineno", 0), text))

    def visit_Import(self, node: ast.Import) -> None:
        """`import PyQt5`, `import qgis.core`."""
        for alias in node.names:
            top = alias.name.split(".")[0]
            if top in BINDINGS:
                self.say(node, f"import {alias.name}: take it from qgis.PyQt")
            elif top == "qgis":
                module = importlib.import_module(alias.name)
                self._names[alias.asname or "qgis"] = module if alias.asname else sys.modules["qgis"]

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        """`from qgis.PyQt.QtCore import Qt`."""
        if node.level or not node.module:
            return
        top = node.module.split(".")[0]
        if top in BINDINGS:
            self.say(node, f"from {node.module}: take it from qgis.PyQt")
        for alias in node.names:
            if node.module == "qgis.PyQt.QtGui" and alias.name in MOVED:
                self.say(node, f"{alias.name}: take it from qgis.PyQt.QtWidgets, which has it in every QGIS")
            if alias.name in GONE:
                self.say(node, f"{alias.name} is gone in Qt 6: use {GONE[alias.name]}")
            if top == "qgis":
                self._names[alias.asname or alias.name] = self._imported(node, alias.name)

    def _imported(self, node: ast.ImportFrom, name: str) -> object:
        try:
            module = importlib.import_module(str(node.module))
            return getattr(module, name) if hasattr(module, name) else importlib.import_module(f"{node.module}.{name}")
        except ImportError:
            self.say(node, f"{node.module} has no {name} in this QGIS")
            return None

    def visit_Attribute(self, node: ast.Attribute) -> None:
        """`Qt.AlignLeft`, `QMessageBox.Yes`, `QVariant.Type`."""
        owner = self._value(node.value)
        if isinstance(owner, type):
            value = getattr(owner, node.attr, None)
            if owner.__name__ == "QVariant":
                if node.attr == "Type":
                    self.say(node, "QVariant.Type is gone in Qt 6: QVariant.Int and its sisters work everywhere")
            elif value is None and node.attr[:1].isupper():
                self.say(node, f"{owner.__name__} has no {node.attr} in this QGIS")
            else:
                self._check_enum(node, owner, value)
        self.generic_visit(node)

    def _check_enum(self, node: ast.Attribute, owner: type, value: object) -> None:
        kind = type(value)
        scope = kind.__qualname__
        bound = (kind.__module__ or "").split(".")[0] in (*BINDINGS, "qgis")
        if bound and "." in scope and kind is not owner and kind.__name__ != owner.__name__ and isinstance(value, int):
            self.say(node, f"{owner.__name__}.{node.attr}: write {scope}.{node.attr}")

    def _value(self, node: ast.expr) -> object:
        if isinstance(node, ast.Name):
            return self._names.get(node.id)
        if isinstance(node, ast.Attribute):
            base = self._value(node.value)
            return getattr(base, node.attr, None) if base is not None else None
        return None

    def visit_Call(self, node: ast.Call) -> None:
        """`dialog.exec_()`."""
        if isinstance(node.func, ast.Attribute) and node.func.attr in CALLS:
            self.say(node, f"{node.func.attr}() is gone in Qt 6: use {CALLS[node.func.attr]}")
        self.generic_visit(node)


def lint(path: pathlib.Path) -> "list[str]":
    """Findings in one file."""
    text = path.read_text(encoding="utf-8")
    linter = Linter()
    linter.visit(ast.parse(text, str(path)))
    lines = text.splitlines()
    return [f"{path}:{n}: {words}" for n, words in sorted(set(linter.findings)) if "qt6-ok" not in lines[n - 1]]


def main(places: "list[str]") -> int:
    """Lint; the exit status is 1 if there is a finding."""
    warnings.simplefilter("ignore")
    import qgis.core
    import qgis.gui  # noqa: F401 - makes its classes known

    files = [
        f for place in map(pathlib.Path, places) for f in (sorted(place.rglob("*.py")) if place.is_dir() else [place])
    ]
    findings = [finding for file in files for finding in lint(file)]
    print("\n".join([*findings, f"Qt 6 lint: {len(files)} files, {len(findings)} finding(s)"]), flush=True)
    return 1 if findings else 0


if __name__ == "__main__":
    status = main(sys.argv[1:])
    os._exit(status)  # QGIS was never started, so it must not be torn down
