"""What the doctor says of engines that are there, gone, or broken; and what installers' last words mean."""

import sys

import pytest
from quadrat.processing import doctor, environment, proving
from quadrat.processing.environment import home
from quadrat.processing.trouble import TROUBLES, recognise
from quadrat.processing.uv import parse_pip_config, uv_environment


@pytest.fixture(autouse=True)
def own_home(tmp_path, monkeypatch):
    monkeypatch.setenv("QUADRAT_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("QUADRAT_PYTHON", raising=False)
    for name in ("SSL_CERT_FILE", "PIP_CERT", "PIP_FIND_LINKS"):
        monkeypatch.delenv(name, raising=False)


def found():
    return {finding.title: finding for finding in doctor.diagnose()}


def test_without_an_engine_it_says_what_to_run():
    findings = found()
    assert not findings["Engine"].ok
    assert "quadrat setup" in findings["Engine"].sentence
    assert findings["Folder"].ok
    assert findings["QGIS"].ok


def test_an_engine_that_was_deleted_is_named():
    home().mkdir()
    environment.pointer_file().write_text('{"engine": "abc"}')
    findings = found()
    assert not findings["Pointer"].ok
    assert "deleted" in findings["Pointer"].sentence
    environment.pointer_file().write_text("{")
    assert "cannot be read" in found()["Pointer"].sentence


def test_an_engine_without_libraries_is_told(monkeypatch):
    monkeypatch.setenv("QUADRAT_PYTHON", sys.executable)
    monkeypatch.setattr(proving, "MODULES", {"light": ("no_such_library",), "full": ()})
    findings = found()
    assert not findings["Libraries"].ok
    assert "no_such_library" in findings["Libraries"].sentence
    assert findings["Worker"].ok, "the worker itself needs only the standard library"
    assert "QUADRAT_PYTHON" in findings["Pointer"].sentence


def test_a_library_of_another_version_is_told(monkeypatch, tmp_path):
    (tmp_path / "light.txt").write_text("pytest==1.0\n")
    monkeypatch.setattr(environment, "REQUIREMENTS", tmp_path)
    monkeypatch.setattr(proving, "MODULES", {"light": (), "full": ()})
    monkeypatch.setenv("QUADRAT_PYTHON", sys.executable)
    assert "instead of 1.0" in found()["Libraries"].sentence


def test_a_python_that_is_none_is_told(monkeypatch, tmp_path):
    path = tmp_path / "bin" / "python"
    path.parent.mkdir()
    path.write_text("#!/bin/sh\necho boom >&2\nexit 1\n")
    path.chmod(0o755)
    monkeypatch.setenv("QUADRAT_PYTHON", str(path))
    findings = found()
    assert "boom" in findings["Libraries"].sentence
    assert "boom" in findings["Worker"].sentence


def test_a_home_below_a_file_is_told(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("QUADRAT_HOME", str(tmp_path / "file" / "home"))
    assert not found()["Folder"].ok
    assert "cannot be written" in found()["Folder"].sentence


def test_a_pin_for_one_kind_of_system_is_not_asked_of_others(monkeypatch, tmp_path):
    (tmp_path / "light.txt").write_text(
        "a==1\nb==2 ; sys_platform == 'win32'\n"
        "c==3 ; python_full_version < '3.12'\nc==4 ; python_full_version >= '3.12'\n"
    )
    monkeypatch.setattr(environment, "REQUIREMENTS", tmp_path)
    assert proving.pinned("light") == {"a": ["1"], "c": ["3", "4"]}


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("OSError: [Errno 28] No space left on device", "no space"),
        ("error: Failed to install\n  cause: There is not enough space on the disk. (os error 112)", "no space"),
        ("[WinError 1260] This program is blocked by group policy", "blocked"),
        ("failed: An Application Control policy has blocked this file. (os error 4551)", "blocked"),
        (
            "[WinError 32] The process cannot access the file because it is being used by another process",
            "virus scanner",
        ),
        ("ProxyError('Cannot connect to proxy.', OSError('Tunnel connection failed: 407'))", "proxy"),
        ("client error (Connect): tunnel error: unsuccessful", "proxy"),
        ("invalid peer certificate: UnknownIssuer", "certificate"),
        ("SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED]", "certificate"),
        ("Failed to establish a new connection: [Errno 111] Connection refused", "network"),
        ("dns error: failed to lookup address information: Temporary failure in name resolution", "network"),
        ("The virtual environment was not created successfully because ensurepip is not available.", "no ensurepip"),
        ("OSError: [Errno 36] File name too long: 'x'", "long path"),
        ("PermissionError: [Errno 13] Permission denied: '/opt'", "permission"),
        ("ERROR: No matching distribution found for torch==2.13.0", "no such wheel"),
        ("  x No solution found when resolving dependencies", "no such wheel"),
        ("ImportError: DLL load failed while importing _c", "Visual C++"),
    ],
)
def test_last_words_are_understood(words, kind):
    assert recognise(words).kind == kind


def test_what_is_not_understood_is_not_guessed():
    assert recognise("Segmentation fault") is None


def test_every_sentence_says_what_to_do():
    verbs = ("Free", "Ask", "Wait", "Check", "Set ", "run:", "Choose", "Try", "Install")
    assert all(any(verb in trouble.sentence for verb in verbs) for trouble in TROUBLES)


def test_pips_settings_reach_uv():
    lines = [
        "global.index-url='https://mirror.example.org/simple'",
        "global.extra-index-url='https://a.example.org/simple\\nhttps://b.example.org/simple'",
        "install.find-links='/wheels /more'",
        ":env:.cert='/not/this'",
        "global.cert='/etc/own.pem'",
    ]
    env = uv_environment(parse_pip_config(lines))
    assert env["UV_DEFAULT_INDEX"] == "https://mirror.example.org/simple"
    assert env["UV_INDEX"] == "https://a.example.org/simple https://b.example.org/simple"
    assert env["UV_INDEX_STRATEGY"] == "unsafe-best-match"
    assert env["UV_FIND_LINKS"] == "/wheels,/more"
    assert env["SSL_CERT_FILE"] == "/etc/own.pem"


def test_uvs_own_settings_win(monkeypatch):
    monkeypatch.setenv("UV_DEFAULT_INDEX", "https://mine.example.org/simple")
    assert (
        uv_environment({"index-url": "https://pips.example.org"})["UV_DEFAULT_INDEX"]
        == "https://mine.example.org/simple"
    )
