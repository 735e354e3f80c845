"""How sure a proportion is: the one seam through which every interval comes."""

from __future__ import annotations


def interval(successes: int, n: int) -> tuple[float, float] | None:
    """Return the 95 % Wilson score interval of `successes` out of `n`; None where `n` is 0.

    Takes the cases as independent of each other (Wilson 1927, by statsmodels).
    """
    if n == 0:
        return None
    from statsmodels.stats.proportion import proportion_confint  # slow: brings pandas and scipy.stats

    low, high = proportion_confint(successes, n, alpha=0.05, method="wilson")
    point = successes / n  # rounding must not leave the point itself outside at 0 and 1
    return min(float(low), point), max(float(high), point)
