"""Opening the office screen on a site.

Invariant: this module owns the terminal while the screen runs, and the exit code afterwards.
"""

from pathlib import Path

from appliance.site import open_site
from tui.app import OfficeApp


def run(site_dir: Path) -> int:
    """Run the screen until somebody leaves; return the exit code."""
    site = open_site(site_dir)
    app = OfficeApp(site.path, site.config.site.name)
    try:
        code = app.run()
    finally:
        app.door.close()
    return code if code is not None else app.return_code or 0
