"""Settings: one TOML file, then CARRYTHROUGH_* variables, then what the command line says.

Every field is documented in docs/reference/settings.md, which is generated from here.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from carrythrough.consume.source import TopicSource
from carrythrough.errors import PermanentError, Problem
from carrythrough.forward.target import ForwardTarget
from carrythrough.gateway.oauth_settings import OAuthIssuer
from carrythrough.gateway.webhook_settings import Webhook
from carrythrough.pull.source import PullSource

ENVIRONMENT_PREFIX = "CARRYTHROUGH_"
_FROM_ENVIRONMENT = ("data_dir", "host", "port", "metrics_port", "program", "roster", "tenant", "log_level")

Port = Annotated[int, Meta(ge=0, le=65535)]
MountPath = Annotated[str, Meta(pattern=r"^(/[A-Za-z0-9._~-]+)+$")]
XapiVersion = Literal["1.0.3", "2.0.0"]


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How one embedded server runs."""

    data_dir: Annotated[
        str, Meta(description="Folder of the log, the state and the keys; one process at a time.")
    ] = "data"
    host: Annotated[
        str, Meta(description="Address to listen on; anything but loopback needs a deliberate choice.")
    ] = "127.0.0.1"
    port: Annotated[Port, Meta(description="Port of the HTTP API and the pages; 0 picks a free one.")] = 8080
    metrics_port: Annotated[Port, Meta(description="Port of /metrics; 0 picks a free one.")] = 9464
    program: Annotated[
        str, Meta(description="Path of the program map (YAML or JSON); needed at the first start.")
    ] = ""
    roster: Annotated[str, Meta(description="Path of the roster (YAML, JSON or CSV); without one, people are unknown actors.")] = ""  # fmt: skip  # noqa: E501
    tenant: Annotated[str, Meta(description="Name of the organisation; part of every id.", min_length=1)] = (
        "default"
    )
    shadow_learner: Annotated[
        bool,
        Meta(
            description="Whether a shadow of the scoring head learns from outcomes on the job, and a second learner "
            "from answers, on a thread of their own; no score depends on them until somebody promotes a version."
        ),
    ] = True
    log_level: Annotated[str, Meta(description="debug, info, warning or error.")] = "info"
    xapi_mounts: Annotated[
        dict[MountPath, XapiVersion],
        Meta(
            description="Paths of the xAPI resources, each with the version (1.0.3 or 2.0.0) that answers requests "
            "which name none; both versions are spoken at every path.",
            min_length=1,
        ),
    ] = msgspec.field(default_factory=lambda: {"/xapi": "1.0.3", "/xapi/2.0": "2.0.0"})
    authority_home: Annotated[
        str,
        Meta(
            description="Home page of the accounts that stand for credentials as the authority of statements: the "
            "public address of this installation. Statements say who stored them, so set it once and leave it.",
            pattern=r"^[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"{}|\\^`]+$",
        ),
    ] = "http://localhost:8080"
    public_url: Annotated[
        str,
        Meta(
            description="Address under which people reach this server, as links in messages begin "
            '("https://learning.example.org"); left out, authority_home.',
            pattern=r"^(https?://[^\s<>\"{}|\\^`]+)?$",
        ),
    ] = ""
    xapi_origins: Annotated[
        list[str],
        Meta(
            description='Origins whose browser content may use the xAPI resources ("https://courses.example.org"; '
            '"*": any, which is safe as no cookie counts there).'
        ),
    ] = msgspec.field(default_factory=lambda: ["*"])
    adapters: Annotated[
        dict[str, dict[str, Any]],
        Meta(
            description='Adapters by name: {adapter = "webhook", ...}; without any, actions go to the console.'
        ),
    ] = {}
    pull: Annotated[
        dict[str, PullSource],
        Meta(
            description='Learning Record Stores to read from, by name: {endpoint = "https://lrs.example/xapi", ...}.'
        ),
    ] = {}
    consume: Annotated[
        dict[str, TopicSource],
        Meta(
            description='Kafka topics to read performance events from, by name: {bootstrap = "kafka:9092", ...}.'
        ),
    ] = {}
    webhooks: Annotated[
        dict[str, Webhook],
        Meta(
            description='Systems that post JSON of their own to /v1/hooks/NAME, by name: {mapping = "crm.yaml", ...}.'
        ),
    ] = {}
    forward: Annotated[
        dict[str, ForwardTarget],
        Meta(
            description='Learning Record Stores to send to, by name: {endpoint = "https://lrs.example/xapi", ...}.'
        ),
    ] = {}
    oauth: Annotated[
        OAuthIssuer | None,
        Meta(description="An issuer whose bearer tokens are taken beside our own (how-to/oauth.md)."),
    ] = None


def load_settings(
    path: Path | None, environment: Mapping[str, str] | None = None, **overrides: Any
) -> Settings:
    """Return the settings of a file (optional), the environment and explicit overrides (None: not given).

    Raises PermanentError whose `where` is the configuration key or file:line.
    """
    values: dict[str, Any] = {}
    if path is not None:
        values |= _read(path)
    environment = os.environ if environment is None else environment
    for name in _FROM_ENVIRONMENT:
        text = environment.get(ENVIRONMENT_PREFIX + name.upper())
        if text is not None:
            values[name] = int(text) if name.endswith("port") and text.isdigit() else text
    values |= {name: value for name, value in overrides.items() if value is not None}
    return _convert(values, str(path or "environment"))


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise PermanentError(
            Problem(
                code="settings-missing",
                status=400,
                title="The settings file does not exist",
                detail=str(path),
                where=str(path),
                rule="--config names a TOML file",
                fix="name an existing file, or leave --config out to use the defaults",
            )
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PermanentError(
            Problem(
                code="settings-unreadable",
                status=400,
                title="The settings file is not TOML",
                detail=str(error),
                where=str(path),
                rule="settings are UTF-8 TOML (toml.io/en/v1.0.0)",
                fix="mend the line that the message names",
            )
        ) from None


def _convert(values: dict[str, Any], source: str) -> Settings:
    known = Settings.__struct_fields__
    for name in values:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            raise PermanentError(
                Problem(
                    code="settings-unknown-key",
                    status=400,
                    title="Unknown setting",
                    detail=f"{name!r} in {source}",
                    where=name,
                    rule=f"the settings are: {', '.join(known)}",
                    fix=f"did you mean {near[0]!r}?" if near else "remove it",
                )
            )
    try:
        return msgspec.convert(values, Settings)
    except msgspec.ValidationError as error:
        text = str(error)
        where = text.rsplit("$.", 1)[-1].strip("`") if "$." in text else source
        raise PermanentError(
            Problem(
                code="settings-invalid",
                status=400,
                title="A setting has a wrong value",
                detail=text,
                where=where,
                rule="docs/reference/settings.md lists type and range of each setting",
                fix=f"correct {where} in {source}",
            )
        ) from None
