"""Stamped evidence: the only thing that the fold adds up."""

from __future__ import annotations

import enum

import msgspec

Y_ONE = 1 << 16
"""An outcome of 1.0 in fixed point: y is an integer in 0..Y_ONE."""

W_ONE = 1 << 10
"""A weight of 1.0 in fixed point: w is an integer in 0..8·W_ONE."""


SUPPORT_WINDOW_S_MAX = 24 * 3600
"""Longest time after job-aid use in which a success may count as assisted; bounds the ledger slice read."""


class Channel(enum.IntEnum):
    """Where evidence comes from; the first four carry outcomes, the rest only counts and recency."""

    LEARN = 0
    PRACTICE = 1
    JOB = 2
    OBSERVED = 3
    EXPOSURE = 4
    SUPPORT = 5
    VOICE = 6


OUTCOME_CHANNELS = frozenset({Channel.LEARN, Channel.PRACTICE, Channel.JOB, Channel.OBSERVED})

FLAG_ASSISTED = 1
"""The sender said that this success was reached with a job aid at hand."""
FLAG_CLAMPED = 2
"""The event time lay beyond the log time plus the allowed skew and was clamped to it."""
FLAG_OPPORTUNITY_ONLY = 4
"""An opportunity without an outcome: counts as an opportunity, never as success or failure."""
FLAG_FALLBACK_STANDARD = 8
"""The outcome came from a rank because the KPI has no target (labelled wherever it shows)."""
FLAG_STATED = 16
"""Voice only: y is how sure somebody said to be, to be held against outcomes; with w = 0 it is none itself."""


class Evidence(msgspec.Struct, frozen=True, array_like=True):
    """One piece of stamped evidence about one skill.

    source: 16 bytes, the statement id, or the digest of (event source, event id).
    skill: skill id of the program map. channel: `Channel` value.
    t_ms: event time, ms since the epoch, already clamped to the log time plus the skew.
    y: outcome in 0..Y_ONE (0 for channels that carry none; with FLAG_STATED the stated confidence).
    w: weight in 0..8·W_ONE (0 for channels that carry no outcome).
    p_item: expected success p̂ of the item in 0..Y_ONE, from the item table in force.
    flags: FLAG_* bits. item: item key or "". rule: id of the map entry that produced it.
    map_version: version of the program map in force at its place in the log.
    window_s: for support evidence, how many seconds after it a job success counts as assisted
    (0..SUPPORT_WINDOW_S_MAX); 0 for every other channel.
    """

    source: bytes
    skill: str
    channel: int
    t_ms: int
    y: int
    w: int
    p_item: int
    flags: int = 0
    item: str = ""
    rule: str = ""
    map_version: int = 0
    window_s: int = 0
