"""Proves the bearer side with a real server process and a real issuer: tokens given out, taken, narrowed and refused.

The issuer is a small HTTP server that publishes a key set and counts who asks for it.
"""

from __future__ import annotations

import base64
import http.server
import json
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from carrythrough.gateway import oauth_keys
from carrythrough.gateway.auth import Credentials, new_credential
from carrythrough.gateway.scopes import SCOPES

PROGRAM = Path(sys.executable).parent / "carrythrough"
MAP = """
map: m
version: 1
name: M
goals: [{id: g, name: G, kpis: [{id: k, name: K}]}]
skills: [{id: calm, name: Calm, kpis: [k]}]
activities:
  - {id: q, name: Q, match: {activity_prefix: "https://x.example/"}, evidence: [{skill: calm, channel: learn}]}
"""
SERVER = """
import json, sys
from pathlib import Path
from carrythrough.embedded.serve import serve
from carrythrough.gateway import oauth_keys
from carrythrough.settings import load_settings
oauth_keys.UNKNOWN_KEY_PAUSE_S = 1.5  # a test has no ten seconds to wait
serve(load_settings(Path(sys.argv[1]), {}), on_ready=lambda info: print(json.dumps(info), flush=True))
"""
VERSION = {"X-Experience-API-Version": "1.0.3"}
NAME = "https://login.example/"
AUDIENCE = "https://lrs.example"
RSA_KEY = rsa.generate_private_key(65537, 2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())


def public(key: Any, kid: str, **members: str) -> dict[str, Any]:
    """Return the entry of a key in a key set."""
    kind = jwt.algorithms.RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else jwt.algorithms.ECAlgorithm
    return {**kind.to_jwk(key.public_key(), as_dict=True), "kid": kid, "use": "sig", **members}


class Issuer:
    """An HTTP server that publishes `keys`; `asked` counts the requests."""

    def __init__(self) -> None:
        self.keys = [public(RSA_KEY, "r1"), public(EC_KEY, "e1")]
        self.asked = 0
        issuer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.asked += 1
                body = json.dumps({"keys": issuer.keys}).encode()
                self.send_response(200 if self.path == "/keys" else 404)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/keys"

    def token(
        self, key: Any = RSA_KEY, kid: str | None = "r1", algorithm: str = "RS256", **claims: Any
    ) -> str:
        """Return a token; a claim that is None is left out."""
        said = {
            "iss": NAME, "aud": AUDIENCE, "exp": int(time.time()) + 60, "client_id": "vendor-7",
            "scope": "statements/write statements/read/mine", **claims,
        }  # fmt: skip
        said = {name: value for name, value in said.items() if value is not None}
        return jwt.encode(said, key, algorithm, {} if kid is None else {"kid": kid})


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    running = Issuer()
    yield running
    running.server.shutdown()
    running.server.server_close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, issuer: Issuer) -> Iterator[dict[str, Any]]:
    folder = tmp_path_factory.mktemp("oauth")
    (folder / "data").mkdir()
    made = {
        "vendor": new_credential("vendor", ("statements/write", "statements/read/mine", "state")),
        "root": new_credential("root", ("all",)),
        "odd": new_credential("odd", ("all",), "a secret with + and % and more"),
    }
    (folder / "data" / "credentials.json").write_text(Credentials(c for c, _ in made.values()).to_file())
    (folder / "map.yaml").write_text(MAP)
    (folder / "c.toml").write_text(
        f'data_dir = "{folder}/data"\nprogram = "{folder}/map.yaml"\nport = 0\nmetrics_port = 0\n'
        f'[oauth]\nissuer = "{NAME}"\naudience = "{AUDIENCE}"\njwks_url = "{issuer.url}"\n'
        'clients = {vendor-7 = "vendor", admin-1 = "root"}\n'
    )
    process = subprocess.Popen(
        [sys.executable, "-c", SERVER, str(folder / "c.toml")], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, process.communicate()[1].decode()
    logins = {name: (credential.key, secret) for name, (credential, secret) in made.items()}
    yield {**json.loads(line), "logins": logins, "folder": folder}
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0


@pytest.fixture
def client(server: dict[str, Any]) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server["url"], timeout=10, headers=VERSION) as made:
        yield made


