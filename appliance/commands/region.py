"""Options of the commands that may work on many schools at once."""

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


def region_options(command: Callable[..., int]) -> Callable[..., int]:
    """Give a command `--workers`, `--scheduler` and certificates; its `where` is None without the first two."""

    @click.option(
        "--workers", type=click.IntRange(1, 256), help="work on so many schools at once, on this machine"
    )
    @click.option(
        "--scheduler", default="", help="work on many schools on the Dask cluster at this tls:// address"
    )
    @click.option("--tls-ca", type=_FILE, help="with --scheduler: who signed both ends' certificates (PEM)")
    @click.option("--tls-cert", type=_FILE, help="with --scheduler: this end's certificate")
    @click.option("--tls-key", type=_FILE, help="with --scheduler: its key")
    @wraps(command)
    def with_where(
        *words: Any,
        workers: int | None,
        scheduler: str,
        tls_ca: Path | None,
        tls_cert: Path | None,
        tls_key: Path | None,
        **options: Any,
    ) -> int:
        if workers and scheduler:
            raise click.UsageError("--workers or --scheduler")
        if not workers and not scheduler:
            return command(*words, where=None, **options)
        from appliance.region.cluster import Certificates, Where

        files = Certificates(tls_ca, tls_cert, tls_key) if tls_ca and tls_cert and tls_key else None
        return command(*words, where=Where(workers or 0, scheduler, files), **options)

    return with_where
