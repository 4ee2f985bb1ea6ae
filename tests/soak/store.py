"""An object store in little that keeps two creators apart, quick enough for a thousand schools on one machine.

Invariant: one process, one lock for each creation; a name is created once, whoever asks at the same time. It knows
GET, HEAD, PUT with and without If-None-Match, and the listing of version 2, and checks no signature: for a soak on
loopback, where moto's server answers too slowly for what is measured. Objects are files, written whole, in a
folder for each school. It counts requests by key pair; `/counts` tells them.
"""

import contextlib
import json
import os
import re
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from hashlib import md5
from pathlib import Path
from typing import Final
from urllib.parse import quote, unquote
from urllib.request import urlopen
from xml.sax.saxutils import escape

from aiohttp import web
from aiohttp.typedefs import Handler

from crypto.secret import Secret
from sync.objectstore import StoreConfig
from sync.ports import hold_port, number_of
from tests.sync.servers import wait_for

BUCKET = "schools"
_WHO: Final = re.compile(r"Credential=([^/]+)/")


@contextlib.contextmanager
def conditional_store(folder: Path) -> Iterator[StoreConfig]:
    """Run the store under `folder` in a process of its own."""
    root = folder / "store"
    root.mkdir()
    held = hold_port()
    port = number_of(held)
    command = [sys.executable, "-m", "tests.soak.store", str(root), str(port)]
    with held, subprocess.Popen(command) as run:
        try:
            wait_for(port)
            yield StoreConfig(f"http://127.0.0.1:{port}", BUCKET, "us-east-1", "soak", Secret(b"soak-secret"))
        finally:
            run.terminate()


def counts(store: StoreConfig) -> dict[str, int]:
    """Return how many requests there were so far, by "key pair method"."""
    with urlopen(f"{store.endpoint}/counts", timeout=30) as answer:  # noqa: S310 - of our own server
        return dict(json.load(answer))


def application(root: Path) -> web.Application:
    """Return the server."""
    lock, made_by = threading.Lock(), Counter[str]()

    def place(request: web.Request) -> Path:
        school, _, key = request.match_info["key"].partition("/")
        return root / quote(school, safe="") / quote(key, safe="")

    @web.middleware
    async def count(request: web.Request, handler: Handler) -> web.StreamResponse:
        who = _WHO.search(request.headers.get("Authorization", ""))
        made_by[f"{who[1] if who else '-'} {'LIST' if request.path == f'/{BUCKET}' else request.method}"] += 1
        return await handler(request)

    async def told(_: web.Request) -> web.Response:
        return web.json_response(made_by)

    async def get(request: web.Request) -> web.Response:
        try:
            data = place(request).read_bytes()
        except FileNotFoundError:
            body = "<Error><Code>NoSuchKey</Code></Error>"
            return web.Response(status=404, text=body, content_type="application/xml")
        headers = {"ETag": f'"{md5(data, usedforsecurity=False).hexdigest()}"', "Last-Modified": _MODIFIED}
        return web.Response(body=data, headers=headers, content_type="application/octet-stream")

    async def names(request: web.Request) -> web.Response:
        return listing(root, request.query.get("prefix", ""))

    async def put(request: web.Request) -> web.Response:
        data, file = await request.read(), place(request)
        with lock:
            if request.headers.get("If-None-Match") == "*" and file.exists():
                body = "<Error><Code>PreconditionFailed</Code></Error>"
                return web.Response(status=412, text=body, content_type="application/xml")
            file.parent.mkdir(exist_ok=True)
            beside = file.with_name(f".{file.name}")
            beside.write_bytes(data)
            os.replace(beside, file)
        return web.Response(headers={"ETag": f'"{md5(data, usedforsecurity=False).hexdigest()}"'})

    made = web.Application(client_max_size=1 << 30, middlewares=[count])
    made.router.add_get("/counts", told)
    made.router.add_get(f"/{BUCKET}/{{key:.+}}", get)
    made.router.add_get(f"/{BUCKET}", names)
    made.router.add_put(f"/{BUCKET}/{{key:.+}}", put)
    return made


def listing(root: Path, prefix: str) -> web.Response:
    """Answer ListObjectsV2, all names at once."""
    school, _, rest = prefix.partition("/")
    folders = (
        [root / quote(school, safe="")] if school and rest else sorted(root.glob(f"{quote(school, safe='')}*"))
    )
    begin = quote(rest, safe="")
    there = (file for folder in folders if folder.is_dir() for file in sorted(folder.iterdir()))
    files = [file for file in there if file.name.startswith(begin)]
    rows = "".join(
        f"<Contents><Key>{escape(_name(file))}</Key><LastModified>2026-01-01T00:00:00Z</LastModified>"
        f"<Size>{file.stat().st_size}</Size><ETag>x</ETag></Contents>"
        for file in files
    )
    head = f"<IsTruncated>false</IsTruncated><KeyCount>{len(files)}</KeyCount>"
    return web.Response(text=f"<ListBucketResult>{head}{rows}</ListBucketResult>", content_type="application/xml")


def _name(file: Path) -> str:
    return f"{unquote(file.parent.name)}/{unquote(file.name)}"


_MODIFIED = "Thu, 01 Jan 2026 00:00:00 GMT"

if __name__ == "__main__":
    served = application(Path(sys.argv[1]))
    web.run_app(served, host="127.0.0.1", port=int(sys.argv[2]), print=None, access_log=None)
