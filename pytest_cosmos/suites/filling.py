"""Fill a sample's own columns into a prompt's text: `text: "{question}"` asks each sample its own question."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from pytest_cosmos.records import Prompt, Sample

_BRACES = re.compile(r"\{([^{}\n]+)\}")


def columns_in(text: str, declared: Sequence[str]) -> tuple[str, ...]:
    """Return the declared columns that a text holds in braces; every other brace is just text."""
    known = _by_folded_name(declared)
    names = (known.get(_folded(match[1])) for match in _BRACES.finditer(text))
    return tuple(dict.fromkeys(name for name in names if name is not None))


def filled(prompt: Prompt, sample: Sample) -> Prompt | None:
    """Return a prompt as a sample is asked it; None where one of the columns that it holds is blank."""
    held = columns_in(prompt.text, tuple(sample.fields)) if "{" in prompt.text else ()  # suites may have a million
    if not held:
        return prompt
    if not all(sample.fields[column] for column in held):
        return None
    known = _by_folded_name(held)

    def value(match: re.Match[str]) -> str:
        column = known.get(_folded(match[1]))
        return match[0] if column is None else sample.fields[column]

    # in one pass: what a column holds is never taken for another column's name
    return prompt.model_copy(update={"text": _BRACES.sub(value, prompt.text), "template": prompt.text})


def _by_folded_name(columns: Iterable[str]) -> dict[str, str]:
    return {_folded(column): column for column in columns}


def _folded(name: str) -> str:
    """Fold a name as a table's header is folded: whatever its case and the white space around it."""
    return name.strip().casefold()
