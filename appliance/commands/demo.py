"""`kurabako demo`: a demo school to work with, and an outage played by itself."""

from pathlib import Path

import click

from appliance.exits import Exit


@click.group()
def demo() -> None:
    """A demo school with everything embedded."""


@demo.command()
@click.option("--folder", type=click.Path(path_type=Path), default=Path("build/demo"), show_default=True)
def office(folder: Path) -> int:
    """Open the office screen on a demo school."""
    from appliance.demo.live import run_office

    return run_office(folder)


@demo.command()
@click.argument("state", type=click.Choice(["cut", "mend"]))
@click.option("--folder", type=click.Path(path_type=Path), default=Path("build/demo"), show_default=True)
def line(state: str, folder: Path) -> int:
    """Cut or mend the line of the demo that runs in another terminal."""
    from appliance.demo.live import set_line

    set_line(folder, state)
    click.echo("線を切りました / cut" if state == "cut" else "線を戻しました / mended")
    return 0


@demo.command()
@click.option("--out", type=click.Path(path_type=Path), default=Path("build/demo.json"), show_default=True)
@click.option("--seed", type=int, default=1, show_default=True)
def outage(out: Path, seed: int) -> int:
    """Play an outage from import to restore; exit code 1 when anything acknowledged is missing."""
    import msgspec

    from appliance.demo.outage import Outage
    from appliance.demo.transcript import Transcript
    from sync.atomic import atomic_write

    out.parent.mkdir(parents=True, exist_ok=True)
    result = Outage(out.parent / "outage", seed, Transcript()).play()
    text = msgspec.json.format(msgspec.json.encode(result), indent=2)
    atomic_write(out, text + b"\n", mode=0o644)
    click.echo("\n" + text.decode())
    return Exit.OK if result.passed else Exit.FAILED


@demo.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--seed", type=int, default=7, show_default=True)
@click.option("--year", type=int, required=True, help="school year 年度")
def roster(file: Path, seed: int, year: int) -> int:
    """Write a made school's OneRoster ZIP to FILE."""
    from appliance.generator.school import make_school
    from appliance.generator.writer import write_school

    school = make_school(seed, year)
    write_school(school, file)
    click.echo(f"{school.name} {school.code}")
    return 0