def ask(client: httpx.Client, login: tuple[str, str], **form: str) -> httpx.Response:
    return client.post("/oauth/token", data={"grant_type": "client_credentials", **form}, auth=login)


def post(client: httpx.Client, token: str) -> httpx.Response:
    statement = {
        "id": str(uuid.uuid4()),
        "actor": {"mbox": "mailto:ann@x.example"},
        "verb": {"id": "http://adlnet.gov/expapi/verbs/answered"},
        "object": {"id": "https://x.example/q/1"},
    }
    headers = {"Authorization": f"Bearer {token}"}
    answer = client.post("/xapi/statements", json=[statement], headers=headers)
    if answer.status_code == 503:
        # The keys were being read: what a sender does with a 503.
        time.sleep(int(answer.headers["retry-after"]))
        answer = client.post("/xapi/statements", json=[statement], headers=headers)
    return answer


def test_a_token_of_ours_is_given_out_and_taken(client: httpx.Client, server: dict[str, Any]):
    """RFC 6749 4.4 and 5.1."""
    answer = ask(client, server["logins"]["root"])
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    assert body["token_type"] == "Bearer"
    assert body["expires_in"] == 3600
    assert body["scope"] == "all"
    for _ in range(2):
        assert post(client, body["access_token"]).status_code == 200
    assert (
        client.get("/v1/scores", headers={"Authorization": f"Bearer {body['access_token']}"}).status_code
        == 200
    )
    altered = body["access_token"][:-8] + "AAAAAAAA"
    refused = post(client, altered)
    assert refused.status_code == 401
    assert refused.json()["code"] == "token-invalid"
    assert "Bearer" in refused.headers["www-authenticate"]


@pytest.mark.parametrize(
    ("login", "asked", "given"),
    [
        ("root", "statements/write", "statements/write"),
        ("root", "xapi:write", "statements/write define"),
        ("root", "xapi:read", "statements/read"),
        ("root", "all/read state", "state all/read"),
        ("vendor", "xapi:write", "statements/write"),
        ("vendor", "xapi:read", "statements/read/mine"),
        ("vendor", "", "statements/write statements/read/mine state"),
    ],
)
def test_a_token_may_do_less_than_its_credential(
    client: httpx.Client, server: dict[str, Any], login: str, asked: str, given: str
):
    answer = ask(client, server["logins"][login], **({"scope": asked} if asked else {}))
    assert answer.json()["scope"] == given
    written = post(client, answer.json()["access_token"])
    assert written.status_code == (200 if "statements/write" in given else 403)


def test_a_client_may_prove_itself_in_the_body_or_form_encoded(client: httpx.Client, server: dict[str, Any]):
    """RFC 6749 2.3.1: client_secret_post, and Basic over percent-encoded values."""
    key, secret = server["logins"]["odd"]
    form = {"grant_type": "client_credentials", "client_id": key, "client_secret": secret}
    assert client.post("/oauth/token", data=form).status_code == 200
    assert ask(client, (key, secret)).status_code == 200
    assert ask(client, (key, str(httpx.QueryParams({"s": secret}))[2:])).status_code == 200


