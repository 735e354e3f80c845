from __future__ import annotations

import pytest

from pytest_cosmos.judging import rating
from tests.unit.builders import SEVERITY

NONE, RANGE, FRACTION = "no number between 1 and 5", "a range of numbers", "not a whole number"
SEVERAL = "several different numbers"
QUESTION = SEVERITY.text

STATED = [
    ("bare", "4", "4"),
    ("full-stop", "4.", "4"),
    ("bold", "**3**", "3"),
    ("white-space", "\n 2 \n", "2"),
    ("parentheses", "(5)", "5"),
    ("code", "`1`", "1"),
    ("boxed", r"\boxed{4}", "4"),
    ("decimal-zero", "3.0", "3"),
    ("leading-zero", "03", "3"),
    ("full-width", "４", "4"),
    ("arabic-indic", "٤", "4"),
    ("right-to-left-mark", "\u200f4\u200f", "4"),
    ("slash", "4/5", "4"),
    ("slash-spaced", "4 / 5", "4"),
    ("slash-bold", "**4**/5", "4"),
    ("out-of", "4 out of 5", "4"),
    ("of", "3 of 5", "3"),
    ("out-of-in-words", "Four out of five", "4"),
    ("word", "five", "5"),
    ("word-capital", "One.", "1"),
    ("rating-colon", "Rating: 4", "4"),
    ("rating-bold", "**Rating:** 4", "4"),
    ("rating-next-line", "Rating\n\n4", "4"),
    ("level-word", "level: four", "4"),
    ("level-hyphen", "level-4", "4"),
    ("hazard-level-of", "hazard level of 4", "4"),
    ("hazard-level-is", "The hazard level is 2.", "2"),
    ("hazard-level-of-this-surface", "The hazard level of this surface is 5", "5"),
    ("i-rate-a", "I'd rate this a 3 out of 5", "3"),
    ("i-rate-as", "I would rate the hazard level of this surface as 4.", "4"),
    ("i-say", "I would say 2", "2"),
    ("about", "About 3.", "3"),
    ("gloss", "3 (moderate)", "3"),
    ("gloss-dash", "3 - moderate", "3"),
    ("gloss-comma", "4, dangerous", "4"),
    ("because", "4 because the crack is wide", "4"),
    ("prose-with-level", "The gap is wide, which means a hazard level of 4.", "4"),
    ("counts-something-else", "Level 2 hazard, 3 cracks visible", "2"),
    ("count-first", "3 cracks are visible. Rating: 4", "4"),
    ("width-first", "The crack is 12 mm wide. Severity 5.", "5"),
    ("share-of-the-floor", "2/5 of the floor is cracked. Rating: 3", "3"),
    ("sheet", "A4 sheet beside it. 2", "2"),
    ("scale-then-answer", "from 1 (safe) to 5 (dangerous): 2", "2"),
    ("on-a-scale", "On a scale of 1 to 5, I would rate this a 3.", "3"),
    ("on-a-scale-no-comma", "On a scale from 1 to 5 this is a 4", "4"),
    ("scale-in-parentheses", "Rating (1-5): 2", "2"),
    ("scale-colon-word", "On a scale of 1 to 5: four", "4"),
    ("legend", "1 = safe, 5 = dangerous. 2", "2"),
    ("echo-then-answer", f"{QUESTION} 4", "4"),
    ("echo-then-rating", f"{QUESTION}\n\nRating: 1", "1"),
    ("marker", "The answer is 3.", "3"),
    ("last-answer", "Rating: 2. The gap is deep. Final answer: 4", "4"),
    ("last-of-two-answers", "Answer: 2. No: Answer: 3", "3"),
    ("json", '{"answer": 4}', "4"),
    ("json-own-key", '{"hazard_level": 4, "cracks": 2}', "4"),
    ("json-string", '```json\n{"rating": "2"}\n```', "2"),
    ("list", "1. A crack runs across the tile.\n2. It is narrow.\n3. Rating: 2", "2"),
    ("rating-with-reason-like-a-list", "4. The crack is wide.", "4"),
    ("corrected", "It isn't a 4, it is a 3", "3"),
    ("said-twice", "4\n\nRating: 4", "4"),
    ("repeated", "4 4 4", "4"),
    ("keycap", "4️⃣", "4"),
]

