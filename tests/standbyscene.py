"""What stands around a standby: Apache, certificates of a made authority, an OpenID provider, callers by TLS."""

import contextlib
import datetime
import http.client
import ipaddress
import json
import os
import shutil
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from sync.ports import hold_port, number_of
from tests.boxes.rootfs import cache_folder

_DEBS = (
    *("apache2-bin", "libapache2-mod-auth-openidc", "libapr1", "libaprutil1", "libaprutil1-dbd-sqlite3"),
    *("libaprutil1-ldap", "liblua5.3-0", "libcjose0", "libhiredis0.14"),
)


def apache_environment() -> dict[str, str] | None:
    """Return what must be in the environment to find Apache with its OpenID module; None where there is none.

    Where it is not installed, Debian's packages are unpacked into the user's cache, once; that needs no root.
    """
    if Path("/usr/sbin/apache2").exists():
        return {} if Path("/usr/lib/apache2/modules/mod_auth_openidc.so").exists() else None
    tree = cache_folder() / "apache2"
    if not (tree / "usr" / "sbin" / "apache2").exists() and not _unpack(tree):
        return None
    libraries = next((tree / "usr" / "lib").glob("*-linux-gnu*"))
    path = f"{tree / 'usr' / 'sbin'}{os.pathsep}{os.environ['PATH']}"
    return {"PATH": path, "LD_LIBRARY_PATH": str(libraries)}


def _unpack(tree: Path) -> bool:
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        return False
    work = tree.with_name(f".apache2-{os.getpid()}")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    fetch = [shutil.which("apt-get") or "apt-get", "download", "-q", *_DEBS]
    try:
        if subprocess.run(fetch, cwd=work, capture_output=True, check=False).returncode != 0:
            return False
        for deb in sorted(work.glob("*.deb")):
            subprocess.run(
                [shutil.which("dpkg-deb") or "dpkg-deb", "-x", str(deb), str(work / "tree")], check=True
            )
        with contextlib.suppress(OSError):  # another worker was here first, with the same packages
            (work / "tree").rename(tree)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return tree.exists()


@dataclass(frozen=True)
class Paper:
    """A certificate with its key, as files."""

    certificate: Path
    key: Path


class Authority:
    """An authority of the moment."""

    def __init__(self, folder: Path, name: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._name, self._key = folder, _name(name), ec.generate_private_key(ec.SECP256R1())
        made = self._builder(self._name, self._key.public_key())
        made = made.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        self._certificate = made.sign(self._key, hashes.SHA256())
        self.file = folder / f"{name}.pem"
        self.file.write_bytes(self._certificate.public_bytes(serialization.Encoding.PEM))

    def issue(self, name: str, *, server: bool) -> Paper:
        """Make a certificate for a server at 127.0.0.1 and localhost, or for a device."""
        key = ec.generate_private_key(ec.SECP256R1())
        use = ExtendedKeyUsageOID.SERVER_AUTH if server else ExtendedKeyUsageOID.CLIENT_AUTH
        made = self._builder(_name(name), key.public_key())
        made = made.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        made = made.add_extension(x509.ExtendedKeyUsage([use]), critical=False)
        if server:
            names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
            made = made.add_extension(x509.SubjectAlternativeName(names), critical=False)
        certificate = made.sign(self._key, hashes.SHA256())
        paper = Paper(self._folder / f"{name}.crt", self._folder / f"{name}.key")
        paper.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        paper.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return paper

    def revoke(self, *papers: Paper) -> Path:
        """Make a list of revoked certificates."""
        now = _now()
        made = x509.CertificateRevocationListBuilder(self._name, now, now + datetime.timedelta(days=1))
        for paper in papers:
            serial = x509.load_pem_x509_certificate(paper.certificate.read_bytes()).serial_number
            gone = x509.RevokedCertificateBuilder(serial, now).build()
            made = made.add_revoked_certificate(gone)
        file = self._folder / "revoked.crl"
        file.write_bytes(made.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
        return file

    def _builder(self, subject: x509.Name, public: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        now = _now()
        made = x509.CertificateBuilder(self._name, subject, public, x509.random_serial_number())
        return made.not_valid_before(now - datetime.timedelta(hours=1)).not_valid_after(
            now + datetime.timedelta(days=2)
        )


@contextlib.contextmanager
def provider(*people: str) -> Iterator[str]:
    """Run an OpenID provider that knows some people; gives its URL."""
    with hold_port() as held:
        port = number_of(held)
        command = [sys.executable, "-m", "oidc_provider_mock", "--port", str(port), "--require-nonce", "true"]
        for person in people:
            claims = {"sub": person, "preferred_username": person, "email": f"{person}@board.example"}
            command += ["--user-claims", json.dumps(claims)]
        url = f"http://localhost:{port}"
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as child:
            try:
                end = time.monotonic() + 120
                while not _answers(f"{url}/.well-known/openid-configuration"):
                    assert time.monotonic() < end and child.poll() is None, "the provider never answered"
                    time.sleep(0.1)
                yield url
            finally:
                child.terminate()


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: str


class Caller:
    """Somebody who speaks TLS to the standby; `device` is their certificate."""

    def __init__(self, port: int, authority: Path, device: Paper | None = None) -> None:
        self._port = port
        self._context = ssl.create_default_context(cafile=str(authority))
        if device is not None:
            self._context.load_cert_chain(device.certificate, device.key)

    def get(self, path: str, **headers: str) -> Answer:
        """Ask; raises OSError where TLS itself is refused."""
        line = http.client.HTTPSConnection("localhost", self._port, timeout=30, context=self._context)
        try:
            line.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})
            answer = line.getresponse()
            body = answer.read().decode("utf-8", "replace") if answer.status != 101 else ""
            return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, body)
        finally:
            line.close()


UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec_WebSocket_Version": "13",
    "Sec_WebSocket_Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


def _answers(url: str) -> bool:
    try:
        urllib.request.urlopen(url, timeout=5).close()  # noqa: S310 - loopback
    except OSError:
        return False
    return True


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)
