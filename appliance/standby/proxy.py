"""The proxy before a standby's office: Apache httpd with mod_auth_openidc, configured whole by us.

Invariant: nothing reaches the office without a session of the single sign-on (and, where wanted, a certificate of
the device); what a browser sends under the names of our own headers is thrown away; query strings, which carry
codes of the sign-on, are in no log.
"""

import os
import pwd
import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from appliance.credentials import read_secret
from appliance.errors import ApplianceError
from appliance.site import SiteFolder
from appliance.standby.section import CERTIFICATE, CLIENT_SECRET, DEVICE_CA, DEVICE_CRL, TLS_KEY
from crypto.secret import Secret
from sync.atomic import atomic_write
from sync.programs import find_program

LOGIN_HEADER: Final = "X-Kurabako-Login"
DEVICE_HEADER: Final = "X-Kurabako-Device"
PEER_HEADER: Final = "X-Kurabako-Peer"
SOCKET: Final = "office.sock"
_MODULES: Final = (
    *("mpm_event", "authn_core", "authz_core", "authz_user", "setenvif", "reqtimeout", "headers"),
    *("socache_shmcb", "ssl", "proxy", "proxy_http", "auth_openidc"),
)
_SECRET: Final = re.compile(rb"[!#%-\[\]-~]{1,400}")  # no quote, backslash or dollar: they mean something there
_USERS: Final = ("www-data", "nobody")


class ProxyMissingError(ApplianceError):
    """Apache httpd or its OpenID module is not installed. Params: `module`."""

    code = "APP-600"


class StandbyFileError(ApplianceError):
    """A file that the standby needs is not there, or cannot be what it should be. Params: `file`."""

    code = "APP-601"


@dataclass(frozen=True, slots=True)
class Proxy:
    """Where the proxy's program, its modules and its folder of the moment are; whose it is when root starts it."""

    program: str
    modules: Path
    folder: Path
    user: str = ""

    @property
    def socket(self) -> Path:
        """Return where the office listens for the proxy."""
        return self.folder / SOCKET

    @property
    def command(self) -> list[str]:
        """Return what runs the proxy in the foreground."""
        return [self.program, "-DFOREGROUND", "-f", str(self.folder / "httpd.conf")]


def find_proxy(folder: Path, program: str = "") -> Proxy:
    """Find Apache (Debian's, unless a `program` is named) and its modules.

    Raises ProgramMissingError, ProxyMissingError.
    """
    usual = "/usr/sbin/apache2"  # on no user's PATH
    program = program or (usual if Path(usual).exists() else find_program("apache2"))
    modules = Path(program).resolve().parents[1] / "lib" / "apache2" / "modules"
    for name in _MODULES:
        if not (modules / f"mod_{name}.so").exists():
            raise ProxyMissingError(operation="find proxy", subject=name, module=name)
    return Proxy(program, modules, folder, _other_user() if os.geteuid() == 0 else "")


def write_proxy(site: SiteFolder, proxy: Proxy) -> None:
    """Write the proxy's configuration; raises StandbyFileError, CredentialMissingError."""
    needed = [site.path / CERTIFICATE, *([site.path / DEVICE_CA] if site.config.standby.devices else [])]
    for file in needed:
        if not file.exists():
            raise StandbyFileError(operation="write proxy", subject=file.name, file=str(file))
    secret = read_secret(site.path, CLIENT_SECRET, needed=True)
    if secret is None or not _SECRET.fullmatch(secret.reveal()):
        raise StandbyFileError(operation="write proxy", subject=CLIENT_SECRET, file=CLIENT_SECRET)
    (site.path / "log").mkdir(mode=0o700, exist_ok=True)
    atomic_write(proxy.folder / "httpd.conf", _render(site, proxy, secret).encode(), mode=0o600)


