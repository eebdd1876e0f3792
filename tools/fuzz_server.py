"""Mutated statements over HTTP to a real server: no answer is a 5xx, and every refusal names rule and place.

`make fuzz ARGS="--posts 20000"`: so many statements in posts of 50 of a lenient sender (what is no JSON left out), and
two in 50 alone of a strict one. The server runs in a process of its own on a folder that is taken away afterwards.
"""

from __future__ import annotations

import base64
import http.client
import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import msgspec

from carrythrough.gateway.auth import Credentials, new_credential

ROOT = Path(__file__).resolve().parent.parent
BATCH = 50
SHOWN = 2_000
"""Bytes of a body that are printed: what to look for is named by the number of the post and the seed."""
_SERVER = """
import json, sys
from carrythrough.embedded.serve import serve
from carrythrough.settings import Settings
settings = Settings(data_dir=sys.argv[1], port=0, metrics_port=0, program=sys.argv[2], log_level="error")
serve(settings, on_ready=lambda info: print(json.dumps(info), flush=True))
"""


def post(texts: Iterator[bytes]) -> tuple[Counter[str], int]:
    """Send every text; return how often each answer came ("lenient 200"), and how many were not as promised."""
    with tempfile.TemporaryDirectory() as folder:
        data, headers = Path(folder) / "data", {}
        data.mkdir()
        made = {
            mode: new_credential(mode, ("statements/write",), mode=mode) for mode in ("strict", "lenient")
        }
        (data / "credentials.json").write_text(
            Credentials([one for one, _ in made.values()]).to_file(), "utf-8"
        )
        for mode, (credential, secret) in made.items():
            login = base64.b64encode(f"{credential.key}:{secret}".encode()).decode()
            headers[mode] = {"Authorization": f"Basic {login}", "Content-Type": "application/json"}
        program = ROOT / "examples" / "tccc" / "program-map.yaml"
        command = [sys.executable, "-c", _SERVER, str(data), str(program)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:  # noqa: S603 - our own server
            try:
                if server.stdout is None:
                    raise RuntimeError("the server says nothing")
                port = int(json.loads(server.stdout.readline())["url"].rpartition(":")[2])
                return _send(texts, port, headers)
            finally:
                server.terminate()


def _send(texts: Iterator[bytes], port: int, headers: dict[str, dict[str, str]]) -> tuple[Counter[str], int]:
    counts: Counter[str] = Counter()
    failed = 0
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    for number, batch in enumerate(iter(lambda: list(islice(texts, BATCH)), [])):
        version = ("1.0.3", "2.0.0", "1.03")[number % 3]
        whole = [text for text in batch if _is_json(text)]
        alone = next((text for text in batch if not _is_json(text)), batch[0])
        for mode, body in (
            ("lenient", b"[" + b",".join(whole) + b"]"),
            ("strict", alone),
            ("strict", batch[-1]),
        ):
            sent = headers[mode] | {"X-Experience-API-Version": version}
            link.request("POST", "/xapi/statements", body, sent)
            answer = link.getresponse()
            found = answer.read()
            counts[f"{mode} {answer.status}"] += 1
            if not _as_promised(answer.status, found):
                failed += 1
                print(
                    f"post {number} ({mode}): {answer.status} {found[:500]!r}\n{body[:SHOWN]!r}",
                    file=sys.stderr,
                )
    link.close()
    return counts, failed


def _is_json(text: bytes) -> bool:
    try:
        msgspec.json.decode(text, type=msgspec.Raw)
    except (ValueError, RecursionError):
        return False
    return True


def _as_promised(status: int, body: bytes) -> bool:
    found = json.loads(body)
    if status == 200:
        return isinstance(found, list)
    where = found.get("where", "")
    pointed = where == "" or where.startswith("/") or where == "X-Experience-API-Version"
    return status in {400, 409, 413} and bool(found["code"] and found["rule"] and found["fix"]) and pointed
