"""From markers to parametrized tests: which suites the tests name, their cases, and what is wrong with them."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_cosmos.errors import CosmosError, OptionError, Problems, suggest
from pytest_cosmos.plugin.configure import make_settings
from pytest_cosmos.records import Case, SuiteRecord
from pytest_cosmos.runlog import chosen_cases, open_run
from pytest_cosmos.suites import (
    LATENCY,
    PromptFile,
    Suite,
    find_suites,
    limit_samples,
    read_prompt_file,
    read_suite,
    shard_samples,
    with_prompt_file,
)
from pytest_cosmos.userfiles import Complaints

if TYPE_CHECKING:
    from pytest_cosmos.settings import Settings

MARKER = "cosmos"


@dataclass
class Collection:
    """What one process has collected of ours."""

    settings: Settings
    suites: dict[str, Suite] = field(default_factory=dict)
    """Those that a test names, read without mistakes."""
    broken: set[str] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)
    named: set[str] = field(default_factory=set)
    """Suites that a test names itself; tests without a name leave these alone."""
    seconds: float = 0.0
    """Spent reading suites."""

    def parametrize(self, metafunc: pytest.Metafunc, marker: pytest.Mark) -> None:
        """Give a marked test one parameter set per case of its suite, or of every suite that has no test."""
        where = f"{metafunc.module.__name__}.py::{metafunc.function.__name__}"
        cases: list[Case] = []
        if "cosmos_case" not in metafunc.fixturenames:
            self.problems.append(f"{where}: is marked cosmos but does not take the fixture cosmos_answer.")
            return
        try:
            suite = suite_argument(marker, where)
            names = (suite,) if suite else self.unnamed_suites()
            if suite:
                self.named.add(suite)
            for name in names:
                cases += self.cases_of(name)
        except Problems as error:
            self.problems += error.lines
        except CosmosError as error:
            self.problems.append(f"{where}: {error}")
        ids = [case.id if suite_named(marker) else f"{case.suite}-{case.id}" for case in cases]
        metafunc.parametrize("cosmos_case", cases, ids=ids, indirect=True)

    @cached_property
    def chosen(self) -> frozenset[str]:
        """The cases of an earlier run that are asked again."""
        which, run = self.settings.only or ("", "")
        return chosen_cases(open_run(Path(run)), which)

    def unnamed_suites(self) -> tuple[str, ...]:
        """Name the suites of the cases folder that no test names so far."""
        return tuple(name for name in self._available() if name not in self.named)

    def cases_of(self, name: str) -> tuple[Case, ...]:
        """Return the test cases of a suite, drawn by `--limit` and then divided by `--shard`; none if it is broken."""
        if self.settings.suites and name not in self.settings.suites:
            return ()
        suite = self._read(name)
        if suite is None:
            return ()
        cases = suite.cases(self.settings.split)
        if self.settings.only is not None:
            cases = tuple(case for case in cases if case.key in self.chosen)
        if self.settings.limit is not None:
            cases = limit_samples(cases, self.settings.limit, self.settings.seed)
        return cases if self.settings.shard is None else shard_samples(cases, self.settings.shard)

    def check_asked_suites(self) -> None:
        """Add a problem for every `--suite` that does not exist."""
        available = self._available()
        for name in self.settings.suites:
            if name != LATENCY and name not in available and name not in self.suites and name not in self.broken:
                self.problems.append(
                    f"--suite {name}: there is no such suite in {self.settings.cases}. "
                    f"Suites: {', '.join(available) or 'none'}.{suggest(name, available)}"
                )

    def folders(self) -> dict[str, Path]:
        """Map every suite read to its folder."""
        return {name: suite.folder for name, suite in self.suites.items()}

    def suite_records(self, selected: Mapping[str, int]) -> tuple[SuiteRecord, ...]:
        """Describe the suites read, with how many cases of each this run means to ask."""
        split = self.settings.split
        return tuple(
            SuiteRecord(
                name=name,
                path=relative(suite.folder, self.settings.root),
                digest=suite.digest,
                planned=len(suite.cases(split)),
                selected=selected.get(name, 0),
                blank=suite.blank(split),
                sources=tuple(sorted({case.sample.source for case in suite.cases(split)})),
                title=suite.title,
            )
            for name, suite in self.suites.items()
        )

    def slices(self) -> dict[str, dict[str, frozenset[str]] | None]:
        """Map every suite that exists to its slices and their values; None for one that was not read."""
        known: dict[str, dict[str, frozenset[str]] | None] = dict.fromkeys(self._available())
        for name, suite in self.suites.items():
            cases = suite.cases("test")
            keys = ("prompt", "category", "source", "label", "group", "split", *suite.columns)
            known[name] = {
                key: frozenset(value for case in cases if (value := case.slice_value(key)) is not None) for key in keys
            }
        return known

    def must_pass(self) -> dict[str, dict[str, bool]]:
        """Map every suite read to its cases, by key, and whether they must pass."""
        return {
            name: {case.key: case.sample.must_pass for case in suite.cases("test")}
            for name, suite in self.suites.items()
        }

    def _available(self) -> tuple[str, ...]:
        return tuple(find_suites(self.settings.cases)) if self.settings.cases.is_dir() else ()

    def _read(self, name: str) -> Suite | None:
        if name in self.suites or name in self.broken:
            return self.suites.get(name)
        started = time.perf_counter()
        folders = find_suites(self.settings.cases) if self.settings.cases.is_dir() else {}
        if name not in folders:
            self.broken.add(name)
            raise OptionError(
                f"there is no suite '{name}' in {self.settings.cases}. "
                f"Suites: {', '.join(folders) or 'none'}.{suggest(name, list(folders))}"
            )
        try:
            asked = self._prompt_file()
            suite = read_suite(folders[name], split=self.settings.split)
            self.suites[name] = suite if asked is None else with_prompt_file(suite, asked)
        except Problems:
            self.broken.add(name)
            raise
        finally:
            self.seconds += time.perf_counter() - started
        return self.suites[name]

    def _prompt_file(self) -> PromptFile | None:
        """Read what takes the place of the suites' own prompts; its mistakes are told beside those of the suites."""
        if self.settings.prompt_file is None:
            return None
        complaints = Complaints()
        file = read_prompt_file(self.settings.prompt_file, complaints)
        self.problems += complaints.lines()
        return file


