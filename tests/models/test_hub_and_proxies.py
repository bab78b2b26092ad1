"""Where downloads are asked for and by which way: the hub and its mirrors, tokens, redirects, proxies, certificates."""

import hashlib

import pytest
from quadrat.models.card import Source
from quadrat.models.errors import UnusableModel, WeightsNotFound
from quadrat.models.weights import fetching, place, records, store, web
from quadrat.tests.models.webserver import Handler, alone, nothing_kept, safetensors, serving

pytestmark = pytest.mark.same_without_torch
BODY = safetensors(250_000)
"""1 MB."""


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    alone(tmp_path, monkeypatch)
    monkeypatch.setattr(fetching, "FIRST_WAIT_S", 0.01)
    return tmp_path / "Häuser 家" / "weights"


@pytest.fixture
def server():
    with serving() as made:
        made.how.files["/w.safetensors"] = BODY
        yield made


def source_at(server, **facts):
    return Source("tiny.tag", url=f"{server.url}/w.safetensors", licence="mit", **facts)


def fetch(source, tick=place.silent, log=lambda text: None):
    return fetching.fetch(source, tick, log)


HUB = Source("tiny.tag", repo_id="nobody/tiny.tag", licence="mit")


def test_the_hub_or_its_mirror_is_asked_with_the_users_token(home, server, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", server.url + "/")
    (tmp_path / "hf").mkdir()
    (tmp_path / "hf" / "token").write_text("hf_secret\n")
    commit = {"X-Repo-Commit": "c0ffee"}
    server.how.files["/nobody/tiny.tag/resolve/main/pytorch_model.bin"] = BODY
    server.how.headers["/nobody/tiny.tag/resolve/main/pytorch_model.bin"] = commit
    with pytest.raises(UnusableModel, match=rf"^{server.url}.*model\.bin is called \.bin, but inside"):
        fetch(HUB)
    server.how.files["/nobody/tiny.tag/resolve/v1/model.safetensors"] = BODY
    server.how.headers["/nobody/tiny.tag/resolve/v1/model.safetensors"] = commit
    pinned = Source("tiny.tag", repo_id="nobody/tiny.tag", revision="v1")
    path = fetch(pinned)
    assert records.read_record(path).revision == "c0ffee"
    assert {headers["Authorization"] for _, headers in server.how.seen} == {"Bearer hf_secret"}
    assert [path for path, _ in server.how.seen][:2] == [
        "/nobody/tiny.tag/resolve/main/model.safetensors", "/nobody/tiny.tag/resolve/main/pytorch_model.bin",
    ]  # fmt: skip


def test_redirects_keep_the_range_and_lose_the_token(home, server, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", server.url)
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    asked, moved = "/nobody/tiny.tag/resolve/main/model.safetensors", "/new/name"
    with serving() as other:
        other.how.files["/blob?sig=1"] = BODY
        other.how.cut_after = [400_000]
        server.how.redirect = {asked: moved, moved: f"{other.url}/blob?sig=1"}
        server.how.headers = {moved: {"X-Repo-Commit": "c0ffee", "X-Linked-Etag": f'"{sha(BODY)}"'}}
        path = fetch(HUB)
        assert path.read_bytes() == BODY and records.read_record(path).revision == "c0ffee"
        assert all("Authorization" in headers for _, headers in server.how.seen), "the same host, also after a move"
        assert not any("Authorization" in headers for _, headers in other.how.seen)
        assert other.how.ranges_asked() == ["", "bytes=400000-"]
        assert "hf_secret" not in "".join(p.read_text("latin-1") for p in home.rglob("*.json"))
        store.delete("tiny.tag")
        server.how.headers = {moved: {"X-Linked-Etag": f'"{"ab" * 32}"'}}
        with pytest.raises(UnusableModel, match="its SHA-256 differs"):
            fetch(HUB)
    assert nothing_kept(home)


def sha(content):
    return hashlib.sha256(content).hexdigest()


def test_nothing_follows_from_https_to_http():
    redirects = web._Redirects(web.Address("https://example.org/w", ""))
    request = web.urllib.request.Request("https://example.org/w")
    for bad in ("http://example.org/w", "ftp://example.org/w", "file:///etc/hostname"):
        with pytest.raises(WeightsNotFound, match="not safe"):
            redirects.redirect_request(request, None, 302, "", {}, bad)


def test_tokens_come_from_where_the_hub_keeps_them(tmp_path, monkeypatch):
    assert web.hub_token() == ""
    monkeypatch.setenv("HF_TOKEN_PATH", str(tmp_path / "mine"))
    (tmp_path / "mine").write_text(" from-file ")
    assert web.hub_token() == "from-file"
    monkeypatch.setenv("HF_TOKEN", "from-env")
    assert web.hub_token() == "from-env"
    monkeypatch.setenv("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1")
    assert web.hub_token() == ""


class Proxy(Handler):
    """Answers for any host; wants a password for CONNECT."""

    def do_GET(self):
        self.path = "/" + self.path.split("/", 3)[3] if "://" in self.path else self.path
        super().do_GET()

    def do_CONNECT(self):
        self.server.how.seen.append((self.path, dict(self.headers)))
        self._end(407, b"")


@pytest.fixture
def proxy():
    with serving(Proxy) as made:
        made.how.files["/w.safetensors"] = BODY
        yield made


def test_proxies_of_the_environment_are_used(home, server, proxy, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", proxy.url.replace("://", "://me:word@"))
    assert fetch(Source("far", url="http://far.invalid/w.safetensors")).read_bytes() == BODY
    assert proxy.how.seen[0][1]["Proxy-Authorization"].startswith("Basic ")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    assert fetch(source_at(server)) and len(proxy.how.seen) == 1
    monkeypatch.delenv("HTTP_PROXY")
    monkeypatch.setenv("ALL_PROXY", proxy.url)
    assert fetch(Source("farther", url="http://far.invalid/w.safetensors"))


def test_proxies_that_want_a_login_or_speak_socks_are_sentences(home, proxy, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    with pytest.raises(WeightsNotFound, match=r"name and a password \(error 407\)"):
        fetch(Source("far", url="https://far.invalid/w.safetensors"))
    monkeypatch.setenv("HTTPS_PROXY", "socks5://127.0.0.1:1080")
    with pytest.raises(WeightsNotFound, match="SOCKS proxy"):
        fetch(Source("far", url="https://far.invalid/w.safetensors"))


def test_certificates_that_nobody_vouches_for_are_a_sentence(home):
    import ssl

    error = web._no_way(web.Address("https://a.org/w", ""), OSError(ssl.SSLCertVerificationError("bad")))
    assert isinstance(error, web.Lost)
    reason = ssl.SSLCertVerificationError("bad")
    reason.verify_message = "self-signed certificate"
    error = web._no_way(web.Address("https://a.org/w", ""), web.urllib.error.URLError(reason))
    assert "self-signed certificate" in str(error) and "SSL_CERT_FILE" in str(error)
