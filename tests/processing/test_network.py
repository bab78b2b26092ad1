"""QGIS's network settings reach the engine's processes, and only when QGIS starts them."""

import json
import os
import ssl

import pytest
from qgis.core import (
    QgsApplication,
    QgsNetworkAccessManager,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsSettings,
)
from qgis.PyQt.QtNetwork import QNetworkProxy, QSslCertificate
from quadrat.core.jobs.declare import Result
from quadrat.core.jobs.weights import FetchWeights
from quadrat.processing import environment, network
from quadrat.processing.algorithms.fetchweights import FetchWeightsAlgorithm
from quadrat.processing.client import WorkerPool

KEYS = (
    "proxyEnabled", "proxyType", "proxyHost", "proxyPort", "proxyUser", "proxyPassword", "authcfg", "noProxyUrls",
    "proxyExcludedUrls",
)  # fmt: skip


@pytest.fixture
def settings(qgis_app, monkeypatch):
    """A function that sets the proxy of QGIS; what was set before comes back."""
    store = QgsSettings()
    before = {key: store.value(f"proxy/{key}") for key in KEYS}

    def put(**values):
        for key in KEYS:
            store.remove(f"proxy/{key}")
        for key, value in values.items():
            store.setValue(f"proxy/{key}", value)

    put()
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    yield put
    put(**{key: value for key, value in before.items() if value is not None})


HTTP = {"proxyEnabled": True, "proxyType": "HttpProxy", "proxyHost": "proxy.example.org", "proxyPort": "3128"}


def test_a_proxy_becomes_variables(settings):
    settings(**HTTP)
    address = "http://proxy.example.org:3128"
    assert network.proxy_environment() == {"HTTP_PROXY": address, "HTTPS_PROXY": address}


def test_names_and_passwords_may_hold_any_sign(settings):
    settings(**HTTP, proxyUser="dómain\\me", proxyPassword="p@ss:w/rd %")
    assert (
        network.proxy_environment()["HTTPS_PROXY"]
        == "http://d%C3%B3main%5Cme:p%40ss%3Aw%2Frd%20%25@proxy.example.org:3128"
    )


@pytest.mark.parametrize("excluded", [
    ["http://intern.example.org/", "https://maps.example.org:8080/wms", "plain.example.org"],
    "http://intern.example.org/|https://maps.example.org:8080/wms|plain.example.org",
])  # fmt: skip
def test_addresses_without_proxy_become_hosts(settings, excluded):
    settings(**HTTP, noProxyUrls=excluded, proxyExcludedUrls=["http://intern.example.org/other"])
    hosts = "intern.example.org,maps.example.org,plain.example.org"
    assert network.proxy_environment()["NO_PROXY"] == hosts


@pytest.mark.parametrize("change", [
    {"proxyEnabled": False}, {"proxyType": "DefaultProxy"}, {"proxyType": "FtpCachingProxy"}, {"proxyHost": ""},
])  # fmt: skip
def test_without_a_proxy_of_its_own_qgis_lends_nothing(settings, change):
    settings(**{**HTTP, **change})
    assert network.proxy_environment() == {}


def test_socks_ports_and_version_six(settings):
    settings(proxyEnabled="true", proxyType="Socks5Proxy", proxyHost="fe80::1", proxyPort=0)
    assert network.proxy_environment()["HTTPS_PROXY"] == "socks5h://[fe80::1]"


def test_a_login_of_the_password_store_is_the_one_that_qgis_uses(settings):
    manager = QgsNetworkAccessManager.instance()
    before = manager.fallbackProxy()
    proxy = QNetworkProxy(QNetworkProxy.ProxyType.HttpProxy, "proxy.example.org", 3128, "kept", "secret")
    manager.setFallbackProxyAndExcludes(proxy, [], [])
    try:
        settings(**HTTP, authcfg="abc1234")
        assert "//kept:secret@" in network.proxy_environment()["HTTP_PROXY"]
        settings(**{**HTTP, "proxyHost": "other.example.org"}, authcfg="abc1234")
        assert "secret" not in network.proxy_environment()["HTTP_PROXY"]
    finally:
        manager.setFallbackProxyAndExcludes(before, [], [])


AUTHORITY = """-----BEGIN CERTIFICATE-----
MIIBhjCCASugAwIBAgIUCJT2hkl8qpikdyX/Dr2A7V7DUkQwCgYIKoZIzj0EAwIw
FzEVMBMGA1UEAwwMUXVhZHJhdCB0ZXN0MCAXDTI2MTEyMTE4MjM0M1oYDzIxMjYx
MDI4MTgyMzQzWjAXMRUwEwYDVQQDDAxRdWFkcmF0IHRlc3QwWTATBgcqhkjOPQIB
BggqhkjOPQMBBwNCAAS36oVD2JhvNbb4gwpyMuFh7JVBjsBh3JD8DIN07BlAGPqZ
f8oqADCBnvwhpsB3LuVz6ijDKRjKjHNTbsNeORHbo1MwUTAdBgNVHQ4EFgQUuZtG
zJDN0OMFxiYeX91ITzAV+q8wHwYDVR0jBBgwFoAUuZtGzJDN0OMFxiYeX91ITzAV
+q8wDwYDVR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNJADBGAiEAgw3RJMZvFINr
dMQrxIlzKnV1a9aTY9gf0MdvuIo+D6ACIQDHAzlqD+U+dtg2dBFWIPABVSrvbbEw
C0rOWAT1AcpsPQ==
-----END CERTIFICATE-----
"""


