"""What an installer's output means for the user: one sentence that says what happened and what to do.

Patterns are of pip 23 and later, uv 0.7 and later, and the operating systems' own words. Standard library only.
"""

import re
from dataclasses import dataclass
from typing import Optional, Tuple


@dataclass(frozen=True)
class Trouble:
    """A kind of failure."""

    kind: str
    pattern: str
    sentence: str
    passes: bool = False
    """True when the same command may succeed a little later."""


TROUBLES: Tuple[Trouble, ...] = (
    Trouble(
        "no space",
        r"No space left on device|os error 28\b|os error 112\b|not enough space on the disk|Disk quota exceeded",
        "The disk is full. Free some space, or choose another folder with QUADRAT_HOME, and run set-up again: what was "
        "downloaded is kept.",
    ),
    Trouble(
        "blocked",
        r"(WinError|os error) (1260|4551)|blocked by group policy|Application Control policy",
        "This computer's policy lets no unsigned programs run from Quadrat's folder. Ask your administrator to allow "
        "it, or choose an allowed folder with QUADRAT_HOME.",
    ),
    Trouble(
        "virus scanner",
        r"(WinError|os error) 225\b|contains a virus|WinError 32\b|being used by another process",
        "A virus scanner or another program holds a file that is being installed. Wait a minute and run set-up again; "
        "if it comes back, exempt Quadrat's folder from scanning.",
        passes=True,
    ),
    Trouble(
        "proxy",
        r"ProxyError|Cannot connect to proxy|407 Proxy|Proxy Authentication Required|tunnel error|proxy connect",
        "The proxy refused the connection. Check the variable HTTPS_PROXY (name, port, user, password), or install "
        "from a folder of wheels.",
    ),
    Trouble(
        "certificate",
        r"CERTIFICATE_VERIFY_FAILED|invalid peer certificate|UnknownIssuer|unable to get local issuer"
        r"|SSLError.*certificate",
        "The server's certificate is not trusted, as happens behind a firewall that opens encrypted traffic. Set "
        "SSL_CERT_FILE to your organisation's certificate file and run set-up again.",
    ),
    Trouble(
        "network",
        r"Temporary failure in name resolution|Name or service not known|nodename nor servname|getaddrinfo|dns error"
        r"|failed to lookup address|Failed to establish a new connection|ConnectionError"
        r"|Connection (refused|reset|aborted)|Network is unreachable|error sending request|operation timed out"
        r"|Read timed out|ReadTimeoutError|timed out: silent|ConnectTimeout|IncompleteRead|connection closed"
        r"|unexpected end of file|error decoding response body"
        r"|Could not connect|tcp connect error|50[0234] (Server Error|Bad Gateway|Service|Gateway)",
        "The package index cannot be reached. Check the network and the proxy (HTTPS_PROXY) and run set-up again: what "
        "was downloaded is kept. Without network, install from a folder of wheels.",
        passes=True,
    ),
    Trouble(
        "no ensurepip",
        r"ensurepip is not available|No module named '?(ensurepip|venv)|python3-venv|ensurepip.*returned non-zero",
        "This Python cannot make virtual environments. On Debian and Ubuntu run: sudo apt install python3-venv. Then "
        "run set-up again.",
    ),
    Trouble(
        "long path",
        r"File ?name too long|os error 206\b|WinError 206|path is too long",
        "The folder's path is too long for this system. Choose a shorter one with QUADRAT_HOME, such as C:\\quadrat.",
    ),
    Trouble(
        "permission",
        r"Permission denied|Access is denied|os error (5|13)\b|WinError 5\b|Read-only file system"
        r"|Operation not permitted",
        "A file may not be written or started. Check that you may write to Quadrat's folder and that nothing (a virus "
        "scanner, a policy) forbids programs there.",
    ),
    Trouble(
        "no such wheel",
        r"No solution found|No matching distribution|has no (usable )?wheels|no wheels with a matching"
        r"|ResolutionImpossible|not found in the provided package locations|was not found in the package registry",
        "A needed library is not to be had for this Python and system from where it was looked for. Try another Python "
        "(3.12 suits best), or complete the folder of wheels or the mirror.",
    ),
    Trouble(
        "Visual C++",
        r"DLL load failed|VCRUNTIME140|MSVCP140",
        "A Windows library is missing. Install the Microsoft Visual C++ Redistributable (x64) and run set-up again.",
    ),
)


def recognise(output: str) -> Optional[Trouble]:
    """The first known trouble that the output speaks of; None if it is something new."""
    for trouble in TROUBLES:
        if re.search(trouble.pattern, output, re.IGNORECASE):
            return trouble
    return None
