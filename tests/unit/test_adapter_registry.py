"""Proves that a mistake in the `adapters` section is named with key, rule and fix, and a secret never is."""

from __future__ import annotations

import importlib.metadata
import sys
from pathlib import Path
from typing import Any

import pytest

from carrythrough.dispatch import AdapterLimits, build_adapters, discover, find_spec
from carrythrough.errors import PermanentError, Problem
from carrythrough.plugin import Secret

SECRET = "whsec_bmV3IHNlY3JldCBvZiB0aGUgcmVjZWl2ZXIsIDMyIGI="
HOOK: dict[str, Any] = {"adapter": "webhook", "url": "https://hooks.example.com/x", "secrets": [SECRET]}


def refused(section: dict[str, Any]) -> Problem:
    """Return the problem with which a section is refused."""
    with pytest.raises(PermanentError) as caught:
        build_adapters(section)
    return caught.value.problem


def test_a_right_section_is_built_without_touching_anything() -> None:
    built = build_adapters(
        {
            "console": {},
            "crm": {**HOOK, "limits": {"concurrency": 2, "send_timeout_s": 7}},
            "log": {"adapter": "file", "path": "no-such-folder/x.jsonl"},
        }
    )
    assert {name: adapter.spec.name for name, adapter in built.items()} == {
        "console": "console",
        "crm": "webhook",
        "log": "file",
    }
    assert built["crm"].limits == AdapterLimits(concurrency=2, send_timeout_s=7)
    assert built["console"].limits == AdapterLimits()
    assert not Path("no-such-folder").exists()


def test_the_built_in_adapters_come_through_the_door() -> None:
    found = discover()
    assert {"console", "email", "file", "webhook"} <= set(found.specs)
    assert found.broken == ()


@pytest.mark.parametrize(
    ("table", "where", "words"),
    [
        ({**HOOK, "ulr": "x"}, "adapters.crm.ulr", "did you mean `url`?"),
        ({**HOOK, "zzz": "x"}, "adapters.crm.zzz", "known keys: url, secrets"),
        ({"adapter": "webhook", "secrets": [SECRET]}, "adapters.crm.url", "the key `url` is missing"),
        ({**HOOK, "url": 5}, "adapters.crm.url", "Expected `str`, got `int`"),
        ({**HOOK, "url": "ftp://x/y"}, "adapters.crm.url", "must begin with https://"),
        ({**HOOK, "url": "http://hooks.example.com/"}, "adapters.crm.url", "allow_plain_http = true"),
        ({**HOOK, "url": "https://u:p@example.com/"}, "adapters.crm.url", "must not carry a password"),
        ({**HOOK, "url": "https:///x"}, "adapters.crm.url", "name a host"),
        ({**HOOK, "timeout_s": 0}, "adapters.crm.timeout_s", "Expected `float` > 0"),
        ({**HOOK, "secrets": []}, "adapters.crm.secrets", "length >= 1"),
        ({**HOOK, "secrets": [SECRET, 5]}, "adapters.crm.secrets[1]", 'a secret is a text, {env = "NAME"}'),
        ({**HOOK, "secrets": ["whsec_short"]}, "adapters.crm.secrets", "openssl rand -base64 32"),
        ({**HOOK, "secrets": [SECRET.removeprefix("whsec_")]}, "adapters.crm.secrets", "must be whsec_"),
        ({**HOOK, "secrets": [{"env": "NO_SUCH_NAME"}]}, "adapters.crm.secrets[0]", "set NO_SUCH_NAME"),
        ({**HOOK, "secrets": [{"file": "no-such"}]}, "adapters.crm.secrets[0]", "cannot be read"),
        ({**HOOK, "headers": {"webhook-id": "1"}}, "adapters.crm.headers", "'webhook-id'"),
        ({**HOOK, "headers": {"x": "a\nb"}}, "adapters.crm.headers", "one line of ASCII"),
        (
            {**HOOK, "limits": {"concurency": 1}},
            "adapters.crm.limits.concurency",
            "did you mean `concurrency`?",
        ),
        ({**HOOK, "limits": {"concurrency": 0}}, "adapters.crm.limits.concurrency", "sends under way"),
        ({**HOOK, "limits": 3}, "adapters.crm.limits", "Expected `object`, got `int`"),
        ({"adapter": "web-hook"}, "adapters.crm.adapter", "did you mean 'webhook'?"),
        ({"adapter": 3}, "adapters.crm.adapter", "expected a text"),
        ({}, "adapters.crm.adapter", "'crm' is not one of"),
        ("webhook", "adapters.crm", "expected a table"),
    ],
)
def test_a_mistake_is_named_with_its_key_and_its_fix(table: Any, where: str, words: str) -> None:
    problem = refused({"crm": table})
    assert problem.where == where
    assert words in problem.sentence()
    assert problem.code in ("adapter-setting", "adapter-unknown")
    assert SECRET not in problem.sentence()


