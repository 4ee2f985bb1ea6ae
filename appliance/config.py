"""`kurabako.toml`: what a site is, where it sends, how its office behaves.

Invariant: a configuration is either wholly understood or refused, naming file, key and the nearest valid key;
nothing secret stands in it (store credentials, pepper and site key are files of their own, see `credentials`).
"""

import difflib
import re
import tomllib
from pathlib import Path, PurePosixPath
from typing import Any, Final, Literal

import msgspec

from appliance.alarms.section import AlarmsSection
from appliance.errors import ApplianceError
from appliance.standby.section import StandbySection
from appliance.tomltext import toml_lines
from sync.atomic import atomic_write

_FINGERPRINT: Final = re.compile(r"SHA256:[A-Za-z0-9+/]{43}")
_SFTP_KEYS: Final = ("host", "user", "host_key", "key_file")


class ConfigMissingError(ApplianceError):
    """There is no site at this path."""

    code = "APP-001"


class ConfigSyntaxError(ApplianceError):
    """The file is not TOML."""

    code = "APP-002"


class ConfigKeyError(ApplianceError):
    """A key is unknown."""

    code = "APP-003"


class ConfigValueError(ApplianceError):
    """A value has the wrong type or is missing."""

    code = "APP-004"


class ConfigDeniedError(ApplianceError):
    """This user may not read the file."""

    code = "APP-006"


class SiteSection(msgspec.Struct, frozen=True):
    """Which place this is. `school` is the 13-character 学校コード, `epoch` counts lives of the box."""

    school: str
    name: str
    kind: str = "box"
    epoch: int = 1


class BoardSection(msgspec.Struct, frozen=True):
    """The board's root key (hex), the one thing that a site trusts from the start."""

    root_key: str


class StoreSection(msgspec.Struct, frozen=True):
    """Where Litestream sends to, and with it the segments, unless `kind` says that they go elsewhere.

    `endpoint`, `bucket`, `region` are S3's; with `embedded` the site runs its own S3 server on loopback; `connect`
    is the address that is really dialled, when a relay stands between it and `endpoint`. With `kind` "sftp"
    segments go to `folder` at `user`@`host`:`port`, whose host key has the fingerprint `host_key`; `key_file` lies
    in the site's `credentials/`. With "folder" they go to `folder` on this machine.
    """

    endpoint: str = ""
    bucket: str = "kurabako"
    region: str = "us-east-1"
    embedded: bool = False
    connect: str = ""
    kind: Literal["s3", "sftp", "folder"] = "s3"
    host: str = ""
    port: int = 22
    user: str = ""
    host_key: str = ""
    key_file: str = "sftp.key"
    folder: str = ""

    def __post_init__(self) -> None:
        """Refuse what does not go together; the text reaches whoever wrote the file."""
        if self.kind == "s3":
            given = [name for name in ("host", "user", "host_key", "folder") if getattr(self, name)]
            if given:
                raise ValueError(f'`{given[0]}` goes with kind = "sftp" or "folder", not with "s3"')
            return
        if not PurePosixPath(self.folder).is_absolute():
            raise ValueError(f'kind = "{self.kind}" needs `folder`, a path that begins with /')
        if self.kind == "sftp":
            self._check_sftp()
        elif self.host or self.user or self.host_key:
            raise ValueError('`host`, `user` and `host_key` go with kind = "sftp"')

    def _check_sftp(self) -> None:
        missing = [name for name in _SFTP_KEYS if not getattr(self, name)]
        if missing:
            raise ValueError(f'kind = "sftp" needs `{missing[0]}`')
        if not _FINGERPRINT.fullmatch(self.host_key):
            raise ValueError(
                "`host_key` is no fingerprint as `ssh-keygen -l` prints it: SHA256: and 43 characters"
            )
        if not 0 < self.port < 65536:
            raise ValueError("`port` is no TCP port")
        if "/" in self.key_file:
            raise ValueError("`key_file` is the name of a file in credentials/, not a path")


class OfficeSection(msgspec.Struct, frozen=True):
    """How the screens behave. `lock_after_s`: idle seconds.

    `codes`, `hours`, `notices`, `mapping`, `exchange` are files beside this one.
    `released` is the folder for what leaves, in the site's folder unless absolute; `released` when empty.
    `pictures` is how the terminals of this site draw pages: "sixel", "kitty", or "blocks" where they cannot.
    """

    lock_after_s: int = 300
    codes: str = ""
    hours: str = ""
    notices: str = ""
    mapping: str = ""
    exchange: str = ""
    released: str = ""
    pictures: Literal["sixel", "kitty", "blocks"] = "blocks"


