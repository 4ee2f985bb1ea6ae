"""Where a site's noticeboard takes what was released."""

from pathlib import Path
from typing import Final

from appliance.site import SiteFolder

BOX_FOLDER: Final = "/var/lib/kurabako-notice"  # outside of the site: its reader gets nowhere near that
_OWN: Final = "noticeboard"


def noticeboard_folder(site: SiteFolder) -> Path:
    """Return the folder that the page reads: as configured, else one in the site's own folder."""
    return site.path / (site.config.noticeboard.folder or _OWN)
