"""What is written for a standby's proxy: Apache itself takes it, secrets stay its own, and what lacks is told."""

import os
import subprocess
from pathlib import Path

import msgspec
import pytest

from appliance.config import BoardSection, Config, SiteSection, write_config
from appliance.credentials import CredentialMissingError, write_credential
from appliance.site import SiteFolder, open_site
from appliance.standby.proxy import Proxy, ProxyMissingError, StandbyFileError, find_proxy, write_proxy
from appliance.standby.section import CERTIFICATE, CLIENT_SECRET, DEVICE_CA, DEVICE_CRL, TLS_KEY, StandbySection
from tests.standbyscene import Authority, apache_environment

APACHE = apache_environment()
SECTION = StandbySection("localhost", 8443, "https://sso.example/realm", "kurabako", devices=True)
SECRET = "the-client-secret"


@pytest.fixture
def site(tmp_path: Path) -> SiteFolder:
    """A standby's folder with everything that its proxy needs."""
    folder, authority = tmp_path / "site", Authority(tmp_path / "ca", "ca")
    folder.mkdir()
    paper = authority.issue("localhost", server=True)
    (folder / CERTIFICATE).write_bytes(paper.certificate.read_bytes())
    (folder / DEVICE_CA).write_bytes(authority.file.read_bytes())
    (folder / DEVICE_CRL).write_bytes(authority.revoke(paper).read_bytes())
    write_credential(folder, TLS_KEY, paper.key.read_bytes())
    write_credential(folder, CLIENT_SECRET, SECRET.encode())
    write_config(folder, Config(SiteSection("C1", "試験校"), BoardSection("00" * 32), standby=SECTION))
    return open_site(folder)


def proxy_in(folder: Path) -> Proxy:
    folder.mkdir(exist_ok=True)
    folders = (APACHE or {}).get("PATH", "").split(os.pathsep)
    found = [Path(part) / "apache2" for part in folders if part and (Path(part) / "apache2").exists()]
    program = found[0] if found else Path("/usr/sbin/apache2")
    return find_proxy(folder, str(program))


@pytest.mark.skipif(APACHE is None, reason="no Apache with mod_auth_openidc, and none to be had from Debian")
@pytest.mark.parametrize(
    "changed", [{}, {"devices": False}, {"claim": "email", "domain": "school.example"}, {"port": 443}]
)
def test_apache_takes_what_is_written(site: SiteFolder, tmp_path: Path, changed: dict[str, object]) -> None:
    section = msgspec.structs.replace(SECTION, **changed)
    write_config(site.path, msgspec.structs.replace(site.config, standby=section))
    proxy = proxy_in(tmp_path / "run")
    write_proxy(open_site(site.path), proxy)
    written = proxy.folder / "httpd.conf"
    told = subprocess.run(
        [proxy.program, "-t", "-f", str(written)], env=os.environ | (APACHE or {}), capture_output=True, text=True
    )
    assert told.returncode == 0 and "Syntax OK" in told.stderr, told.stderr
    assert written.stat().st_mode & 0o777 == 0o600
    text = written.read_text("utf-8")
    assert ("SSLVerifyClient require" in text) == section.devices == ("SSLCARevocationCheck leaf" in text)
    assert ('"^([A-Za-z0-9._-]+)@school.example$" "$1"' in text) == bool(section.domain)


@pytest.mark.skipif(APACHE is None, reason="no Apache with mod_auth_openidc, and none to be had from Debian")
def test_every_start_has_a_secret_of_its_own(site: SiteFolder, tmp_path: Path) -> None:
    proxy = proxy_in(tmp_path / "run")
    found = set()
    for _ in range(2):
        write_proxy(site, proxy)
        lines = (proxy.folder / "httpd.conf").read_text("utf-8").splitlines()
        found.add(next(line for line in lines if line.startswith("OIDCCryptoPassphrase")))
    assert len(found) == 2


@pytest.mark.parametrize("name", [CERTIFICATE, DEVICE_CA, CLIENT_SECRET])
def test_what_lacks_is_told_by_name(site: SiteFolder, tmp_path: Path, name: str) -> None:
    lacking = site.path / ("credentials" if name == CLIENT_SECRET else ".") / name
    lacking.unlink()
    proxy = Proxy("/nowhere/apache2", tmp_path, tmp_path)
    with pytest.raises((StandbyFileError, CredentialMissingError)) as caught:
        write_proxy(site, proxy)
    assert name in str(caught.value.params) and not (tmp_path / "httpd.conf").exists()


def test_apache_without_the_openid_module_is_refused(tmp_path: Path) -> None:
    program = tmp_path / "usr" / "sbin" / "apache2"
    program.parent.mkdir(parents=True)
    program.touch()
    with pytest.raises(ProxyMissingError):
        find_proxy(tmp_path, str(program))


@pytest.mark.parametrize("secret", ['a"\nInclude "/etc/passwd', "a\\", "${HOME}", "a b", "秘密", ""])
def test_a_secret_that_would_be_read_as_settings_is_refused(site: SiteFolder, tmp_path: Path, secret: str) -> None:
    write_credential(site.path, CLIENT_SECRET, secret.encode())
    with pytest.raises(StandbyFileError):
        write_proxy(site, Proxy("/nowhere/apache2", tmp_path, tmp_path))
    assert not (tmp_path / "httpd.conf").exists()
