"""Which replies a timing is computed from: those asked now, and only where these are too few, stored ones."""

from __future__ import annotations

import numpy as np

from pytest_cosmos.measure.facts import Facts


def timed(facts: Facts, min_cases: int) -> Facts:
    """Keep the replies asked in this run; with fewer than `min_cases` of known time, add the stored ones.

    Stored replies are of the same library versions by their key, but perhaps of another device: then they say nothing
    of this one, and where no reply tells which this one is, and the stored ones disagree, there is no data.
    """
    fresh = facts.replied.take(~facts.replied.stored)
    known = int((~np.isnan(fresh.waited) | ~np.isnan(fresh.seconds)).sum())
    if known >= min_cases or len(fresh) == len(facts.replied):
        return fresh
    devices = {outcome.reply.device for outcome in (fresh if len(fresh) else facts.replied).outcomes}
    if len(devices) > 1:
        return fresh
    same = [outcome.reply.device in devices for outcome in facts.replied.outcomes]
    return facts.replied.take(np.array(same, dtype=bool))


def asked_on(facts: Facts) -> str:
    """Say when the stored ones of these replies were asked: `2026-11-21`, or from when to when; else empty."""
    stored = facts.take(facts.stored).outcomes
    days = sorted({outcome.reply.timestamp[:10] for outcome in stored if outcome.reply.timestamp})
    return " to ".join(days[:1] + days[-1:]) if len(days) > 1 else "".join(days)
