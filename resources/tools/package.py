"""Makes the ZIP that users install, from the last commit, and checks it by the rules of the QGIS plugin repository.

`package.py [--bin FOLDER] [--check ZIP]`: FOLDER holds bandit and detect-secrets. Exit status 1 if the repository would
refuse or block the ZIP. The rules are those of mid-2026; read the repository's own pages before a release.
"""

import argparse
import configparser
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import zipfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
NAME = "quadrat"
LIMIT_BYTES = 25_000_000
NEEDED_FILES = ("__init__.py", "metadata.txt", "LICENSE")
NEEDED_FACTS = (
    "name", "description", "version", "qgisMinimumVersion", "author", "email", "about", "tracker", "repository",
    "homepage", "qgisMaximumVersion", "icon", "tags", "category", "changelog", "hasProcessingProvider",
)  # fmt: skip
UNWANTED_PARTS = {"__pycache__", "__MACOSX", ".git", ".quadrat", "tests"}
UNWANTED_ENDS = (".pyc", ".exe", ".dll", ".so", ".dylib", ".pyd", ".sh", ".bat", ".ps1", ".cmd")


def build() -> pathlib.Path:
    """`git archive` of the last commit as `dist/quadrat-<version>.zip`."""
    dirty = subprocess.run(
        ["git", "status", "--porcelain"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    if dirty.strip():
        print("Note: changes that are not committed do not go into the package.")
    version = re.search(r'VERSION = "(.+?)"', (ROOT / "core" / "version.py").read_text(encoding="utf-8"))
    if version is None:
        raise SystemExit("core/version.py holds no VERSION.")
    target = ROOT / "dist" / f"{NAME}-{version[1]}.zip"
    target.parent.mkdir(exist_ok=True)
    command = ["git", "archive", "--format=zip", f"--prefix={NAME}/", f"--output={target}", "HEAD"]
    subprocess.run(command, cwd=ROOT, check=True)
    return target


def check_structure(path: pathlib.Path) -> "list[str]":
    """What the repository refuses: names, sizes, missing files, a bad metadata.txt."""
    findings = []
    if path.stat().st_size > LIMIT_BYTES:
        findings.append(f"{path.stat().st_size / 1e6:.1f} MB, at most {LIMIT_BYTES / 1e6:.0f} MB")
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        damaged = archive.testzip()
        if damaged:
            findings.append(f"{damaged} is damaged")
        for name in names:
            if not _plain(name):
                findings.append(f"{name} must not be in the package")
        tops = {name.split("/")[0] for name in names}
        if tops != {NAME}:
            findings.append(f"the top folder must be {NAME}, not {sorted(tops)}")
        findings += [f"{need} is missing" for need in NEEDED_FILES if f"{NAME}/{need}" not in names]
        if f"{NAME}/metadata.txt" in names:
            findings += check_metadata(archive.read(f"{NAME}/metadata.txt"), set(names))
    return findings


def _plain(name: str) -> bool:
    parts = name.split("/")
    outside = ".." in parts or name.startswith("/") or "\\" in name or re.match(r"^[A-Za-z]:", name)
    return not outside and not UNWANTED_PARTS & set(parts) and not name.lower().endswith(UNWANTED_ENDS)


def check_metadata(raw: bytes, names: "set[str]") -> "list[str]":
    """What the repository wants of metadata.txt, and what QGIS needs to offer the plugin everywhere."""
    parser = configparser.ConfigParser()  # with interpolation, as the repository reads it: a bare % is an error
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    try:
        parser.read_string(raw.decode("utf-8"))
        facts = dict(parser.items("general"))
    except (UnicodeDecodeError, configparser.Error) as error:
        return [f"metadata.txt cannot be read: {error}"]
    findings = [f"metadata.txt: {name} is missing" for name in NEEDED_FACTS if not facts.get(name, "").strip()]
    for name in ("tracker", "repository", "homepage"):
        if not re.match(r"https?://[^/]+", facts.get(name, "")):
            findings.append(f"metadata.txt: {name} must be an address that answers")
    if "/" in facts.get("author", ""):
        findings.append("metadata.txt: author must not hold a slash")
    if "plugin" in facts.get("name", "").lower():
        findings.append("metadata.txt: the name must not hold 'plugin'")
    if f"{NAME}/{facts.get('icon', '')}" not in names:
        findings.append(f"metadata.txt: icon {facts.get('icon')} is not in the package")
    if facts.get("qgisMaximumVersion") != "4.99":
        findings.append("metadata.txt: qgisMaximumVersion must be 4.99, else QGIS 4 does not offer the plugin")
    return findings


def scan(folder: pathlib.Path, tools: pathlib.Path) -> "list[str]":
    """What the repository's scanners block: any finding of bandit, any secret that detect-secrets suspects."""
    findings = []
    for hit in _json([str(tools / "bandit"), "-q", "-r", ".", "-f", "json"], folder)["results"]:
        where = f"{hit['filename'].removeprefix('./')}:{hit['line_number']}"
        findings.append(f"{where}: {hit['test_id']} {hit['issue_text'].splitlines()[0]}")
    command = [str(tools / "detect-secrets"), "scan", "--all-files", "--exclude-files", r"metadata\.txt$", "."]
    for name, hits in _json(command, folder)["results"].items():
        findings += [f"{name}:{hit['line_number']}: looks like a secret ({hit['type']})" for hit in hits]
    return findings


def _json(command: "list[str]", folder: pathlib.Path) -> dict:  # type: ignore[type-arg]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    try:
        return dict(json.loads(done.stdout))
    except ValueError:
        raise SystemExit(f"{command[0]} failed: {done.stderr[-500:]}") from None


def main() -> int:
    """Build or take the ZIP, check it, and tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / ".quadrat" / "test-engine" / "bin")
    parser.add_argument("--check", type=pathlib.Path, help="check this ZIP instead of making one")
    options = parser.parse_args()
    path = options.check or build()
    findings = check_structure(path)
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(path) as archive:
        archive.extractall(folder)
        findings += scan(pathlib.Path(folder), options.bin.absolute())
        count = len(archive.namelist())
    for finding in findings:
        print(finding)
    print(f"{path}: {path.stat().st_size / 1e6:.2f} MB, {count} files, {len(findings)} finding(s)")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
