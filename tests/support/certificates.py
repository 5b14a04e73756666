"""Certificates for servers with TLS."""

from __future__ import annotations

import shutil
import subprocess

import pytest


def self_signed(folder):
    """The files of a certificate for localhost that nobody vouches for, and of its key; skips where none can be made."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed here: no certificate can be made")
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    request = [openssl, *"req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost".split()]
    names = ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    subprocess.run([*request, *names, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    return certificate, key
