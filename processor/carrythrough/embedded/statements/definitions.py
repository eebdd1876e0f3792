"""What is known of an activity, put together from all that was sent about it."""

from __future__ import annotations

from typing import Any

import msgspec

_MAPS = ("name", "description")
_INTERACTION = ("correctResponsesPattern", "choices", "scale", "source", "target", "steps")
_decode = msgspec.json.Decoder(dict[str, Any]).decode


def together(known: bytes | None, sent: bytes) -> bytes:
    """Return the definition after another one was sent.

    Texts in languages are added to those known; every other member is the last one sent. The parts
    of an interaction belong together: with an interactionType all of them are as sent.
    """
    more = _decode(sent)
    before = {} if known is None else _decode(known)
    after = {**before, **more}
    for name in _MAPS:
        if name in before and name in more:
            after[name] = {**before[name], **more[name]}
    if "interactionType" in more:
        for name in _INTERACTION:
            if name not in more:
                after.pop(name, None)
    return msgspec.json.encode(after)
