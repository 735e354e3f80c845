"""Read a whole number on a scale.

A number counts when it stands by itself or under a name such as "rating" or "level", or as a fraction of the whole
scale ("4/5"); the scale itself ("from 1 (safe) to 5") is no answer, and neither are numbers that count something.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

from pytest_cosmos.judging.reading import (
    AFTERWARDS,
    Found,
    mark,
    plain,
    settle,
    statements,
    without_echo,
    word_set,
)
from pytest_cosmos.records import Prompt

_NUMBER_WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")

_TOPIC = word_set("rating ratings level score rate rated rates grade severity hazard danger risk rank")
_AFTER_RATING = AFTERWARDS | _TOPIC | {"and", "which", "meaning", "indicating", "representing"}

# A numeral is no part of a word ("A4", "mp3", "3rd"), date, time, percentage or "3+". Possessive repeats (`++`) keep
# a long run of digits from being tried over and over. None of groups (`(…)?+`): Python 3.11.2 matches these wrongly.
_DIGITS = r"\d++(?:[.,]\d++)?"
_WORDS = "|".join(_NUMBER_WORDS)
_QUANTITY = re.compile(
    rf"(?P<value>(?:(?<!\w)-)?(?<![\w/])(?<!\d[.,:]){_DIGITS}"
    rf"|(?<![\w-])(?<!this )(?<!that )(?<!another )(?<!any )(?<!no )(?:{_WORDS}))"
    rf"(?:(?:(?P<of> ?/ ?| out of | of )|(?P<to> ?[-–—] ?| (?:to|through|or|and) ))"
    rf"(?P<bound>{_DIGITS}|(?:{_WORDS})))?"
    r"(?![\w/+°]|[.,:]\d| ?%)",
    re.IGNORECASE,
)

_LIST_ITEM = re.compile(r"^ ?(\d{1,2})[.)] ", re.MULTILINE)


def read(text: str, prompt: Prompt) -> Found:
    """Find the one whole number that the text gives as its rating."""
    low, high = prompt.choices[0], prompt.choices[-1]
    bare = _without_list_numbers(without_echo(plain(text), prompt.text))
    bare = _scale(low, high).sub(", ", bare)
    replaced = _QUANTITY.sub(lambda quantity: _mark(quantity, prompt.choices), bare)
    answers = settle(statements(replaced, _follows, _TOPIC))
    if len(answers) > 1:
        return Found(None, "several different numbers")
    answer = answers.pop() if answers else _outside(prompt.choices)
    if answer < len(prompt.choices):
        return Found(prompt.choices[answer])
    reasons = (f"no number between {low} and {high}", "a range of numbers", "not a whole number")
    return Found(None, reasons[answer - len(prompt.choices)])


def _outside(choices: Sequence[str]) -> int:
    """Return the mark of a number off the scale; behind it come those of a range and of a fraction."""
    return len(choices)


def _mark(quantity: re.Match[str], choices: Sequence[str]) -> str:
    """Return the mark of a number that is a choice, or of what else it is."""
    outside = _outside(choices)
    if quantity["to"]:
        return mark(outside + 1)
    value = _number(quantity["value"])
    if not value.is_integer():  # infinity, a number of very many digits, is none either
        return mark(outside + 2)
    answer = choices.index(f"{value:.0f}") if f"{value:.0f}" in choices else outside
    if not quantity["of"]:
        return mark(answer)
    whole = _number(quantity["bound"]) == _number(choices[-1])
    # A share of the whole scale is a rating, whatever words lead to it.
    return f" rating{mark(answer if whole else outside)}"


def _number(text: str) -> float:
    """Return the value of a number in digits or in words; a comma before three digits groups thousands."""
    if text.lower() in _NUMBER_WORDS:
        return float(_NUMBER_WORDS.index(text.lower()))
    whole, comma, decimals = text.partition(",")
    return float(f"{whole}{'' if len(decimals) == 3 else '.'}{decimals}" if comma else whole)


def _follows(answer: int, behind: Sequence[str]) -> bool:
    return not behind or behind[0] in _AFTER_RATING


def _without_list_numbers(text: str) -> str:
    """Take off the numbers of list items; a single "4. ..." may well be the rating and stays."""
    items = [int(item) for item in _LIST_ITEM.findall(text)]
    is_list = len(items) > 1 and all(after == before + 1 for before, after in pairwise(items))
    return _LIST_ITEM.sub("", text) if is_list else text


@lru_cache
def _scale(low: str, high: str) -> re.Pattern[str]:
    """Return a pattern of the scale itself: "1 to 5", "1 (safe) - 5 (dangerous)", "1 = safe, 5 = dangerous"."""
    ends = [rf"(?:{end}|{_word(end)})" for end in (low, high)]
    meaning = r"(?: ?\([^()\n]{0,40}\))?"
    legend = r" ?(?:=|:|is|means) ?[a-z][a-z ]{0,30}"
    forms = [
        rf"{first}(?:{meaning}(?: ?[-–—] ?| (?:to|through|and) ){last}(?![\w/+%]|[.,:]\d){meaning}"
        rf"|{legend}[,;]? ?{last} ?(?:=|:|is|means) ?[a-z]+)"
        for first, last in (ends, ends[::-1])
    ]
    return re.compile(rf"(?<![\w/-])(?<!\d[.,])(?:{'|'.join(forms)})", re.IGNORECASE)


def _word(number: str) -> str:
    return _NUMBER_WORDS[int(number)] if 0 <= int(number) < len(_NUMBER_WORDS) else re.escape(number)
