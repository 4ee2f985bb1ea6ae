"""`kurabako bundle`: make and check the bundle that boxes without internet are set up and updated from."""

from pathlib import Path

import click

from appliance.exits import Exit


@click.group()
def bundle() -> None:
    """The bundle: everything that a box without internet needs."""


@bundle.command()
@click.option("--tree", type=click.Path(path_type=Path, exists=True, file_okay=False), default=".")
@click.option("--out", type=click.Path(path_type=Path), default="build", show_default=True)
@click.option("--own-wheels", type=click.Path(path_type=Path), help="wheels built here [default: OUT/own-wheels]")
@click.option("--target", "targets", multiple=True, help="PYTHON-MACHINE such as 3.11-x86_64 [default: all]")
def build(tree: Path, out: Path, own_wheels: Path | None, targets: tuple[str, ...]) -> int:
    """Make a bundle from a source tree (needs the developers' environment and the package index)."""
    from appliance.provision.bundling import Plan, make_bundle

    wanted = [(python, machine) for python, _, machine in (target.partition("-") for target in targets)]
    out.mkdir(parents=True, exist_ok=True)
    tar = make_bundle(Plan(tree.resolve(), out, own_wheels or out / "own-wheels"), click.echo, wanted)
    click.echo(f"{tar} {tar.stat().st_size:,} bytes")
    return Exit.OK


@bundle.command()
@click.argument("path", type=click.Path(path_type=Path))
def verify(path: Path) -> int:
    """Compare every file of the bundle at PATH (folder or tar) with its manifest; print what it is for."""
    from appliance.provision.bundle import Bundle

    opened = Bundle.open(path)
    click.echo(f"kurabako {opened.version} {opened.digest}")
    for target in sorted(opened.manifest.targets):
        python, _, machine = target.partition("-")
        names = opened.names(python, machine)
        size = sum(opened.manifest.files[name].size for name in names)
        click.echo(f"{target} {len(opened.wheels(python, machine))} wheels, {size:,} bytes")
    return Exit.OK