def _render(site: SiteFolder, proxy: Proxy, secret: Secret) -> str:
    section, log = site.config.standby, site.path / "log"
    as_user = f"User {proxy.user}\nGroup #{pwd.getpwnam(proxy.user).pw_gid}\n" if proxy.user else ""
    loads = "".join(f'LoadModule {name}_module "{proxy.modules}/mod_{name}.so"\n' for name in _MODULES)
    claim = f'{section.claim} "^([A-Za-z0-9._-]+)@{section.domain}$" "$1"' if section.domain else section.claim
    sockets = section.url.replace("https:", "wss:", 1)
    return f"""# Written by Kurabako at every start; changes are lost.
ServerRoot "{proxy.folder}"
DefaultRuntimeDir "{proxy.folder}"
PidFile "{proxy.folder}/httpd.pid"
ServerName {section.url}
Listen {section.port} https
{as_user}{loads}
ErrorLog "{log}/proxy.log"
LogLevel warn auth_openidc:error
LogFormat "%{{%Y-%m-%dT%H:%M:%S%z}}t %a \\"%u\\" \\"%{{SSL_CLIENT_S_DN_CN}}x\\" %m %U %>s" told
CustomLog "{log}/proxy-access.log" told
ServerTokens Prod
ServerSignature Off
TraceEnable Off
FileETag None
LimitRequestBody 65536
RequestReadTimeout handshake=10 header=15 body=15
<Directory "/">
  Require all denied
  AllowOverride None
</Directory>

SSLEngine on
SSLProtocol -all +TLSv1.2 +TLSv1.3
SSLCipherSuite ECDHE+AESGCM:ECDHE+CHACHA20
SSLHonorCipherOrder on
SSLSessionTickets off
SSLSessionCache "shmcb:{proxy.folder}/ssl(512000)"
SSLCertificateFile "{site.path / CERTIFICATE}"
SSLCertificateKeyFile "{site.path / "credentials" / TLS_KEY}"
{_devices(site)}
Header always set Strict-Transport-Security "max-age=31536000"
Header always set X-Content-Type-Options nosniff
Header always set Referrer-Policy no-referrer
Header always set Cache-Control no-store
Header always set Content-Security-Policy "default-src 'none'; script-src 'self' 'unsafe-inline'; \
style-src 'self' 'unsafe-inline'; font-src 'self' data:; img-src 'self' data:; connect-src 'self' {sockets}; \
form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

OIDCProviderMetadataURL "{section.issuer.rstrip("/")}/.well-known/openid-configuration"
OIDCClientID "{section.client_id}"
OIDCClientSecret "{secret.reveal().decode()}"
OIDCCryptoPassphrase "{secrets.token_hex(32)}"
OIDCRedirectURI "{section.url}/sign-on/back"
OIDCResponseType code
OIDCPKCEMethod S256
OIDCScope "openid profile email"
OIDCRemoteUserClaim {claim}
OIDCPassClaimsAs none
OIDCPassRefreshToken Off
OIDCSSLValidateServer On
OIDCCookie __Host-kurabako
OIDCCookieHTTPOnly On
OIDCCookieSameSite On
OIDCSessionType server-cache
OIDCSessionInactivityTimeout {section.idle_s}
OIDCSessionMaxDuration {section.longest_s}
OIDCStateMaxNumberOfCookies 7 true
OIDCDefaultURL "{section.url}/"
<Location "/">
  AuthType openid-connect
  Require valid-user
</Location>
<Location "/ws">
  OIDCUnAuthAction 401
</Location>
RequestHeader unset {LOGIN_HEADER} early
RequestHeader unset {DEVICE_HEADER} early
RequestHeader unset {PEER_HEADER} early
RequestHeader set {LOGIN_HEADER} "expr=%{{REMOTE_USER}}"
RequestHeader set {DEVICE_HEADER} "expr=%{{SSL_CLIENT_S_DN_CN}}"
RequestHeader set {PEER_HEADER} "expr=%{{REMOTE_ADDR}}"
RequestHeader unset Cookie

ProxyPreserveHost On
ProxyTimeout 120
ProxyPass "/sign-on/" "!"
ProxyPass "/" "unix:{proxy.socket}|http://localhost/" upgrade=websocket
"""


def _devices(site: SiteFolder) -> str:
    if not site.config.standby.devices:
        return "SSLVerifyClient none"
    lines = ["SSLVerifyClient require", "SSLVerifyDepth 4", f'SSLCACertificateFile "{site.path / DEVICE_CA}"']
    if (site.path / DEVICE_CRL).exists():
        lines += [f'SSLCARevocationFile "{site.path / DEVICE_CRL}"', "SSLCARevocationCheck leaf"]
    return "\n".join(lines)


def _other_user() -> str:
    """Return whom Apache serves as when root starts it: it refuses to do so as root."""
    for name in _USERS:
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    raise ProxyMissingError(operation="find proxy", subject="user", module=_USERS[0])
