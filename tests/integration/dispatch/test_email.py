"""Proves what a real SMTP server in another process sees: the message, its key, and what a refusal does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from carrythrough.dispatch import build_adapters
from carrythrough.errors import PermanentError, TransientError
from carrythrough.testing.adapters import HOSTILE_TITLE, sample_action, sample_recipient

LOGIN = ("--login", "robot", "pass-of-the-robot")


def send(table: dict[str, Any], email: str = "dana@example.org", **changes: Any) -> str:
    """Send one action directly, without a dispatcher."""
    adapter = build_adapters({"mail": table})["mail"]
    action = sample_action(**changes)
    return adapter.send(action, sample_recipient(email=email), action.id)


def test_the_message_says_what_the_action_says(open_postbox: Callable[..., Any]) -> None:
    postbox = open_postbox()
    receipt = send(postbox.table(subject_prefix="[Practice] ", reply_to="coach@example.com"))
    [message] = postbox.messages()
    action = sample_action()
    assert message["X-Envelope-To"] == "dana@example.org"
    assert message["To"] == "Dana Ösper <dana@example.org>"
    assert message["From"] == "Learning team <learning@example.com>"
    assert message["Subject"] == "[Practice] Use it in your next call"
    assert message["Reply-To"] == "coach@example.com"
    assert message["Message-ID"] == f"<{action.id}@example.com>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Date"]
    assert message["List-Unsubscribe"] is None
    assert receipt == f"accepted by 127.0.0.1 as <{action.id}@example.com>"
    text, html = (message.get_body((kind,)) for kind in ("plain", "html"))
    assert text is not None
    assert html is not None
    for part in (text.get_content(), html.get_content()):
        for words in (action.title, action.body, action.link, action.why):
            assert words in part
    assert f'<a href="{action.link}">' in html.get_content()


def test_the_key_is_the_same_at_every_try(
    house: Any, open_postbox: Callable[..., Any], wait_until: Callable[..., None]
) -> None:
    postbox = open_postbox()
    house.people.known["a" * 26] = sample_recipient(email="busy@example.org")
    entry = house.outbox.put(sample_action(), "mail")
    house.open({"mail": postbox.table()})
    wait_until(lambda: house.outbox.row(entry).attempts == 1, what="the greylisting")
    assert "451 4.7.1 greylisted" in house.outbox.row(entry).words
    assert postbox.messages() == []
    (postbox.folder / "open").touch()
    house.clock.t_ms = house.outbox.row(entry).due_ms
    wait_until(lambda: house.outbox.row(entry).status == "delivered", what="the second try")
    assert [message["Message-ID"] for message in postbox.messages()] == [
        f"<{sample_action().id}@example.com>"
    ]


def test_a_link_to_leave_stands_in_the_header_and_the_text(open_postbox: Callable[..., Any]) -> None:
    postbox = open_postbox()
    link = "https://learn.example.com/leave/{person}"
    send(postbox.table(unsubscribe_url=link, unsubscribe_one_click=True))
    [message] = postbox.messages()
    mine = f"https://learn.example.com/leave/{'a' * 26}"
    assert message["List-Unsubscribe"] == f"<{mine}>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    body = message.get_body(("plain",))
    assert body is not None
    assert mine in body.get_content()


def test_hostile_text_forges_no_header_and_no_markup(open_postbox: Callable[..., Any]) -> None:
    postbox = open_postbox()
    send(postbox.table(), title=HOSTILE_TITLE, body=HOSTILE_TITLE, link='javascript:alert("x")')
    [message] = postbox.messages()
    assert message["X-Forged"] is None
    assert message["Bcc"] is None
    assert message["Subject"].startswith("Bcc: x@example.org X-Forged: 1")
    html = message.get_body(("html",))
    assert html is not None
    assert "<script>" not in html.get_content()
    assert 'href="javascript' not in html.get_content()


@pytest.mark.parametrize(
    ("name", "error", "words"),
    [
        ("unknown", PermanentError, "550 5.1.1 no such mailbox"),
        ("spam", PermanentError, "554 5.7.1 looks like spam"),
        ("full", TransientError, "452 4.2.2 mailbox full"),
        ("busy", TransientError, "451 4.7.1 greylisted"),
        ("hangup", TransientError, "127.0.0.1"),
        ("öde", PermanentError, "cannot carry this address"),
    ],
)
def test_a_refusal_of_the_message(
    open_postbox: Callable[..., Any], name: str, error: type[Exception], words: str
) -> None:
    postbox = open_postbox(*(["--no-utf8"] if name == "öde" else []))
    with pytest.raises(error, match=words):
        send(postbox.table(), email=f"{name}@example.org")
    assert postbox.messages() == []


@pytest.mark.parametrize(
    "email",
    ["", "nobody", "a@b@c", "x@example.org\r\nRCPT TO:<y@example.org>", "@example.org", "a b@example.org"],
)
def test_without_a_usable_address_nothing_is_tried(open_postbox: Callable[..., Any], email: str) -> None:
    postbox = open_postbox()
    with pytest.raises(PermanentError) as caught:
        send(postbox.table(), email=email)
    assert caught.value.problem.code == "recipient-unreachable"
    assert postbox.messages() == []


@pytest.mark.parametrize("security", ["starttls", "ssl"])
def test_an_encrypted_login(
    open_postbox: Callable[..., Any], authority: dict[str, str], security: str
) -> None:
    postbox = open_postbox("--tls", security, authority["server"], *LOGIN)
    table = postbox.table(
        security=security, username="robot", password="pass-of-the-robot", ca_file=authority["ca"]
    )
    send(table)
    [message] = postbox.messages()
    assert message["X-Encrypted"] == "True"
    assert build_adapters({"mail": table})["mail"].check() == (
        f"127.0.0.1:{postbox.port} takes mail ({security}, login)"
    )
    with pytest.raises(TransientError, match=r"(?i)certificate"):
        send({**table, "ca_file": ""})
    assert len(postbox.messages()) == 1


def test_an_address_beyond_ascii_arrives_where_the_server_can_carry_it(
    open_postbox: Callable[..., Any],
) -> None:
    postbox = open_postbox()
    send(postbox.table(), email="öde@bücher.example")
    raw = (postbox.folder / "1.eml").read_bytes().decode()
    assert "X-Envelope-To: öde@bücher.example\r\n" in raw
    assert "To: Dana Ösper <öde@bücher.example>\r\n" in raw


def test_encryption_is_never_given_up(open_postbox: Callable[..., Any]) -> None:
    postbox = open_postbox()
    with pytest.raises(TransientError, match="never a fallback"):
        send(postbox.table(security="starttls"))
    assert postbox.messages() == []


def test_a_wrong_password_loses_no_action(open_postbox: Callable[..., Any]) -> None:
    postbox = open_postbox(*LOGIN)
    table = postbox.table(username="robot", password="wrong-pass-word")
    adapter = build_adapters({"mail": table})["mail"]
    with pytest.raises(TransientError, match="check `username` and `password`") as caught:
        adapter.send(sample_action(), sample_recipient(), "key")
    assert "wrong-pass-word" not in str(caught.value)
    with pytest.raises(TransientError, match="535"):
        adapter.check()
    assert postbox.messages() == []


def test_a_server_that_wants_a_login_and_gets_none(open_postbox: Callable[..., Any]) -> None:
    postbox = open_postbox(*LOGIN)
    with pytest.raises((PermanentError, TransientError), match="530"):
        send(postbox.table())
    assert postbox.messages() == []


def test_each_answer_is_a_link_and_ours_opts_out_with_one_click(open_postbox: Callable[..., Any]) -> None:
    postbox = open_postbox()
    answer, leave = (
        "https://learn.example.com/answer/abc.def",
        "https://learn.example.com/unsubscribe/abc.def",
    )
    send(postbox.table(), answer_link=answer, unsubscribe_link=leave)
    send(postbox.table(), answer_link=answer, unsubscribe_link=leave.replace("https", "http"))
    message, plain = postbox.messages()
    # RFC 8058, section 3.1: both headers, and the address is https.
    assert message["List-Unsubscribe"] == f"<{leave}>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert plain["List-Unsubscribe-Post"] is None
    for kind in ("plain", "html"):
        body = message.get_body((kind,))
        assert body is not None
        for name in ("done", "not-now", "not-relevant", "applied", "disagree"):
            assert f"{answer}?a={name}" in body.get_content()