@pytest.mark.parametrize(
    ("more", "where", "words"),
    [
        ({"sender": "nobody"}, "sender", "is not an e-mail address"),
        ({"sender": "a@b.c\r\nBcc: x@y.z"}, "sender", "is not an e-mail address"),
        ({"reply_to": "x"}, "reply_to", "is not an e-mail address"),
        ({"username": "u"}, "password", "a login needs"),
        ({"password": "pass-word"}, "username", "a login needs"),
        ({"username": "u", "password": "p", "security": "plain"}, "security", "must not be plain"),
        ({"security": "tls"}, "security", "Invalid enum value 'tls'"),
        ({"unsubscribe_url": "http://x"}, "unsubscribe_url", "must begin with https://"),
        ({"unsubscribe_url": "https://x/>y"}, "unsubscribe_url", "must not contain"),
        ({"unsubscribe_one_click": True}, "unsubscribe_one_click", "needs an https"),
        ({"port": 70000}, "port", "<= 65535"),
    ],
)
def test_the_rules_of_email(more: dict[str, Any], where: str, words: str) -> None:
    base = {"adapter": "email", "host": "smtp.example.com", "sender": "L <l@example.com>"}
    problem = refused({"mail": {**base, **more}})
    assert problem.where == f"adapters.mail.{where}"
    assert words in problem.sentence()
    assert "pass-word" not in problem.sentence()


@pytest.mark.parametrize("name", ["CRM", "crm.eu", "", "a" * 64, "crm--eu", "1crm", "crm "])
def test_a_name_is_fit_for_a_metric_label(name: str) -> None:
    assert refused({name: HOOK}).where == f"adapters.{name}"


def test_several_mistakes_are_told_at_once() -> None:
    problem = refused({"a": {"adapter": "nothing"}, "console": {"colour": True}, "b": HOOK})
    assert problem.where == "adapters.a.adapter"
    assert "and 1 more" in problem.detail
    assert "adapters.console.colour" in problem.detail


def test_secrets_come_from_the_environment_and_from_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRM_SECRET", SECRET)
    path = tmp_path / "secret"
    path.write_text(SECRET + "\n")
    spec = find_spec("webhook")
    from carrythrough.dispatch import read_config

    table = {"url": HOOK["url"], "secrets": [{"env": "CRM_SECRET"}, {"file": str(path)}, SECRET]}
    config = read_config(spec, table, "adapters.crm")
    assert [secret.reveal() for secret in config.secrets] == [SECRET] * 3
    assert "whsec" not in repr(config)
    path.write_bytes(b"\xff\xfe")
    assert "not UTF-8" in refused({"crm": {**HOOK, "secrets": [{"file": str(path)}]}}).detail
    path.write_text("x" * 70_000)
    assert "over 65536 bytes" in refused({"crm": {**HOOK, "secrets": [{"file": str(path)}]}}).detail


def install(folder: Path, name: str, entry_points: str, module: str, text: str) -> None:
    """Put a distribution with entry points and one module into a folder on the path."""
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[carrythrough.adapters]\n{entry_points}\n")
    (folder / f"{module}.py").write_text(text)


BROKEN = {
    "raises": ("raise RuntimeError('half installed')", "half installed"),
    "missing": ("", "has no attribute 'SPEC'"),
    "other": ("SPEC = 5", "is a int, not an AdapterSpec"),
    "misnamed": (
        "from carrythrough_adapters.console import SPEC",
        "its name is 'console', the entry point's 'misnamed'",
    ),
    "shapeless": (
        """
from carrythrough.plugin import AdapterSpec
SPEC = AdapterSpec(
    name="shapeless", kind="k", summary="s", stability="new", config=dict, example={}, factory=None
)
""",
        "'new' is not one of stable, beta; config is not a msgspec Struct type; factory cannot be called",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_plugin_is_its_own_problem_only(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text, words = BROKEN[name]
    install(tmp_path, f"plugin-{name}", f"{name} = plugin_{name}:SPEC", f"plugin_{name}", text)
    monkeypatch.syspath_prepend(tmp_path)
    found = discover()
    assert {"console", "webhook"} <= set(found.specs)
    [problem] = found.broken
    assert problem.code == "adapter-broken"
    assert words in problem.detail
    assert refused({"mine": {"adapter": name}}).where == "adapters.mine.adapter"
    assert build_adapters({"console": {}})
    sys.modules.pop(f"plugin_{name}", None)


def test_no_plugin_takes_the_name_of_a_built_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, "thief", "webhook = thief:SPEC", "thief", "raise RuntimeError('taken over')")
    monkeypatch.syspath_prepend(tmp_path)
    assert len(importlib.metadata.entry_points(group="carrythrough.adapters", name="webhook")) == 2
    assert find_spec("webhook").config.__module__ == "carrythrough_adapters.webhook_config"


def test_two_plugins_with_one_name_are_both_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in (1, 2):
        install(tmp_path / str(number), f"p{number}", f"pigeon = pigeon{number}:SPEC", f"pigeon{number}", "")
        monkeypatch.syspath_prepend(tmp_path / str(number))
    assert "several plugins offer this name" in refused({"pigeon": {}}).detail


def test_a_factory_that_raises_is_named_without_its_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = """
import msgspec
from carrythrough.plugin import AdapterSpec, Secret

class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    token: Secret

def factory(config):
    raise RuntimeError("cannot start with " + config.token.reveal())

SPEC = AdapterSpec(
    name="touchy", kind="k", summary="s.", stability="beta", config=Config, example={}, factory=factory
)
"""
    install(tmp_path, "touchy", "touchy = touchy:SPEC", "touchy", text)
    monkeypatch.syspath_prepend(tmp_path)
    problem = refused({"touchy": {"token": "very-secret-token"}})
    assert "its factory raised RuntimeError: cannot start with ********" in problem.detail
    assert problem.where == "adapters.touchy"
    assert Secret("very-secret-token").reveal() not in problem.sentence()