UNPARSED = [
    ("only-question", QUESTION, NONE),
    ("only-scale", "1-5", NONE),
    ("only-scale-words", "from 1 (safe) to 5 (dangerous)", NONE),
    ("only-legend", "1 = safe, 5 = dangerous", NONE),
    ("between", "between 2 and 3", RANGE),
    ("hyphen-range", "2-3", RANGE),
    ("dash-range", "2–3", RANGE),
    ("to-range", "2 to 3", RANGE),
    ("or", "2 or 3", RANGE),
    ("rating-range", "Rating: 3-4", RANGE),
    ("zero", "0", NONE),
    ("seven", "7", NONE),
    ("forty-five", "45", NONE),
    ("twelve", "12", NONE),
    ("minus", "-3", NONE),
    ("minus-sign", "−3", NONE),
    ("ten-of-ten", "10/10", NONE),
    ("four-of-ten", "4/10", NONE),
    ("four-out-of-ten", "4 out of 10", NONE),
    ("two-thirds", "2/3", NONE),
    ("half", "3.5", FRACTION),
    ("half-comma", "3,5", FRACTION),
    ("half-rating", "Rating: 2.5/5", FRACTION),
    ("thousands", "1,000", NONE),
    ("huge", "9" * 5000, FRACTION),
    ("date", "4/5/2024", NONE),
    ("time", "3:45", NONE),
    ("version", "1.2.3", NONE),
    ("percent", "4%", NONE),
    ("plus", "3+", NONE),
    ("at-least", "at least 3", NONE),
    ("more-than", "more than 2", NONE),
    ("greater-sign", "Rating > 3", NONE),
    ("not-four", "The rating is not 4", NONE),
    ("sheet", "A4 sheet", NONE),
    ("mp3", "mp3", NONE),
    ("ordinal", "3rd", NONE),
    ("roman", "IV", NONE),
    ("count", "3 cracks are visible", NONE),
    ("count-after-there-are", "There are 2 cracks in the floor", NONE),
    ("this-one", "this one", NONE),
    ("one-of", "It is one of the worst floors", NONE),
    ("hyphenated-word", "twenty-four", NONE),
    ("enumerated", "1, 2, 3, 4, 5", SEVERAL),
    ("two-bare", "3\n4", SEVERAL),
    ("two-ratings", "Rating: 3. Level: 4.", SEVERAL),
    ("question-back", "4?", NONE),
    ("prose", "The surface is moderately dangerous.", NONE),
    ("stars", "★★★★☆", NONE),
    ("punctuation", "...", NONE),
    ("yes", "Yes", NONE),
]


@pytest.mark.parametrize(("text", "expected"), [pytest.param(t, e, id=i) for i, t, e in STATED])
def test_a_rating_that_is_stated_is_found(text: str, expected: str) -> None:
    assert rating.read(text, SEVERITY).answer == expected


@pytest.mark.parametrize(("text", "reason"), [pytest.param(t, r, id=i) for i, t, r in UNPARSED])
def test_what_is_no_clear_rating_is_not_guessed(text: str, reason: str) -> None:
    found = rating.read(text, SEVERITY)

    assert found.answer is None
    assert found.reason == reason


@pytest.mark.parametrize(("text", "expected"), [("10/10", "10"), ("0", "0"), ("0-10", None), ("7 out of 10", "7")])
def test_the_scale_is_that_of_the_prompt(text: str, expected: str | None) -> None:
    prompt = SEVERITY.model_copy(update={"choices": tuple(map(str, range(11)))})

    assert rating.read(text, prompt).answer == expected
