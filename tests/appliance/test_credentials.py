"""Secret files: their mode, where they are looked for first, and that they are never printed."""

import stat
from pathlib import Path

import pytest

from appliance.credentials import (
    PEPPER,
    SITE_KEY,
    STORE_KEY,
    CredentialMissingError,
    read_pepper,
    read_site_key,
    read_store_key,
    write_credential,
    write_store_key,
)
from crypto.secret import Secret
from crypto.signing import SigningKey
from tests.school import School


@pytest.fixture(autouse=True)
def no_service_manager(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_what_is_written_reads_back_and_nobody_else_may_read_it(tmp_path: Path) -> None:
    key = SigningKey.generate()
    write_credential(tmp_path, PEPPER, b"p" * 32)
    write_credential(tmp_path, SITE_KEY, key.to_bytes().reveal())
    write_store_key(tmp_path, "access", "secret-日本語")
    assert read_pepper(tmp_path) == Secret(b"p" * 32)
    assert read_site_key(tmp_path).verify_key.to_bytes() == key.verify_key.to_bytes()
    store = read_store_key(tmp_path)
    assert (store.access_key, store.secret_key) == ("access", Secret("secret-日本語".encode()))
    assert mode(tmp_path / "credentials") == 0o700
    assert {mode(path) for path in (tmp_path / "credentials").iterdir()} == {0o600}


def test_writing_again_replaces_and_keeps_the_mode(tmp_path: Path) -> None:
    write_credential(tmp_path, PEPPER, b"old")
    (tmp_path / "credentials" / PEPPER).chmod(0o644)
    write_credential(tmp_path, PEPPER, b"new")
    assert read_pepper(tmp_path) == Secret(b"new")
    assert mode(tmp_path / "credentials" / PEPPER) == 0o600
    assert [path.name for path in (tmp_path / "credentials").iterdir()] == [PEPPER]


def test_a_key_pair_with_quotes_and_backslashes_reads_back(tmp_path: Path) -> None:
    write_store_key(tmp_path, 'a"b', 'back\\slash "quoted"')
    store = read_store_key(tmp_path)
    assert (store.access_key, store.secret_key) == ('a"b', Secret(b'back\\slash "quoted"'))


def test_the_service_managers_directory_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = tmp_path / "given"
    given.mkdir()
    write_credential(tmp_path, PEPPER, b"of the site")
    write_store_key(tmp_path, "site", "site-secret")
    (given / PEPPER).write_bytes(b"of systemd")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(given))
    assert read_pepper(tmp_path) == Secret(b"of systemd")
    assert read_store_key(tmp_path).access_key == "site"  # not offered there: the site's own


def test_an_unreadable_offer_is_an_error_and_not_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_credential(tmp_path, PEPPER, b"of the site")
    (tmp_path / "given" / PEPPER).mkdir(parents=True)  # reading a folder fails for every user, root too
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path / "given"))
    with pytest.raises(CredentialMissingError):
        read_pepper(tmp_path)


@pytest.mark.parametrize(
    ("name", "read"), [(PEPPER, read_pepper), (SITE_KEY, read_site_key), (STORE_KEY, read_store_key)]
)
def test_a_missing_one_is_named(tmp_path: Path, name: str, read: object) -> None:
    assert callable(read)
    with pytest.raises(CredentialMissingError) as caught:
        read(tmp_path)
    assert caught.value.params == {"name": name}


def test_nothing_secret_shows_when_printed(tmp_path: Path) -> None:
    write_store_key(tmp_path, "access", "very-secret")
    write_credential(tmp_path, PEPPER, b"very-secret")
    assert "very-secret" not in f"{read_store_key(tmp_path)!r} {read_pepper(tmp_path)!r} {read_pepper(tmp_path)}"


def test_an_enrolled_site_keeps_every_secret_to_itself(school: School) -> None:
    folder = school.site / "credentials"
    assert {path.name: mode(path) for path in folder.iterdir()} == dict.fromkeys(
        (PEPPER, SITE_KEY, STORE_KEY), 0o600
    )
    assert mode(folder) == 0o700 and mode(school.site) == 0o700
    assert "secret-secret" not in (school.site / "kurabako.toml").read_text("utf-8")
