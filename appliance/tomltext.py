"""Write flat msgspec structs as TOML; the standard library only reads it.

Invariant: what is written here reads back equal through `tomllib` and `msgspec.convert`.
"""

import msgspec


def toml_lines(value: msgspec.Struct) -> str:
    """Return one `key = value` line for every field (str, int, bool or a tuple of strings) of a flat struct."""
    return "".join(f"{f.name} = {_literal(getattr(value, f.name))}\n" for f in msgspec.structs.fields(value))


def _literal(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return msgspec.json.encode(value).decode()
    if isinstance(value, tuple):
        return f"[{', '.join(_literal(one) for one in value)}]"
    raise TypeError(f"no TOML literal for {type(value).__name__}")
