"""What leaves the box when an alarm is sent, to a real mail server and a real web server."""

import re
import ssl
import subprocess
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from appliance.alarms.book import Book, Message
from appliance.alarms.channels import AlarmUnsentError, addressees, send
from appliance.alarms.conditions import PACES
from appliance.alarms.section import AlarmsSection
from appliance.alarms.sending import Sending
from appliance.config import BoardSection, Config, ConfigValueError, SiteSection, load_config, render_config
from appliance.credentials import CredentialMissingError
from appliance.health.doctor import CHECKS
from tests.appliance.alarms.listeners import Letters, Posts, closing_all

FULL = Message("0123456789abcdef", "disk", True, 1_795_000_000_000, ("webhook",), {"percent": 3, "gib": 0.4})
OVER = Message("fedcba9876543210", "disk", False, 1_795_000_600_000, ("webhook",), {}, 4)


def config(**alarms: Any) -> Config:
    given = AlarmsSection(**{"email_from": "box@example.jp", **alarms})
    return Config(SiteSection("C199999900001", "試験小学校"), BoardSection("00" * 32), alarms=given)


def mailing(port: int, **more: Any) -> Config:
    return config(
        **{"smtp_host": "127.0.0.1", "smtp_port": port, "smtp_security": "none", "email_to": ("a@example.jp",)}
        | more
    )


def text_of(letter: EmailMessage) -> str:
    body = letter.get_body()
    assert isinstance(body, EmailMessage)
    return str(body.get_content())


def test_a_letter_says_what_and_what_to_do_in_japanese(tmp_path: Path) -> None:
    post = Letters()
    with closing_all(post):
        given = mailing(post.port)
        send(FULL, "email:a@example.jp", given, tmp_path, "0.1.0")
        send(OVER, "email:a@example.jp", given, tmp_path, "0.1.0")
    raised, cleared = post.letters
    assert raised["Subject"] == "【蔵箱 通報】試験小学校: ディスクの空きが少ない [ALM-03]"
    assert cleared["Subject"] == "【蔵箱 解消】試験小学校: ディスクの空きが少ない [ALM-03]"
    text = text_of(raised)
    for said in ("空き 3%（0.4 GiB）", "中は消さないでください", "2026-11-18 20:06:40"):
        assert said in text
    assert "試験小学校 (C199999900001)" in text and "学校の箱（1代目、版 0.1.0）" in text
    assert "この間に4回" in text_of(cleared) and post.to == ["a@example.jp"] * 2
    assert raised["Message-ID"] == "<0123456789abcdef@kurabako.invalid>"
    assert raised["Auto-Submitted"] == "auto-generated"


def test_a_letter_in_english_is_english_but_for_the_schools_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KURABAKO_LANG", "en")
    post = Letters()
    with closing_all(post):
        given = mailing(post.port)
        for message in (FULL, OVER):
            send(message, "email:a@example.jp", given, tmp_path, "0.1.0")
    raised, cleared = post.letters
    assert raised["Subject"] == "[Kurabako alarm] 試験小学校: the disk is nearly full [ALM-03]"
    assert cleared["Subject"].startswith("[Kurabako all clear] ") and "What to do: nothing" in text_of(cleared)
    for letter in post.letters:
        assert not re.search("[ぁ-んァ-ヶ一-龠]", text_of(letter).replace("試験小学校", ""))


def test_a_second_copy_is_known_as_one(tmp_path: Path) -> None:
    letters, posts = Letters(), Posts()
    with closing_all(letters, posts):
        given = mailing(letters.port, webhook=f"http://127.0.0.1:{posts.port}/")
        for to in 2 * addressees(given.alarms):
            send(FULL, to, given, tmp_path, "0.1.0")
    assert len({letter["Message-ID"] for letter in letters.letters}) == 1 and len(letters.letters) == 2
    assert [post["id"] for post in posts.posts] == [FULL.id] * 2
    assert {headers["Idempotency-Key"] for headers in posts.headers} == {FULL.id}


