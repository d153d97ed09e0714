"""
A self-signed certificate, made by the openssl program.
"""

from __future__ import annotations

import os
import shutil
import ssl
import subprocess
from pathlib import Path

import attrs
import pytest


@attrs.frozen(kw_only=True)
class Certificate:
    """
    The files of a certificate for 127.0.0.1.
    """

    chain: Path
    key: Path

    def server_side(self) -> ssl.SSLContext:
        """
        Return what a server needs to answer with it.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.chain, self.key)
        return context


def make_certificate(folder: Path) -> Certificate:
    """
    Make a certificate that no client trusts, in *folder*.
    """
    if shutil.which("openssl") is None:
        missing = pytest.fail if os.environ.get("CI") else pytest.skip
        missing("there is no openssl to make a certificate with: apt install openssl")
    made = Certificate(chain=folder / "certificate.pem", key=folder / "key.pem")
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-nodes", "-days", "2"]
    command += ["-pkeyopt", "ec_paramgen_curve:prime256v1", "-subj", "/CN=127.0.0.1"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-sha256"]
    command += ["-keyout", str(made.key), "-out", str(made.chain)]
    subprocess.run(command, check=True, capture_output=True)
    return made