class KeeperSection(msgspec.Struct, frozen=True):
    """Who speaks to the keeper beside its own user and root, by duty: names of users, and of groups as @name.

    Empty on a laptop, where everything is one user; resolved when the keeper starts.
    """

    office: tuple[str, ...] = ()
    sync: tuple[str, ...] = ()
    inbox: tuple[str, ...] = ()


# The users and groups of a box: systemd/sysusers.d/kurabako.conf makes them.
BOX_PEERS: Final = KeeperSection(("@kurabako-login",), ("kurabako-sync",), ("kurabako-inbox",))


class NoticeboardSection(msgspec.Struct, frozen=True):
    """The noticeboard for learners. `folder`: where what was released lies, empty for `noticeboard/` of the site.

    `address` (such as 127.0.0.1:8480) is where `serve` shows the page on a laptop; empty: nowhere.
    """

    folder: str = ""
    address: str = ""


class ReplicationSection(msgspec.Struct, frozen=True):
    """Timers of the sync daemon, in seconds."""

    checkpoint_every_s: int = 60
    verify_every_s: int = 21_600


class Config(msgspec.Struct, frozen=True):
    """A whole `kurabako.toml`."""

    site: SiteSection
    board: BoardSection
    store: StoreSection = StoreSection()
    office: OfficeSection = OfficeSection()
    replication: ReplicationSection = ReplicationSection()
    keeper: KeeperSection = KeeperSection()
    alarms: AlarmsSection = AlarmsSection()
    standby: StandbySection = StandbySection()
    noticeboard: NoticeboardSection = NoticeboardSection()


FILE_NAME = "kurabako.toml"


def load_config(site_dir: Path) -> Config:
    """Read and check the configuration of the site at `site_dir`."""
    path = site_dir / FILE_NAME
    try:
        raw = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError as exc:
        raise ConfigMissingError(
            operation="read configuration", subject=str(path), cause=exc, file=str(path)
        ) from exc
    except PermissionError as exc:
        raise ConfigDeniedError(
            operation="read configuration", subject=str(path), cause=exc, file=str(path)
        ) from exc
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise ConfigSyntaxError(
            operation="read configuration", subject=str(path), cause=exc, file=str(path), problem=str(exc)
        ) from exc
    refuse_unknown(raw, Config, path, "")
    try:
        return msgspec.convert(raw, Config)
    except msgspec.ValidationError as exc:
        raise ConfigValueError(
            operation="read configuration", subject=str(path), cause=exc, file=str(path), problem=str(exc)
        ) from exc


def render_config(config: Config) -> str:
    """Render a configuration as TOML; `load_config` of the text gives the same value."""
    names = [f.name for f in msgspec.structs.fields(Config)]
    return "\n".join(f"[{name}]\n{toml_lines(getattr(config, name))}" for name in names)


def with_sections(text: str, more: str) -> str:
    """Return a configuration with whole sections replaced by those of another text.

    Raises what `tomllib` and `msgspec` raise for what makes no configuration.
    """
    raw = tomllib.loads(text) | tomllib.loads(more)
    return render_config(msgspec.convert(raw, Config))


def write_config(site_dir: Path, config: Config) -> None:
    """Replace the site's configuration."""
    atomic_write(site_dir / FILE_NAME, render_config(config).encode(), mode=0o644)


def refuse_unknown(raw: dict[str, Any], struct: type[msgspec.Struct], path: Path, prefix: str) -> None:
    """Raise ConfigKeyError for a key that a struct does not have, with the nearest that it has."""
    known = {f.name: f.type for f in msgspec.structs.fields(struct)}
    for key, value in raw.items():
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1, cutoff=0.0)[0]
            raise ConfigKeyError(
                operation="read configuration",
                subject=str(path),
                file=str(path),
                key=prefix + key,
                nearest=prefix + near,
            )
        inner = known[key]
        if isinstance(value, dict) and isinstance(inner, type) and issubclass(inner, msgspec.Struct):
            refuse_unknown(value, inner, path, f"{prefix}{key}.")