def test_the_webhooks_shape(tmp_path: Path) -> None:
    posts = Posts()
    with closing_all(posts):
        given = config(webhook=f"http://127.0.0.1:{posts.port}/alarms?box=1")
        send(FULL, "webhook", given, tmp_path, "0.1.0")
        send(OVER, "webhook", given, tmp_path, "0.1.0")
    raised, cleared = posts.posts
    assert raised | {"says": "", "todo": ""} == {
        "format": 1,
        "id": FULL.id,
        "alarm": "disk",
        "code": "ALM-03",
        "state": "raised",
        "times": 1,
        "at_ms": FULL.at_ms,
        "school": "C199999900001",
        "name": "試験小学校",
        "site": "box",
        "epoch": 1,
        "version": "0.1.0",
        "what": "ディスクの空きが少ない",
        "says": "",
        "todo": "",
    }
    assert cleared["state"] == "cleared" and cleared["times"] == 4 and cleared["todo"] == ""


@pytest.mark.parametrize(
    "name", [*(name for name in PACES if name != "doctor"), *(f"doctor.{check.name}" for check in CHECKS)]
)
@pytest.mark.parametrize("raised", [True, False])
def test_every_alarm_can_be_told(name: str, raised: bool, tmp_path: Path) -> None:
    posts = Posts()
    with closing_all(posts):
        message = Message("1", name, raised, 1, ("webhook",))
        send(message, "webhook", config(webhook=f"http://127.0.0.1:{posts.port}/"), tmp_path, "0.1.0")
    assert posts.posts[0]["what"] and bool(posts.posts[0]["todo"]) is raised


def certificate(folder: Path) -> tuple[Path, Path]:
    key, cert = folder / "key.pem", folder / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
        + [
            "-keyout",
            str(key),
            "-out",
            str(cert),
            "-subj",
            "/CN=localhost",
            "-addext",
            "subjectAltName=IP:127.0.0.1",
        ],
        check=True,
        capture_output=True,
    )
    return key, cert


@pytest.fixture
def tls(tmp_path: Path) -> tuple[ssl.SSLContext, Path]:
    key, cert = certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return context, cert


def secret(site: Path, name: str, value: bytes) -> None:
    (site / "credentials").mkdir(exist_ok=True)
    (site / "credentials" / name).write_bytes(value)


