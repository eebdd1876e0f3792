"""Adapter `webhook`: signed HTTP posts by the Standard Webhooks scheme (standardwebhooks.com).

The body is the same at every try of an action and `webhook-id` is its idempotency key, so that a
receiver which ignores an id it has seen takes each action once. Several secrets may be in force
during a rotation: the request carries one signature for each, and any of them verifies.
What a status means: `posting`.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime

import msgspec
from standardwebhooks import Webhook

from carrythrough.plugin import ActionRequested, AdapterSpec, Recipient, action_members, rfc3339
from carrythrough_adapters.posting import Poster
from carrythrough_adapters.webhook_config import WebhookConfig

EVENT_TYPE = "action.requested"
"""The `type` of the payload, as Standard Webhooks asks for."""


class WebhookAdapter:
    """Posts to one address."""

    def __init__(self, config: WebhookConfig) -> None:
        self._config = config
        self._signers = [Webhook(secret.reveal()) for secret in config.secrets]
        self._poster = Poster(config.url, config.timeout_s, config.ca_file)

    def check(self) -> str:
        """Say whether the host answers on its port; posts nothing. Raises TransientError when it does not."""
        return self._poster.reach()

    def send(self, action: ActionRequested, recipient: Recipient | None, idempotency_key: str) -> str:
        """Post the action; raises by the status as `posting` says."""
        body = self._body(action, recipient)
        answer = self._poster.post(self._config.url, body, self._headers(idempotency_key, body))
        if not answer.ok:
            self._poster.refuse(answer)
        return f"HTTP {answer.status} from {self._poster.origin}"

    def close(self) -> None:
        """Close the connections."""
        self._poster.close()

    def _body(self, action: ActionRequested, recipient: Recipient | None) -> bytes:
        data = action_members(action)
        if self._config.include_contact and recipient is not None:
            data["contact"] = {
                "name": recipient.name,
                "email": recipient.email,
                "time_zone": recipient.time_zone,
                "locale": recipient.locale,
            }
        payload = {"type": EVENT_TYPE, "timestamp": rfc3339(action.as_of_ms), "data": data}
        return msgspec.json.encode(payload)

    def _headers(self, key: str, body: bytes) -> dict[str, str]:
        seconds = int(time.time())
        moment = datetime.fromtimestamp(seconds, UTC)
        signatures = [signer.sign(key, moment, body.decode()) for signer in self._signers]
        own = {name: value.reveal() for name, value in self._config.headers.items()}
        return {
            **own,
            "content-type": "application/json",
            "webhook-id": key,
            "webhook-timestamp": str(seconds),
            "webhook-signature": " ".join(signatures),
        }


SPEC = AdapterSpec(
    name="webhook",
    kind="http",
    summary="Posts each action to a URL, signed by the Standard Webhooks scheme.",
    stability="stable",
    config=WebhookConfig,
    example={
        "url": "https://hooks.example.com/carrythrough",
        "secrets": ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="],
    },
    factory=WebhookAdapter,
)