@pytest.mark.parametrize(
    ("change", "status", "error"),
    [
        ({"data": {"grant_type": "password"}}, 400, "unsupported_grant_type"),
        ({"data": {"scope": "all"}}, 400, "invalid_request"),
        ({"data": {"grant_type": "client_credentials", "scope": "al"}}, 400, "invalid_scope"),
        ({"data": {"grant_type": "client_credentials", "scope": "statements/read"}}, 400, "invalid_scope"),
        ({"data": {"grant_type": "client_credentials"}, "auth": ("vendor", "wrong")}, 401, "invalid_client"),
        ({"data": {"grant_type": "client_credentials"}, "auth": None}, 401, "invalid_client"),
        ({"data": {"grant_type": "client_credentials", "client_secret": "x"}}, 400, "invalid_request"),
        ({"data": {"grant_type": "client_credentials", "client_id": "x"}}, 400, "invalid_request"),
        ({"content": "grant_type=a&grant_type=b"}, 400, "invalid_request"),
        ({"content": b"\xff\xfe"}, 400, "invalid_request"),
        ({"content": "x" * 20_000}, 413, "invalid_request"),
        ({"json": {"grant_type": "client_credentials"}}, 400, "invalid_request"),
    ],
)
def test_errors_have_the_form_of_the_rfc(
    client: httpx.Client, server: dict[str, Any], change: dict[str, Any], status: int, error: str
):
    """RFC 6749 5.2."""
    given = {"auth": server["logins"]["vendor"], **change}
    if "content" in change:
        given["headers"] = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = client.post("/oauth/token", **given)
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert answer.json()["error_description"].isascii()
    assert answer.headers["cache-control"] == "no-store"
    assert ("www-authenticate" in answer.headers) == (status == 401)


def test_what_is_given_out_and_read_is_counted(client: httpx.Client, server: dict[str, Any], issuer: Issuer):
    ask(client, server["logins"]["root"])
    ask(client, ("root", "wrong"))
    assert post(client, issuer.token()).status_code in {200, 401}
    text = httpx.get(server["metrics_url"]).text
    for result in ("given", "invalid_client"):
        assert f'carrythrough_token_requests_total{{result="{result}"}}' in text
    (read,) = (line for line in text.splitlines() if line.startswith("carrythrough_issuer_keys_read_seconds"))
    assert abs(float(read.split()[1]) - time.time()) < 60


