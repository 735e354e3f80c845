"""Are the weights here, or could they be had?"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pytest_cosmos.doctor.finding import Finding, failed, passed, warned
from pytest_cosmos.engines.models import Access, Located, download_command
from pytest_cosmos.report import text

_FREE = 1.05
"""Of the download: room to spare."""


@dataclass(frozen=True, slots=True)
class WeightFacts:
    """What is on this machine of a model."""

    located: Located
    folder: Path | None = None
    """Where it is, whole or not; None: nothing is here."""
    missing: tuple[str, ...] = ()
    """Weight files that are not there."""
    torn: tuple[str, ...] = ()
    """Weight files that are shorter than they say."""
    size: int = 0
    """Bytes of the weights that are there."""
    model_type: str = ""
    """As its config says, or as is known beforehand; empty: not known."""

    @property
    def here(self) -> bool:
        """Whether all weights are here."""
        return self.folder is not None and self.size > 0 and not self.missing and not self.torn

    @property
    def expected(self) -> int | None:
        """Bytes of the weights, whether here or not; None: not known."""
        known = self.located.known.download_gb
        return self.size if self.here else int(known * 1e9) if known else None


def check_weights(facts: WeightFacts) -> Finding:
    """Say whether the weights are here and whole."""
    located = facts.located
    what = f"{located.path_or_id}@{located.revision}" if located.revision else located.path_or_id
    if facts.here:
        return passed("weights", f"{what if located.hub else located.name}: here and whole, {text.size(facts.size)}")
    get = _how_to_get(facts)
    if facts.torn:
        found = f"{what}: cut off in {_listed(facts.torn)}"
        return failed("weights", found, f"{get} --force-download" if located.hub else get)
    if facts.missing or facts.folder is not None:
        found = f"{what}: incomplete, lacks {_listed(facts.missing) or 'all weights'}"
        return failed("weights", found, get)
    return failed("weights", f"{what}: not on this machine", get)


def _how_to_get(facts: WeightFacts) -> str:
    if not facts.located.hub:
        return "Copy the checkpoint again."
    terms = "Accept its terms on its Hugging Face page, then:\n" if facts.located.known.gated else ""
    login = "hf auth login && " if facts.located.known.gated is not False else ""
    return f"{terms}{login}{download_command(facts.located)}"


def check_disk(facts: WeightFacts, free: int) -> Finding:
    """Hold the disk of the Hugging Face cache against what is to be downloaded."""
    found = f"{text.size(free)} free"
    if facts.here or not facts.located.hub:
        return passed("disk", f"{found}, nothing to download")
    if facts.expected is None:
        return warned("disk", f"{found}; how much there is to download is not known", "See its Hugging Face page.")
    found = f"{found} where the download of {text.size(facts.expected)} would go"
    if free < facts.expected * _FREE:
        return failed("disk", found, "Make room, or set HF_HOME to a folder on a larger disk.")
    return passed("disk", found)


def check_login(facts: WeightFacts, *, token: bool) -> Finding:
    """Say whether a login is needed and there."""
    name, found = "login", "a Hugging Face token is here" if token else "no Hugging Face token"
    if facts.here or not facts.located.hub:
        return passed(name, found if token else f"{found}, none needed")
    if token:
        return passed(name, found)
    if facts.located.known.gated is False:
        return passed(name, f"{found}, none needed")
    login = "Make a token on Hugging Face (Settings, Access Tokens), then:\nhf auth login"
    if facts.located.known.gated:
        return failed(name, f"{found}, but {facts.located.path_or_id} is gated", login)
    return warned(
        name,
        f"{found}: enough if {facts.located.path_or_id} is neither gated nor private",
        f"If it is: {login[0].lower()}{login[1:]}",
    )


def check_access(facts: WeightFacts, access: tuple[Access, str]) -> Finding:
    """Say whether the hub would serve the weights."""
    if facts.here or not facts.located.hub:
        return passed("access", "not needed: the weights are here")
    word, why = access
    if word == "granted":
        return passed("access", f"the hub serves {facts.located.path_or_id} to you")
    if word == "unknown":
        return warned("access", f"not checked: {why}", "Run this again with network, before the download.")
    advice = "Check the name and the revision, log in (hf auth login), and accept its terms on its Hugging Face page."
    return failed("access", f"refused: {why}", advice)


def _listed(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - 2} more" if len(names) > 2 else ""
    return f"{', '.join(names[:2])}{more}"
