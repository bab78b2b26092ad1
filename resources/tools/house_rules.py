"""Checks rules of the house that no linter knows: short files, short functions, no unfinished business."""

import ast
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
MAX_FILE, MAX_FUNCTION = 400, 50
UNFINISHED = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|X" + r"XX)\b")
UNSAID = re.compile(r"# noqa: [A-Z0-9, ]*\bS(?!310)\d{3}(?!.*nosec)")
"""Said to ruff alone: the plugin repository asks bandit, which wants `# nosec` and takes too long for every commit. It
does not ask what S310 asks."""
MACHINE = re.compile(r"(?<![\w.])/(home|Users|root|work)/\w")


def main() -> int:
    """Print findings; the exit status is 1 if there is one."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "*.py"], cwd=ROOT, capture_output=True, text=True
    )
    names = (
        listed.stdout.split("\n") if listed.returncode == 0 else [str(p.relative_to(ROOT)) for p in ROOT.rglob("*.py")]
    )
    findings = []
    for name in sorted(filter(None, names)):
        path = ROOT / name
        if path.exists():
            findings += [
                f"{name}{finding}" for finding in check(path.read_text(encoding="utf-8"), name.startswith("tests/"))
            ]
    for finding in findings:
        print(finding)
    return 1 if findings else 0


def check(text: str, is_test: bool) -> "list[str]":
    """Findings in one file, each beginning with `:line: `."""
    findings = []
    lines = text.splitlines()
    if len(lines) > MAX_FILE:
        findings.append(f":{MAX_FILE}: {len(lines)} lines, at most {MAX_FILE}: split it by noun")
    for number, line in enumerate(lines, 1):
        if UNFINISHED.search(line) or (MACHINE.search(line) and not is_test):
            findings.append(f":{number}: unfinished, or a path of one machine: {line.strip()[:80]}")
        if UNSAID.search(line) and not is_test:
            findings.append(f":{number}: say to bandit too why it is safe, as in `# nosec B608`: {line.strip()[:80]}")
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > MAX_FUNCTION:
                findings.append(f":{node.lineno}: {node.name} has {length} lines, at most {MAX_FUNCTION}")
    return findings


if __name__ == "__main__":
    sys.exit(main())