def test_doctor_looks_at_the_issuer(server: dict[str, Any], issuer: Issuer):
    def found() -> dict[str, tuple[str, str]]:
        command = [str(PROGRAM), "doctor", "--config", str(server["folder"] / "c.toml"), "--json"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        checks = json.loads(done.stdout)["checks"]
        return {one["name"]: (one["status"], one["detail"]) for one in checks}

    assert found()["token issuer"] == ("ok", f"2 keys of {NAME}")
    assert "token clients" not in found()
    text = (server["folder"] / "c.toml").read_text()
    (server["folder"] / "c.toml").write_text(text.replace("/keys", "/").replace('"root"', '"nobody"'))
    try:
        checks = found()
    finally:
        (server["folder"] / "c.toml").write_text(text)
    assert checks["token issuer"][0] == "failed"
    assert checks["token clients"] == ("warning", "there is no credential named nobody")


def test_metadata(client: httpx.Client):
    """RFC 8414."""
    body = client.get("/.well-known/oauth-authorization-server").json()
    assert body["token_endpoint"] == f"{str(client.base_url).rstrip('/')}/oauth/token"
    assert body["token_endpoint_auth_methods_supported"] == ["client_secret_basic", "client_secret_post"]
    assert set(SCOPES) <= set(body["scopes_supported"])


def test_a_token_of_the_issuer_acts_as_its_credential(client: httpx.Client, issuer: Issuer):
    assert post(client, issuer.token()).status_code == 200
    assert post(client, issuer.token(EC_KEY, "e1", "ES256")).status_code == 200
    assert post(client, issuer.token(kid=None)).status_code == 200
    assert post(client, issuer.token(client_id="admin-1", scope=["all"])).status_code == 200
    assert post(client, issuer.token(aud=["x", AUDIENCE])).status_code == 200


@pytest.mark.parametrize(
    ("claims", "status"),
    [
        ({"exp": int(time.time()) - 120}, 401),
        ({"exp": None}, 401),
        ({"nbf": int(time.time()) + 600}, 401),
        ({"aud": "https://other.example"}, 401),
        ({"aud": None}, 401),
        ({"iss": "https://evil.example/"}, 401),
        ({"client_id": "stranger"}, 401),
        ({"client_id": "root"}, 401),
        ({"client_id": None}, 401),
        ({"client_id": 7}, 401),
        ({"scope": "statements/read/mine"}, 403),
        ({"scope": "openid"}, 403),
        ({"scope": None}, 403),
    ],
)
def test_claims_that_do_not_hold(client: httpx.Client, issuer: Issuer, claims: dict[str, Any], status: int):
    answer = post(client, issuer.token(**claims))
    assert answer.status_code == status, answer.text
    assert answer.json()["code"] == ("token-invalid" if status == 401 else "scope-missing")


def forged() -> Iterator[tuple[str, str]]:
    """Yield tokens that somebody without the issuer's key can make."""
    claims = {"iss": NAME, "aud": AUDIENCE, "exp": int(time.time()) + 60, "client_id": "root", "scope": "all"}
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    pem = RSA_KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    mine = rsa.generate_private_key(65537, 2048)

    def head(**members: Any) -> str:
        return base64.urlsafe_b64encode(json.dumps(members).encode()).rstrip(b"=").decode()

    yield "none", f"{head(alg='none', typ='JWT', kid='r1')}.{body}."
    import hashlib
    import hmac

    start = f"{head(alg='HS256', typ='JWT', kid='r1')}.{body}"
    mac = hmac.new(pem, start.encode(), hashlib.sha256).digest()
    yield "public key as a secret", f"{start}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"
    yield "own key", jwt.encode(claims, mine, "RS256", {"kid": "r1"})
    yield "key brought along", jwt.encode(claims, mine, "RS256", {"kid": "r1", "jwk": public(mine, "r1")})
    yield "other algorithm", jwt.encode(claims, RSA_KEY, "RS512", {"kid": "r1"})
    yield "critical header", jwt.encode(claims, RSA_KEY, "RS256", {"kid": "r1", "crit": ["b64"], "b64": True})
    yield "in our name", jwt.encode({**claims, "iss": "carrythrough", "sub": "root"}, mine, "RS256")
    yield "no JWT", "abc"
    yield "too long", "x" * 9_000


@pytest.mark.parametrize(("what", "token"), list(forged()), ids=lambda value: value[:20])
def test_forged_tokens(client: httpx.Client, what: str, token: str):
    answer = post(client, token)
    assert (answer.status_code, answer.json()["code"]) == (401, "token-invalid"), what


def test_after_a_rotation_the_new_key_is_found_and_a_flood_does_not_reach_the_issuer(
    client: httpx.Client, issuer: Issuer
):
    assert post(client, issuer.token()).status_code == 200
    fresh = rsa.generate_private_key(65537, 2048)
    issuer.keys = [public(fresh, "r2")]
    deadline = time.monotonic() + 2 * oauth_keys.UNKNOWN_KEY_PAUSE_S
    while post(client, issuer.token(fresh, "r2")).status_code != 200:
        # Another test may have asked a moment before: the pause between two looks is part of the promise.
        assert time.monotonic() < deadline
        time.sleep(0.2)
    asked = issuer.asked
    for number in range(50):
        assert post(client, issuer.token(fresh, f"invented-{number}")).status_code == 401
    assert issuer.asked <= asked + 2
    withdrawn = post(client, issuer.token())
    assert withdrawn.status_code == 401, (
        "a key that was withdrawn proves nothing any more, seen before or not"
    )
    issuer.keys = [public(RSA_KEY, "r1"), public(EC_KEY, "e1")]
    while post(client, issuer.token()).status_code != 200:
        assert time.monotonic() < deadline + 2 * oauth_keys.UNKNOWN_KEY_PAUSE_S
        time.sleep(0.2)
