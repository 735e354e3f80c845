"""Latency thresholds held against what was timed: Thresholds, Latency and the baseline's Latency -> Checks.

Every bar of the file is either held, or no data, or left out with a remark; none is passed over in silence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from statistics import median

from pytest_cosmos.errors import suggest
from pytest_cosmos.measure.latency import MIN_ROUNDS, Ratio, ratio_of_medians, usable
from pytest_cosmos.records import Check, CheckStatus, Latency, Metric, Run, Series, Threshold

NO_BASELINE = "there is no baseline. Name one: --baseline RUN or NAME; or say --baseline none"


@dataclass(frozen=True, slots=True)
class Timed:
    """What a run has timed, and what it is compared with."""

    run: Run
    latency: Latency | None
    """None: nothing was timed."""
    baseline: Latency | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The benchmarks that were timed."""
        return tuple(series.name for series in self.latency.series if not series.error) if self.latency else ()


@dataclass(frozen=True, slots=True)
class Held:
    """What became of the latency thresholds."""

    checks: tuple[Check, ...] = ()
    remarks: tuple[str, ...] = ()
    """On the bars that were left out."""


def check_latency(bars: Sequence[Threshold], timed: Timed) -> Held:
    """Hold the latency thresholds of a run that was asked for latency; else say that they are not held.

    Bars scoped to other devices are left out with a remark, unless that would leave none: then there is no data.
    """
    if not bars:
        return Held()
    if timed.run.latency is None:
        return Held(remarks=(f"latency: {_count(bars)} not held: it was not asked for (--suite latency).",))
    if timed.run.baseline == "none":
        return Held(remarks=(f"latency: {_count(bars)} left out: --baseline none.",))
    device = timed.latency.device if timed.latency is not None else None
    here = [bar for bar in bars if device is None or not bar.device or fnmatchcase(device, bar.device)]
    elsewhere = [bar for bar in bars if bar not in here]
    if elsewhere and not here:
        return Held(tuple(_no_data(bar, f"it is for '{bar.device}', this is '{device}'") for bar in elsewhere))
    remarks = (f"latency {bar.metric}: left out, it is for '{bar.device}', this is '{device}'." for bar in elsewhere)
    return Held(tuple(_check(bar, timed) for bar in here), tuple(remarks))


def _check(bar: Threshold, timed: Timed) -> Check:
    if (problem := _problem(bar.metric, timed)) is not None:
        return _no_data(bar, problem)
    assert timed.latency is not None
    assert timed.baseline is not None
    ours, theirs = timed.latency.named(bar.metric), timed.baseline.named(bar.metric)
    assert ours is not None
    assert theirs is not None
    ratio = ratio_of_medians(ours.seconds, theirs.seconds, bar.confidence)
    if ratio is None or bar.max_ratio is None:
        return _no_data(bar, "its times are no times")
    metric, status = _metric(bar, ratio, min(len(ours.seconds), len(theirs.seconds))), _status(ratio, bar.max_ratio)
    message = f"{_message(bar, ratio, status, ours, theirs)}{_unlike(ours, theirs, timed)}"
    return Check(threshold=bar, metric=metric, status=status, blocking=True, message=message)


def _status(ratio: Ratio, most: float) -> CheckStatus:
    if ratio.high <= most:
        return CheckStatus.MET
    return CheckStatus.NOT_MET if ratio.low > most else CheckStatus.NO_EVIDENCE


def _problem(name: str, timed: Timed) -> str | None:
    """Say why there is nothing to compare; None where there is."""
    if timed.latency is None:
        return "nothing was timed"
    if timed.latency.run != timed.run.id:
        return f"latency.json is of another run, {timed.latency.run}"
    if (problem := _unusable(name, timed.latency, "this run")) is not None:
        return problem
    if timed.baseline is None:
        named = timed.run.baseline
        return f"the baseline '{named}' was not asked for latency, so it has no times" if named else NO_BASELINE
    if timed.baseline.run == timed.run.id:
        return "the baseline is this run itself"
    if timed.baseline.device != timed.latency.device:
        return f"the baseline was timed on '{timed.baseline.device}', this run on '{timed.latency.device}'"
    if (problem := _unusable(name, timed.baseline, "the baseline")) is not None:
        return problem
    ours, theirs = timed.latency.named(name), timed.baseline.named(name)
    if ours is not None and theirs is not None and ours.workload != theirs.workload:
        return "the baseline was timed at something else (other media or another prompt): save it anew"
    return None


def _unusable(name: str, latency: Latency, who: str) -> str | None:
    found = [series for series in latency.series if series.name == name]
    if not found:
        names = [series.name for series in latency.series]
        return f"{who} has not timed '{name}', but {', '.join(names) or 'nothing'}.{suggest(name, names)}"
    if len(found) > 1:
        return f"{who} has timed '{name}' {len(found)} times"
    if found[0].error:
        return f"{who} could not time it: {found[0].error}"
    begun, told = len(found[0].started), len(found[0].seconds)
    if begun not in (0, told):
        return f"{who} began {begun} rounds, but has the times of {told}"
    if not usable(found[0].seconds):
        return f"{who} has {len(found[0].seconds)} usable rounds at most, {MIN_ROUNDS} needed"
    return None


def _metric(bar: Threshold, ratio: Ratio, rounds: int) -> Metric:
    return Metric(
        suite=bar.suite,
        name=bar.metric,
        value=ratio.value,
        low=ratio.low,
        high=ratio.high,
        confidence=bar.confidence,
        cases=rounds,
    )


def _no_data(bar: Threshold, why: str) -> Check:
    return Check(
        threshold=bar,
        metric=Metric(suite=bar.suite, name=bar.metric, value=None),
        status=CheckStatus.NO_DATA,
        blocking=True,
        message=f"no data: {why}",
    )


def _message(bar: Threshold, ratio: Ratio, status: CheckStatus, ours: Series, theirs: Series) -> str:
    words = {
        CheckStatus.MET: "within",
        CheckStatus.NOT_MET: "above",
        CheckStatus.NO_EVIDENCE: "not for sure within",
    }[status]
    interval = f"{100 * bar.confidence:g} % CI {ratio.low:.3f}-{ratio.high:.3f}"
    medians = f"median {_seconds(ratio.candidate)}, baseline {_seconds(ratio.baseline)}"
    basis = f"{interval}; {medians}; {len(ours.seconds)} and {len(theirs.seconds)} rounds"
    return f"x{ratio.value:.3f} ({basis}) is {words} x{bar.max_ratio:g}"


def _unlike(ours: Series, theirs: Series, timed: Timed) -> str:
    """Tell of what else differs: it may be the reason, or what was meant to be compared."""
    assert timed.latency is not None
    assert timed.baseline is not None
    now, then = timed.latency.model, timed.baseline.model
    told = [f"{word} {before or 'none'} then" for word, after, before in (
        ("dtype", now.dtype, then.dtype),
        ("at most", now.generation.get("max_new_tokens"), then.generation.get("max_new_tokens")),
    ) if after != before]  # fmt: skip
    if ours.tokens and theirs.tokens and (wrote := median(ours.tokens)) != (had := median(theirs.tokens)):
        told.append(f"{wrote:g} tokens written, {had:g} then")
    return f" [{'; '.join(told)}]" if told else ""


def _seconds(value: float) -> str:
    return f"{value:.3g} s" if value >= 1 else f"{1000 * value:.3g} ms"


def _count(bars: Sequence[Threshold]) -> str:
    return f"{len(bars)} bar{'s' * (len(bars) != 1)}"