def test_authorities_that_were_added_to_qgis_reach_the_engine(qgis_app, tmp_path, monkeypatch):
    monkeypatch.setenv("QUADRAT_HOME", str(tmp_path / "häuser"))
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    manager = QgsApplication.authManager()
    if manager.isDisabled():
        pytest.skip("QGIS has no store of certificates here")
    assert network.certificate_environment() == {}
    (authority,) = QSslCertificate.fromData(AUTHORITY.encode())
    assert manager.storeCertAuthority(authority)
    try:
        found = network.network_environment()["SSL_CERT_FILE"]
        text = (tmp_path / "häuser" / "certificates.pem").read_text()
        assert found == str(tmp_path / "häuser" / "certificates.pem")
        assert "".join(AUTHORITY.split()[2:-2]) in "".join(text.split())
        context = ssl.create_default_context(cafile=found)
        assert "Quadrat test" in str([each["subject"] for each in context.get_ca_certs()])
        monkeypatch.setenv("SSL_CERT_FILE", "/mine.pem")
        assert network.certificate_environment() == {}
    finally:
        manager.removeCertAuthority(authority)


def test_processes_are_started_with_it_from_qgis_only(provider, settings, monkeypatch):
    monkeypatch.setenv("https_proxy", "http://elsewhere:1")
    assert environment.clean_environment()["https_proxy"] == "http://elsewhere:1"
    settings(**HTTP)
    clean = environment.clean_environment()
    assert clean["HTTPS_PROXY"] == "http://proxy.example.org:3128" and "https_proxy" not in clean
    environment.borrow_from(None)
    try:
        assert environment.clean_environment()["https_proxy"] == "http://elsewhere:1"
        assert "HTTPS_PROXY" not in environment.clean_environment()
    finally:
        environment.borrow_from(network.network_environment)


def test_a_worker_that_knows_another_proxy_is_replaced(provider, settings, engine):
    pool = WorkerPool(lambda: engine)
    job = {"job": "manageweights", "what": "list", "name": "", "folder": ""}
    try:
        pool.run(job)
        (first,) = pool._idle
        pool.run(job)
        assert pool._idle == [first]
        settings(**HTTP)
        pool.run(job)
        (second,) = pool._idle
        assert second is not first and not first.alive
        if os.path.exists(f"/proc/{second.pid}/environ"):
            with open(f"/proc/{second.pid}/environ", "rb") as file:
                assert b"HTTPS_PROXY=http://proxy.example.org:3128" in file.read()
    finally:
        pool.close()


def test_weights_are_managed_from_the_toolbox(run, tmp_path, monkeypatch):
    monkeypatch.setenv("QUADRAT_HOME", str(tmp_path / "häuser"))
    import quadrat.processing.workers as workers

    workers.refresh_pool()
    values = run("manageweights", WHAT="list")
    assert values["STORE"] == str(tmp_path / "häuser" / "weights")
    (tmp_path / "disk two").mkdir()
    values = run("manageweights", WHAT="move", FOLDER=str(tmp_path / "disk two"))
    assert values["STORE"] == str(tmp_path / "disk two")
    assert json.loads((tmp_path / "häuser" / "weights.json").read_text()) == {"folder": str(tmp_path / "disk two")}
    workers.refresh_pool()


def test_a_file_that_is_no_weights_is_a_sentence_in_the_toolbox(run, tmp_path, monkeypatch):
    import quadrat.processing.workers as workers

    monkeypatch.setenv("QUADRAT_HOME", str(tmp_path))
    workers.refresh_pool()
    page = tmp_path / "croma.pt"
    page.write_text("<!doctype html><html>Log in</html>")
    with pytest.raises(QgsProcessingException, match="is a web page and not a file of weights"):
        run("fetchweights", BACKBONE="croma-base", FILE=str(page))
    workers.refresh_pool()


def test_the_path_comes_out_for_models(provider, monkeypatch):
    job = FetchWeights(backbone="croma-base")
    result = Result("fetchweights", {}, {"path": "/store/croma-base.pt", "sentence": "There."})
    collected = FetchWeightsAlgorithm()._collect(job, result, QgsProcessingContext(), QgsProcessingFeedback())
    assert collected == {"WEIGHTS": "/store/croma-base.pt"}
