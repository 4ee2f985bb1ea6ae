"""`kurabako usb`: what udev calls for a refused device, and what brings it into the audit record."""

from pathlib import Path

import click

from appliance.exits import Exit
from appliance.stopping import stop_event

_SITE = click.argument("site", type=click.Path(path_type=Path), envvar="KURABAKO_SITE")


@click.group()
def usb() -> None:
    """USB devices that the box refused."""


@usb.command()
@_SITE
@click.option("--device", "name", required=True, help="VENDOR-PRODUCT-INTERFACE in hexadecimal, as udev has it")
def refused(site: Path, name: str) -> int:
    """Write down for the site at SITE that a device was refused. Started by udev, without any key."""
    from appliance.devices.records import Device
    from appliance.devices.spool import drop
    from appliance.site import open_site

    drop(open_site(site).paths, Device.parse(name))
    return Exit.OK


@usb.command()
@_SITE
@click.option("--once", is_flag=True, help="take what lies there now, and end")
def collect(site: Path, once: bool) -> int:
    """Bring refused devices into the log of the running site at SITE; `serve` does so by itself."""
    from appliance.devices.collecting import Collector
    from appliance.devices.collecting import collect as collect_until
    from appliance.site import open_site

    folder = open_site(site)
    if once:
        click.echo(Collector(folder).turn())
        return Exit.OK
    collect_until(folder, stop_event())
    return Exit.OK