def test_a_password_goes_over_an_encrypted_line_whose_certificate_was_checked(
    tmp_path: Path, tls: tuple[ssl.SSLContext, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    context, cert = tls
    secret(tmp_path, "smtp.password", b"tests-only\n")
    post = Letters(tls_context=context, auth_require_tls=True)
    with closing_all(post):
        given = mailing(post.port, smtp_security="starttls", smtp_user="box")
        with pytest.raises(AlarmUnsentError) as error:
            send(FULL, "email:a@example.jp", given, tmp_path, "0.1.0")
        assert error.value.params["problem"] == "SSLCertVerificationError" and not post.logins
        monkeypatch.setenv("SSL_CERT_FILE", str(cert))
        send(FULL, "email:a@example.jp", given, tmp_path, "0.1.0")
    assert post.logins == [(b"box", b"tests-only")] and len(post.letters) == 1


def test_a_password_that_is_missing_is_named(
    tmp_path: Path, tls: tuple[ssl.SSLContext, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    context, cert = tls
    monkeypatch.setenv("SSL_CERT_FILE", str(cert))
    post = Letters(tls_context=context, auth_require_tls=True)
    with closing_all(post), pytest.raises(CredentialMissingError) as error:
        given = mailing(post.port, smtp_security="starttls", smtp_user="box")
        send(FULL, "email:a@example.jp", given, tmp_path, "0.1.0")
    assert error.value.params["name"] == "smtp.password"


def test_a_server_without_encryption_gets_nothing(tmp_path: Path) -> None:
    post = Letters()
    with closing_all(post), pytest.raises(AlarmUnsentError):
        send(FULL, "email:a@example.jp", mailing(post.port, smtp_security="starttls"), tmp_path, "0.1.0")
    assert not post.letters


def test_the_webhooks_token_never_goes_over_an_open_line(
    tmp_path: Path, tls: tuple[ssl.SSLContext, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    context, cert = tls
    secret(tmp_path, "webhook.token", b"tests-only-token\n")
    open_line, sealed = Posts(), Posts(context)
    monkeypatch.setenv("SSL_CERT_FILE", str(cert))
    with closing_all(open_line, sealed):
        send(FULL, "webhook", config(webhook=f"http://127.0.0.1:{open_line.port}/"), tmp_path, "0.1.0")
        send(FULL, "webhook", config(webhook=f"https://127.0.0.1:{sealed.port}/"), tmp_path, "0.1.0")
    assert "Authorization" not in open_line.headers[0]
    assert sealed.headers[0]["Authorization"] == "Bearer tests-only-token"


@pytest.mark.parametrize("answer", [307, 404, 500])
def test_a_webhook_that_does_not_take_it(answer: int, tmp_path: Path) -> None:
    posts = Posts()
    posts.answer = answer
    with closing_all(posts), pytest.raises(AlarmUnsentError):
        send(FULL, "webhook", config(webhook=f"http://127.0.0.1:{posts.port}/"), tmp_path, "0.1.0")


def test_one_who_cannot_be_told_holds_nobody_else_up(tmp_path: Path) -> None:
    letters, posts = Letters(), Posts()
    letters.refuse = 1
    clock = [0.0]
    sending = Sending(lambda: clock[0])
    with closing_all(letters, posts):
        given = mailing(letters.port, webhook=f"http://127.0.0.1:{posts.port}/")
        book = Book().changed("disk", True, 1, addressees(given.alarms)).changed("usb", True, 2, ("webhook",))
        kept: list[Book] = []

        def tell(message: Message, to: str) -> None:
            send(message, to, given, tmp_path, "0.1.0")

        book = sending.turn(book, tell, kept.append)
        assert len(posts.posts) == 2 and not letters.letters
        assert isinstance(sending.failure, AlarmUnsentError) and str(sending.failure.params["problem"]).endswith(
            "451"
        )
        assert [one.due for one in book.messages] == [("email:a@example.jp",)] and kept[-1] == book
        assert sending.turn(book, tell, kept.append) == book, "left alone for a while"
        clock[0] += 6
        assert sending.turn(book, tell, kept.append).messages == () and len(letters.letters) == 1


def test_the_pause_grows_and_ends_with_the_line() -> None:
    clock = [0.0]
    sending = Sending(lambda: clock[0])
    tried: list[float] = []

    def never(message: Message, to: str) -> None:
        tried.append(clock[0])
        raise AlarmUnsentError(operation="send alarm", problem="x")

    book = Book().changed("disk", True, 1, ("webhook",))
    for second in range(0, 3600, 5):
        clock[0] = float(second)
        sending.turn(book, never, lambda _: None)
    pauses = [later - sooner for sooner, later in zip(tried, tried[1:], strict=False)]
    assert pauses[0] == 5 and max(pauses) == 300 and pauses == sorted(pauses)
    sending.hurry()
    sending.turn(book, never, lambda _: None)
    assert tried[-1] == clock[0]


def test_a_schools_name_cannot_write_headers(tmp_path: Path) -> None:
    post = Letters()
    with closing_all(post):
        given = mailing(post.port)
        evil = Config(SiteSection("C1", "校\r\nBcc: evil@example.com"), given.board, alarms=given.alarms)
        send(FULL, "email:a@example.jp", evil, tmp_path, "0.1.0")
    assert post.to == ["a@example.jp"] and post.letters[0]["Bcc"] is None


WRONG = {
    "nobody to send it": {"email_to": ("a@example.jp",), "email_from": "", "smtp_host": ""},
    "no address": {"email_to": ("a b@example.jp",), "smtp_host": "x"},
    "two addresses in one": {"email_to": ("a@b@c",), "smtp_host": "x"},
    "a header": {"email_from": "a@example.jp\nBcc: x@example.jp"},
    "a password over an open line": {"smtp_user": "box", "smtp_security": "none"},
    "no port": {"smtp_port": 0},
    "no address of a webhook": {"webhook": "alarms.example.jp"},
    "a password in the address": {"webhook": "https://a:b@alarms.example.jp/"},
}


@pytest.mark.parametrize("given", WRONG.values(), ids=WRONG.keys())
def test_what_does_not_go_together_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="`"):
        config(**given)


def test_the_section_is_read_as_it_was_written(tmp_path: Path) -> None:
    given = mailing(25, mute=("usb", "doctor.units"), email_to=("a@example.jp", "b@example.jp"))
    (tmp_path / "kurabako.toml").write_text(render_config(given), "utf-8")
    assert load_config(tmp_path) == given
    (tmp_path / "kurabako.toml").write_text(render_config(given).replace('"none"', '"ssl"'), "utf-8")
    with pytest.raises(ConfigValueError):
        load_config(tmp_path)
