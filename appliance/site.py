"""From a site's folder to what its processes need: configuration, paths, credentials.

Invariant: every command finds a site in this one way.
"""

from dataclasses import dataclass
from pathlib import Path

from appliance.config import Config, load_config
from appliance.credentials import read_site_key, read_store_key
from appliance.policy import writing_rules
from appliance.segmentplace import segment_place
from crypto.signing import SigningKey, VerifyKey
from sync.admission import Admission, Duty, admission
from sync.ids import Origin, Site
from sync.objectstore import StoreConfig
from sync.settings import HUB_PACE, Pace, Settings
from sync.site import SitePaths


@dataclass(frozen=True, slots=True)
class SiteFolder:
    """An existing site."""

    path: Path
    config: Config

    @property
    def paths(self) -> SitePaths:
        """Return where the site's files are."""
        return SitePaths(self.path)

    @property
    def root(self) -> VerifyKey:
        """Return the board's root key that this site trusts."""
        return VerifyKey.from_bytes(bytes.fromhex(self.config.board.root_key))

    @property
    def origin(self) -> Origin:
        """Return which life of which site this is."""
        section = self.config.site
        return Origin(section.school, Site(section.kind), section.epoch)

    def signing_key(self) -> SigningKey:
        """Return the key that this site signs with."""
        return read_site_key(self.path)

    def admission(self) -> Admission:
        """Return who may speak to the keeper; raises PeerNameError."""
        section = self.config.keeper
        return admission({duty: getattr(section, duty) for duty in Duty})

    def store(self) -> StoreConfig:
        """Return how this site reaches its object store."""
        section, key = self.config.store, read_store_key(self.path)
        endpoint = section.connect or section.endpoint
        return StoreConfig(endpoint, section.bucket, section.region, key.access_key, key.secret_key)

    def daemon_settings(self) -> Settings:
        """Return what the daemon of this site needs."""
        timers = self.config.replication
        return Settings(
            self.store(),
            self.root,
            self.signing_key(),
            float(timers.checkpoint_every_s),
            float(timers.verify_every_s),
            writing_rules(),
            pace=HUB_PACE if self.config.site.kind == "hub" else Pace(),
            segments=segment_place(self.path, self.config.store),
        )


def open_site(path: Path) -> SiteFolder:
    """Open the site at `path`; raises ConfigMissingError and the other configuration errors."""
    folder = path.resolve()
    return SiteFolder(folder, load_config(folder))
