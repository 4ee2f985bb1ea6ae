"""Write docs/errors.md from the error catalogues. Run `make docs` after changing one; a test compares."""

from pathlib import Path

from appliance.messages import catalogue

HEAD = """# Error codes / エラーコード

Every failure carries one stable code. The command line prints `error:` (what happened, whether the data is
safe) and `hint:` (what to do) on stderr and leaves with the exit code; the screens show the same three parts.
This page is written from `appliance/catalogue/` by `make docs`.

Exit codes: 0 ok, 1 failed, 2 usage or configuration, 3 incomplete, 10 no replica, 11 locked, 12 wrong key,
130 interrupted.

"""


def page() -> str:
    """Return the whole page."""
    ja, en = catalogue("ja"), catalogue("en")
    out = [HEAD]
    for code in sorted(ja):
        exit_code = ja[code].get("exit", 1)
        out.append(f"## {code} (exit {exit_code})\n\n")
        for entry in (ja[code], en.get(code, {})):
            out.append(f"- {entry.get('sentence', '')}\n  {entry.get('hint', '')}\n")
        out.append("\n")
    return "".join(out).rstrip("\n") + "\n"


if __name__ == "__main__":
    Path(__file__).with_name("errors.md").write_text(page(), "utf-8")
