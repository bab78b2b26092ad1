"""The network settings of QGIS for the engine's processes, which know only their environment."""

import os
from typing import Any, Dict, Iterator, List
from urllib.parse import quote, urlsplit

from qgis.core import QgsApplication, QgsAuthCertUtils, QgsNetworkAccessManager, QgsSettings

from ..core.errors import Unwritable
from .environment import home

SCHEMES = {"HttpProxy": "http", "HttpCachingProxy": "http", "Socks5Proxy": "socks5h"}
"""`proxy/proxyType` of QGIS -> scheme of the address. The system's own proxy (DefaultProxy) is found by the processes
themselves; one for FTP alone is of no use."""


def network_environment() -> Dict[str, str]:
    """Variables for proxy and certificates; empty where QGIS has been told of none."""
    return {**proxy_environment(), **certificate_environment()}


def certificate_environment() -> Dict[str, str]:
    """The file with all authorities that QGIS trusts, where the user has added some to those of the system.

    Offices whose proxy looks into encrypted traffic add theirs under Options > Authentication. A file that the
    environment names already is left alone.

    Raises:
        Unwritable: the file cannot be kept in Quadrat's folder.
    """
    if os.environ.get("SSL_CERT_FILE"):
        return {}
    added = _added_authorities()
    if not added:
        return {}
    text = bytes(QgsApplication.authManager().trustedCaCertsPemText()) + b"\n" + b"".join(sorted(added))
    path = home() / "certificates.pem"
    try:
        if not path.is_file() or path.read_bytes() != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary = path.with_name(f"certificates.part{os.getpid()}.pem")
            temporary.write_bytes(text)
            os.replace(temporary, path)
    except OSError as error:
        raise Unwritable(f"{path}, QGIS's certificates for the engine, cannot be written: {error.strerror}.") from error
    return {"SSL_CERT_FILE": str(path)}


def _added_authorities() -> List[bytes]:
    """In PEM, without those that the user marked as not trusted."""
    manager = QgsApplication.authManager()
    if manager.isDisabled():
        return []
    return [
        bytes(certificate.toPem())
        for certificate in [*manager.databaseCAs(), *manager.extraFileCAs()]
        if manager.certTrustPolicy(certificate) != QgsAuthCertUtils.CertTrustPolicy.Untrusted
    ]


def proxy_environment() -> Dict[str, str]:
    """Proxy variables for what the user set under Options > Network; empty where no proxy is set there."""
    settings = QgsSettings()
    host = str(settings.value("proxy/proxyHost", "") or "").strip()
    scheme = SCHEMES.get(str(settings.value("proxy/proxyType", "") or ""), "")
    if not settings.value("proxy/proxyEnabled", False, type=bool) or not host or not scheme:
        return {}
    user = str(settings.value("proxy/proxyUser", "") or "")
    password = str(settings.value("proxy/proxyPassword", "") or "")
    if not user and settings.value("proxy/authcfg", ""):
        # A login of QGIS's password store; it was opened when QGIS set its own proxy up, and is not asked for again.
        proxy = QgsNetworkAccessManager.instance().fallbackProxy()
        if proxy.hostName() == host:
            user, password = proxy.user(), proxy.password()
    login = f"{quote(user, safe='')}:{quote(password, safe='')}@" if user else ""
    port = str(settings.value("proxy/proxyPort", "") or "").strip()
    place = f"[{host}]" if ":" in host and not host.startswith("[") else host
    address = f"{scheme}://{login}{place}{':' + port if port and port != '0' else ''}"
    excluded = ",".join(dict.fromkeys(_hosts(settings)))
    return {"HTTP_PROXY": address, "HTTPS_PROXY": address, **({"NO_PROXY": excluded} if excluded else {})}


def _hosts(settings: QgsSettings) -> Iterator[str]:
    """Hosts of the addresses that QGIS goes to without this proxy."""
    for key in ("proxy/noProxyUrls", "proxy/proxyExcludedUrls"):
        for text in _texts(settings.value(key, [])):
            host = urlsplit(text if "//" in text else f"//{text}").hostname
            if host:
                yield host


def _texts(value: Any) -> Iterator[str]:
    """Older versions of QGIS kept a list as one text."""
    for text in value.split("|") if isinstance(value, str) else value or ():
        if str(text).strip():
            yield str(text).strip()
