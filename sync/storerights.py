"""Who may do what in the embedded store: a key pair for every prefix.

Invariant: a request is let through only when it is understood wholly and its key may do exactly that; whatever is
unusual is refused. (The signature itself, which covers path, query and key, is checked by the server behind.)
"""

import re
import secrets
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, unquote_to_bytes

from crypto.secret import Secret

_AUTHORIZATION: Final = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([A-Za-z0-9_.-]+)/\d{8}/[a-z0-9-]+/s3/aws4_request, ?"
    r"SignedHeaders=[a-z0-9;-]+, ?Signature=[0-9a-f]{64}"
)
_TOKEN: Final = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_TARGET: Final = re.compile(rb"/[!-~]*")
_SIGNED_QUERY: Final = ("x-amz-credential", "x-amz-signature", "x-amz-algorithm", "awsaccesskeyid", "signature")
_ONCE: Final = ("authorization", "content-length", "transfer-encoding", "host", "expect", "x-amz-copy-source")
_LENGTH: Final = re.compile(r"\d{1,15}|")
_KEYS: Final = re.compile(rb"<Key>([^<]*)</Key>")
# A reader of XML takes <any:Key> for a Key, too: only what is known by its letters passes.
_TAG: Final = re.compile(
    rb'<(\?xml[^<>]*\?|Delete( xmlns="[^"<>]*")?|/Delete|/?Object|/?Key|/?Quiet|/?VersionId)>'
)


@dataclass(frozen=True, slots=True)
class PrefixKey:
    """A key pair that writes below `prefix` and reads below `library`, in one bucket."""

    access_key: str
    secret_key: Secret
    prefix: str
    library: str


@dataclass(frozen=True, slots=True)
class Request:
    """The head of a request, as far as rights go by it; `names` is the decoded path: bucket, the key's names."""

    method: str
    names: tuple[str, ...]
    query: tuple[tuple[str, str], ...]
    headers: dict[str, str]
    access_key: str

    @property
    def deletes_many(self) -> bool:
        """Say whether the body names what is to be deleted."""
        return self.method == "POST" and len(self.names) == 1 and [name for name, _ in self.query] == ["delete"]


def new_pair(prefix: str, library: str) -> PrefixKey:
    """Return a fresh key pair."""
    return PrefixKey(f"kb{secrets.token_hex(9)}", Secret(secrets.token_urlsafe(30).encode()), prefix, library)


def read_request(head: bytes) -> Request | None:
    """Return what a request's head says, None when it is not of the plain kind that S3 clients send."""
    first, *lines = head.removesuffix(b"\r\n\r\n").split(b"\r\n")
    words, headers = first.split(b" "), _headers(lines)
    plain = len(words) == 3 and words[0].isalpha() and _TARGET.fullmatch(words[1]) and words[2] == b"HTTP/1.1"
    if headers is None or not plain:
        return None
    who = _AUTHORIZATION.fullmatch(headers.get("authorization", ""))
    path, _, asked = words[1].decode("ascii").partition("?")
    names, query = _path(path[1:]), tuple(parse_qsl(asked, keep_blank_values=True))
    odd = [name for name, _ in query if name.lower() in _SIGNED_QUERY]
    if who is None or names is None or odd or len(dict(query)) != len(query):
        return None
    return Request(words[0].decode("latin-1"), names, query, headers, who[1])


def _headers(lines: list[bytes]) -> dict[str, str] | None:
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(b":")
        key = name.decode("latin-1").lower()
        if not colon or not _TOKEN.fullmatch(name) or key in headers and key in _ONCE:
            return None
        if b"\r" in value or b"\n" in value:
            return None
        headers[key] = value.decode("latin-1").strip(" \t")
    framing = headers.get("transfer-encoding", "chunked"), headers.get("content-length", "")
    framed_twice = "content-length" in headers and "transfer-encoding" in headers
    plain = framing[0] == "chunked" and _LENGTH.fullmatch(framing[1]) and not framed_twice
    return headers if plain else None


def may(key: PrefixKey, bucket: str, request: Request, body: bytes = b"") -> bool:
    """Say whether a key may make a request; `body` only of one that `deletes_many`."""
    names, method = request.names, request.method
    if not names or names[0] != bucket:
        return False
    if request.deletes_many:
        return _deletes_below(body, key.prefix)
    source = request.headers.get("x-amz-copy-source")
    if source is not None and not _below(_path(source.lstrip("/")), (bucket, *_split(key.library))):
        return False
    if len(names) > 1:
        room = key.library if method in ("GET", "HEAD") else key.prefix
        return method in ("GET", "HEAD", "PUT", "DELETE", "POST") and _below(names, (bucket, *_split(room)))
    return _lists_below(request, key.library)


def _lists_below(request: Request, library: str) -> bool:
    """Say whether a request to the bucket only asks whether it is there, or lists the library."""
    asked = dict(request.query)
    if request.method == "HEAD" or (request.method == "GET" and list(asked) == ["location"]):
        return True
    return request.method == "GET" and f"{asked.get('prefix', '')}/".startswith(f"{library}/")


def _deletes_below(body: bytes, prefix: str) -> bool:
    keys = _KEYS.findall(body)
    tags = re.findall(rb"<[^>]*>?", body)
    plain = all(map(_TAG.fullmatch, tags)) and tags.count(b"<Key>") == len(keys) and b"&" not in body
    try:
        paths = [_names(key.decode()) for key in keys]
    except UnicodeDecodeError:
        return False
    return plain and bool(keys) and all(_below(path, _split(prefix)) for path in paths)


def _below(names: tuple[str, ...] | None, room: tuple[str, ...]) -> bool:
    return names is not None and len(names) > len(room) and names[: len(room)] == room


def _split(prefix: str) -> tuple[str, ...]:
    return tuple(prefix.split("/")) if prefix else ()


def _path(quoted: str) -> tuple[str, ...] | None:
    try:
        return _names(unquote_to_bytes(quoted.removesuffix("/")).decode())
    except UnicodeDecodeError:
        return None


def _names(path: str) -> tuple[str, ...] | None:
    """Return a path's names, None when it is one that could be read in two ways."""
    names = tuple(path.split("/"))
    odd = any(name in ("", ".", "..") for name in names) or any(ord(mark) < 32 or mark == "\\" for mark in path)
    return None if odd and path else names if path else ()