def make_collection(config: pytest.Config) -> Collection:
    """Make the collection of this process; UsageError where the options cannot be obeyed."""
    try:
        return Collection(make_settings(config))
    except CosmosError as error:
        raise pytest.UsageError(str(error)) from None


def suite_named(marker: pytest.Mark) -> bool:
    """Tell whether the marker names a suite."""
    return bool(marker.args or marker.kwargs)


def suite_argument(marker: pytest.Mark, where: str) -> str | None:
    """Return the suite a marker names, None for every suite without a test of its own."""
    if not suite_named(marker):
        return None
    unknown = [key for key in marker.kwargs if key != "suite"]
    values = (*marker.args, *marker.kwargs.values())
    if unknown or len(values) != 1 or not isinstance(values[0], str):
        raise OptionError(f'@pytest.mark.cosmos{_call(marker)}: write @pytest.mark.cosmos(suite="NAME").')
    return values[0]


def _call(marker: pytest.Mark) -> str:
    inside = [repr(value) for value in marker.args] + [f"{key}={value!r}" for key, value in marker.kwargs.items()]
    return f"({', '.join(inside)})"


def case_of(item: pytest.Item) -> Case | None:
    """Return the case an item asks, None for an item that is not ours."""
    callspec: Any = getattr(item, "callspec", None)
    value = callspec.params.get("cosmos_case") if callspec is not None else None
    return value if isinstance(value, Case) else None


def is_ours(item: pytest.Item) -> bool:
    """Tell whether an item carries our marker."""
    return item.get_closest_marker(MARKER) is not None


def unfit(items: Iterable[pytest.Item]) -> list[str]:
    """Say which marked items can never be given a case, such as methods of a unittest.TestCase."""
    return [
        f"{item.nodeid}: is marked cosmos but cannot take fixtures. Write a function that takes cosmos_answer."
        for item in items
        if is_ours(item) and getattr(item, "callspec", None) is None
    ]


def keep_items(items: Iterable[pytest.Item], collection: Collection) -> list[pytest.Item]:
    """Leave out our tests without a case, and unnamed tests of a suite that turned out to have a test of its own."""
    kept = []
    for item in items:
        case, marker = case_of(item), item.get_closest_marker(MARKER)
        if marker is None or (case is not None and (suite_named(marker) or case.suite not in collection.named)):
            kept.append(item)
    return kept


def relative(path: Path, root: Path) -> str:
    """Write a path relative to the project where it lies inside."""
    resolved, base = path.resolve(), root.resolve()
    return resolved.relative_to(base).as_posix() if resolved.is_relative_to(base) else str(resolved)
