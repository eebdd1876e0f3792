"""Proves each signature scheme on what others signed: examples of the vendors, or their documented recipe."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook as Standard

from carrythrough.errors import PermanentError
from carrythrough.gateway.webhook_settings import Webhook
from carrythrough.gateway.webhooks.hooks import load_hooks
from carrythrough.gateway.webhooks.signatures import Proof, verify

NOW = 1_793_527_200.0
SECRET = "It's a Secret to Everybody"
WHSEC = "whsec_" + base64.b64encode(b"twenty-four random bytes").decode()


def hook(signature: str, **more: Any) -> Webhook:
    return Webhook(mapping="m.yaml", secret_env="S", signature=signature, **more)


def mac(text: str, key: str = SECRET) -> bytes:
    return hmac.new(key.encode(), text.encode(), hashlib.sha256).digest()


def code(
    settings: Webhook, headers: dict[str, str], body: bytes, secrets: tuple[str, ...] = (SECRET,)
) -> str:
    with pytest.raises(PermanentError) as caught:
        verify(settings, secrets, headers, body, NOW)
    assert caught.value.problem.status == 401
    assert caught.value.problem.fix
    return caught.value.problem.code


def test_the_example_of_the_github_documentation() -> None:
    signed = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    headers = {"x-hub-signature-256": signed, "x-github-delivery": "72d3162e"}
    assert verify(hook("github"), (SECRET,), headers, b"Hello, World!", NOW) == Proof("72d3162e")
    assert code(hook("github"), headers, b"Hello, World?") == "signature-wrong"


def test_the_example_of_the_jira_documentation() -> None:
    signed = "sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9"
    assert verify(hook("jira"), (SECRET,), {"x-hub-signature": signed}, b"Hello World!", NOW) == Proof()


@pytest.mark.parametrize("value", ["t={t},v1={v}", "t={t},v1=00,v1={v},v0=x", "v1={v},t={t}"])
def test_stripe(value: str) -> None:
    signed = mac(f"{int(NOW)}.body").hex()
    headers = {"stripe-signature": value.format(t=int(NOW), v=signed)}
    verify(hook("stripe"), (SECRET,), headers, b"body", NOW)
    assert code(hook("stripe"), {"stripe-signature": f"v1={signed}"}, b"body") == "signature-missing"
    assert code(hook("stripe"), {"stripe-signature": f"t={int(NOW)}"}, b"body") == "signature-wrong"
    other = headers["stripe-signature"].replace(str(int(NOW)), str(int(NOW) + 1))
    assert code(hook("stripe"), {"stripe-signature": other}, b"body") == "signature-wrong"


def test_standard_webhooks_as_its_library_signs() -> None:
    moment = dt.datetime.fromtimestamp(NOW, dt.UTC)
    signed = Standard(WHSEC).sign("msg_1", moment, '{"a": 1}')
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(NOW)),
        "webhook-signature": f"v1,AAAA {signed}",
    }
    assert verify(hook("standardwebhooks"), (WHSEC,), headers, b'{"a": 1}', NOW) == Proof("msg_1")
    other = headers | {"webhook-id": "msg_2"}
    assert code(hook("standardwebhooks"), other, b'{"a": 1}', (WHSEC,)) == "signature-wrong"


def test_zendesk_and_hubspot_as_documented() -> None:
    stamp = "2026-11-01T10:00:00Z"
    headers = {
        "x-zendesk-webhook-signature": base64.b64encode(mac(stamp + "{}")).decode(),
        "x-zendesk-webhook-signature-timestamp": stamp,
    }
    verify(hook("zendesk"), (SECRET,), headers, b"{}", NOW)
    milliseconds = str(int(NOW * 1000))
    url = "https://c.example/v1/hooks/hubspot"
    headers = {
        "x-hubspot-signature-v3": base64.b64encode(mac(f"POST{url}{{}}{milliseconds}")).decode(),
        "x-hubspot-request-timestamp": milliseconds,
    }
    verify(hook("hubspot", url=url), (SECRET,), headers, b"{}", NOW)
    assert code(hook("hubspot", url=url + "/"), headers, b"{}") == "signature-wrong"


def test_any_other_recipe_by_its_template() -> None:
    settings = hook(
        "hmac-sha256", header="X-Sig", prefix="v2:", encoding="base64", template="{id}|{timestamp}|{body}|{{x}}",
        timestamp_header="X-Time", id_header="X-Id",
    )  # fmt: skip
    signed = base64.b64encode(mac(f"7|{int(NOW)}|b|{{{{x}}}}")).decode()
    headers = {"x-sig": "v2:" + signed, "x-time": str(int(NOW)), "x-id": "7"}
    assert verify(settings, (SECRET,), headers, b"b", NOW) == Proof("7")


def test_a_token_and_its_predecessor() -> None:
    for settings, name in ((hook("token"), "authorization"), (hook("token", header="X-Key"), "x-key")):
        for given_ in ("new secret of ours", "old secret of ours"):
            secrets = ("new secret of ours", "old secret of ours")
            verify(settings, secrets, {name: f"Bearer {given_}"}, b"", NOW)
            verify(settings, secrets, {name: given_}, b"", NOW)
        assert code(settings, {name: "Bearer nothing"}, b"") == "signature-wrong"
        assert code(settings, {}, b"") == "signature-missing"


@pytest.mark.parametrize("late_s", [-301, 301, 1e9])
def test_the_time_of_sending_is_held_to(late_s: float) -> None:
    stamp = str(int(NOW - late_s))
    headers = {"stripe-signature": f"t={stamp},v1={mac(stamp + '.b').hex()}"}
    assert code(hook("stripe"), headers, b"b") == "signature-stale"
    verify(hook("stripe", tolerance_s=3600), (SECRET,), headers, b"b", NOW - late_s)


@given(st.text(max_size=60), st.text(max_size=30), st.binary(max_size=20))
def test_no_header_makes_it_fail_or_let_anything_in(signature: str, stamp: str, body: bytes) -> None:
    for name in ("standardwebhooks", "github", "stripe", "zendesk"):
        headers = dict.fromkeys(
            ("webhook-signature", "x-hub-signature-256", "stripe-signature", "x-zendesk-webhook-signature"),
            signature,
        )
        headers |= dict.fromkeys(("webhook-timestamp", "x-zendesk-webhook-signature-timestamp"), stamp)
        code(hook(name), headers, body, (WHSEC,))


@pytest.mark.parametrize(
    ("settings", "secret", "where"),
    [
        (hook("hmac-sha256"), SECRET, "webhooks.crm.header"),
        (hook("hubspot"), SECRET, "webhooks.crm.url"),
        (
            hook("hmac-sha256", header="X", template="{timestamp}{body}"),
            SECRET,
            "webhooks.crm.timestamp_header",
        ),
        (hook("hmac-sha256", header="X", template="{id}{body}"), SECRET, "webhooks.crm.id_header"),
        (hook("github"), "short", "webhooks.crm.secret_env"),
        (hook("github"), "", "webhooks.crm.secret_env"),
        (hook("standardwebhooks"), "no base64 at all!!", "webhooks.crm.secret_env"),
        (hook("github", previous_secret_env="OLD"), SECRET, "webhooks.crm.previous_secret_env"),
        (hook("github"), SECRET, "webhooks.crm.mapping"),
    ],
)
def test_settings_that_cannot_work_are_named(settings: Webhook, secret: str, where: str) -> None:
    with pytest.raises(PermanentError) as caught:
        load_hooks({"crm": settings}, {"S": secret})
    assert caught.value.problem.where == where


def test_names_of_webhooks_fit_into_an_address() -> None:
    with pytest.raises(PermanentError, match="lower-case"):
        load_hooks({"CRM/1": hook("github")}, {"S": SECRET})
