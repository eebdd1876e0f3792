"""The limits of one adapter, so that a slow or dead one costs a bounded amount and delays nobody else."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta


class AdapterLimits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table `limits` of an adapter in the settings."""

    concurrency: Annotated[
        int, Meta(ge=1, le=64, description="sends under way at the same time, each in its own thread")
    ] = 4
    queue_max: Annotated[
        int, Meta(ge=0, le=10_000, description="actions held in memory beyond those under way")
    ] = 64
    rate_per_s: Annotated[
        float,
        Meta(
            ge=0, le=10_000, description="sends begun a second on average, one second's worth at once; 0: any"
        ),
    ] = 0.0
    send_timeout_s: Annotated[
        float,
        Meta(gt=0, le=600, description="seconds after which a send is counted as failed and left behind"),
    ] = 30.0
    abandoned_max: Annotated[
        int,
        Meta(ge=1, le=64, description="sends left behind that may still hold a thread; at it, nothing new"),
    ] = 8
    failures_before_pause: Annotated[
        int, Meta(ge=1, le=1_000, description="transient failures in a row that pause the adapter")
    ] = 5
    pause_s: Annotated[
        float, Meta(gt=0, le=86_400, description="seconds of the first pause; each further one doubles")
    ] = 30.0
    pause_s_max: Annotated[
        float,
        Meta(
            gt=0, le=86_400, description="seconds of the longest pause, also when the receiver asks for more"
        ),
    ] = 900.0
