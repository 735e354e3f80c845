from __future__ import annotations

import pytest

from pytest_cosmos.judging import yes_no
from tests.unit.builders import BINARY

BOTH, NEITHER, UNCLEAR = "both Yes and No", "neither Yes nor No", "no clear Yes or No"
ONLY_QUESTION = "nothing but the question"
QUESTION = BINARY.text

STATED = [
    ("bare", "Yes", "Yes"),
    ("bare-no", "No", "No"),
    ("lower-case-full-stop", "yes.", "Yes"),
    ("shouted", "YES!!!", "Yes"),
    ("bold", "**Yes**", "Yes"),
    ("bold-full-stop", "**No**.", "No"),
    ("bold-italic", "***No***", "No"),
    ("underscores", "__Yes__", "Yes"),
    ("heading", "# No", "No"),
    ("quoted", '"Yes"', "Yes"),
    ("curly-quotes", "“Yes”", "Yes"),
    ("single-quotes", "'No'", "No"),
    ("code", "`No`", "No"),
    ("code-block", "```\nYes\n```", "Yes"),
    ("parentheses", "(Yes)", "Yes"),
    ("brackets", "[No]", "No"),
    ("block-quote", "> Yes", "Yes"),
    ("bullet", "- No", "No"),
    ("html", "<b>Yes</b>", "Yes"),
    ("answer-tag", "<answer>\nNo\n</answer>", "No"),
    ("struck-out", "~~No~~ Yes", "Yes"),
    ("white-space", " \n\t Yes \n ", "Yes"),
    ("no-break-spaces", "\u00a0\u2003No\u3000", "No"),
    ("zero-width", "\u200bY\u200des\ufeff", "Yes"),
    ("right-to-left-marks", "\u202b\u200fYes\u202c", "Yes"),
    ("full-width", "Ｙｅｓ。", "Yes"),
    ("emoji-before", "✅ Yes", "Yes"),
    ("emoji-after", "No❌", "No"),
    ("reason-after-comma", "Yes, the floor is cracked", "Yes"),
    ("no-after-comma", "No, it is not cracked", "No"),
    ("reason-after-full-stop", "Yes. There is a long crack across the tile.", "Yes"),
    ("reason-after-dash", "No — the lines are tile joints.", "No"),
    ("reason-after-hyphen", "Yes - a hairline crack", "Yes"),
    ("reason-after-colon", "No: only a shadow", "No"),
    ("reason-in-parentheses", "No (not cracked)", "No"),
    ("reason-next-line", "Yes\n\nThe crack runs from left to right.", "Yes"),
    ("yes-without-comma", "Yes the floor has a crack", "Yes"),
    ("yes-because", "Yes because there is a crack", "Yes"),
    ("no-it", "No it is not cracked", "No"),
    ("no-the", "No the floor is even", "No"),
    ("no-this", "No this floor looks fine", "No"),
    ("no-i", "No I don't see a crack", "No"),
    ("no-there", "No there are only joints", "No"),
    ("no-because", "No because it is a shadow", "No"),
    ("later-no-as-determiner", "Yes, there is no doubt about it", "Yes"),
    ("denies-the-other", "Yes (not No)", "Yes"),
    ("not-the-other", "No, not yes.", "No"),
    ("repeated", "Yes yes yes", "Yes"),
    ("said-twice", "No. The floor is even. No.", "No"),
    ("well", "Well, yes.", "Yes"),
    ("definitely", "Definitely yes.", "Yes"),
    ("probably", "Probably no.", "No"),
    ("i-would-say", "I would say yes.", "Yes"),
    ("i-think-contracted", "I'd say no, since it is a joint", "No"),
    ("so-last", "There is a dark line along the joint, so no.", "No"),
    ("marker-colon", "Answer: No", "No"),
    ("marker-is", "The answer is yes.", "Yes"),
    ("marker-is-clearly", "The answer is clearly yes because of the gap", "Yes"),
    ("marker-final-bold", "Final answer: **No**", "No"),
    ("marker-correct", "The correct answer is: **Yes**", "Yes"),
    ("marker-heading", "### Final Answer\n\nNo", "No"),
    ("marker-equals", "answer = yes", "Yes"),
    ("marker-dash", "Answer - No", "No"),
    ("marker-in-prose", "Given the long dark gap my answer is yes", "Yes"),
    ("marker-verdict", "Verdict: no.", "No"),
    ("marker-mine", "I looked closely. My final answer would be no.", "No"),
    ("in-conclusion", "In conclusion, yes.", "Yes"),
    ("marker-beats-opening", "Yes, it looks like one at first. But it is a joint. Answer: No", "No"),
    ("last-marker-wins", "Answer: Yes. On a second look it is a stain. Final answer: No.", "No"),
    ("boxed", r"\boxed{Yes}", "Yes"),
    ("boxed-text", r"$\boxed{\text{No}}$", "No"),
    ("boxed-in-prose", r"The gap is wide, hence \boxed{Yes}.", "Yes"),
    ("json", '{"answer": "yes"}', "Yes"),
    ("json-own-key", '{"cracked": "no"}', "No"),
    ("json-fence", '```json\n{\n  "answer": "No"\n}\n```', "No"),
    ("json-more-keys", '{"reasoning": "no crack, only a joint", "answer": "No", "confidence": 0.93}', "No"),
    ("json-boolean", '{"answer": true}', "Yes"),
    ("table-row", "| Answer | No |", "No"),
    ("question-and-answer-labels", f"Q: {QUESTION} A: Yes", "Yes"),
    ("echo-then-answer", f"{QUESTION} Yes", "Yes"),
    ("echo-then-no", f"{QUESTION}\nNo", "No"),
    ("echo-in-bold", f"**{QUESTION}**\n\n**No**", "No"),
    ("echo-reworded", "Is the floor cracked (Yes/No)? No", "No"),
    ("echo-of-the-choice", "Yes or No: Yes", "Yes"),
    ("echo-twice", f"{QUESTION} {QUESTION} Yes", "Yes"),
    ("assistant-label", "Assistant: Yes", "Yes"),
    ("numbered-list", "1. No\n2. The lines are joints.", "No"),
    ("spanish-no", "No, el suelo no está agrietado.", "No"),
    ("single-letter", "Y", "Yes"),
    ("single-small-letter", "n.", "No"),
    ("single-letter-marked", "Answer: N", "No"),
    ("true-alone", "True", "Yes"),
    ("false-alone", "**False**", "No"),
    ("false-marked", "The answer is false.", "No"),
    ("yeah", "Yeah!", "Yes"),
    ("nope", "nope", "No"),
]

UNPARSED = [
    ("only-question", QUESTION, ONLY_QUESTION),
    ("only-question-bold", f"**{QUESTION}**", ONLY_QUESTION),
    ("yes-or-no", "Yes or No", BOTH),
    ("yes-slash-no", "Yes/No", BOTH),
    ("yes-bar-no", "Yes | No", BOTH),
    ("yes-and-no", "Yes and no", BOTH),
    ("yes-full-stop-no", "Yes. No.", BOTH),
    ("yes-comma-no", "Yes, no", BOTH),
    ("run-of-both", "Yes yes yes yes yes no", BOTH),
    ("list-of-both", "- Yes\n- No", BOTH),
    ("taken-back", "Yes... actually no.", BOTH),
    ("wait", "Yes. Wait, no.", BOTH),
    ("otherwise", "Yes if it is dark, otherwise no.", BOTH),
    ("invented-next-turn", "Yes\nUser: Is it safe? Yes or No.\nAssistant: No", BOTH),
    ("no-cracks", "No cracks are visible.", UNCLEAR),
    ("no-visible", "No visible damage", UNCLEAR),
    ("no-doubt", "No doubt it is cracked", UNCLEAR),
    ("no-way-of-knowing", "There is no way to tell", UNCLEAR),
    ("number-three", "No. 3 tile has a crack", NEITHER),
    ("prose-not-cracked", "The floor is not cracked.", NEITHER),
    ("prose-cracked", "The floor is cracked.", NEITHER),
    ("answer-is-not-yes", "The answer is not yes.", UNCLEAR),
    ("not-yes", "Not yes", UNCLEAR),
    ("cannot-answer", "I cannot answer yes.", UNCLEAR),
    ("if-the-answer", "I don't know if the answer is yes", UNCLEAR),
    ("conditional", "Yes if the robot is light", UNCLEAR),
    ("question-back", "Yes?", UNCLEAR),
    ("quoted-sign", 'The sign says "No"', UNCLEAR),
    ("yes-or-no-question", "It is a yes or no question", BOTH),
    ("instruction-restated", "Answer Yes if cracked and No otherwise", BOTH),
    ("not-sure", "not sure", NEITHER),
    ("cannot-tell", "I cannot tell.", NEITHER),
    ("maybe", "maybe", NEITHER),
    ("maybe-yes", "Maybe yes", UNCLEAR),
    ("none", "None", NEITHER),
    ("nothing", "Nothing", NEITHER),
    ("know", "Know", NEITHER),
    ("yesterday", "yesterday", NEITHER),
    ("noticeable", "noticeable", NEITHER),
    ("non-cracked", "non-cracked", NEITHER),
    ("no-one", "No-one walks here", NEITHER),
    ("unicode-hyphen-word", "no‑one", NEITHER),
    ("joined", "YesNo", NEITHER),
    ("french", "Oui", NEITHER),
    ("german", "Nein, der Boden ist ganz.", NEITHER),
    ("chinese", "是", NEITHER),
    ("arabic", "نعم", NEITHER),
    ("number", "1", NEITHER),
    ("two-letters", "Y/N", NEITHER),
    ("letter-in-prose", "Along the y axis", NEITHER),
    ("true-in-prose", "It is true that floors age.", NEITHER),
    ("punctuation", "?!...", NEITHER),
    ("emoji-only", "👍", NEITHER),
    ("markup-only", "****", ONLY_QUESTION),
    ("refusal", "I'm sorry, I can't help with that.", NEITHER),
]


@pytest.mark.parametrize(("text", "expected"), [pytest.param(t, e, id=i) for i, t, e in STATED])
def test_an_answer_that_is_stated_is_found(text: str, expected: str) -> None:
    assert yes_no.read(text, BINARY).answer == expected


@pytest.mark.parametrize(("text", "reason"), [pytest.param(t, r, id=i) for i, t, r in UNPARSED])
def test_what_is_no_clear_answer_is_not_guessed(text: str, reason: str) -> None:
    found = yes_no.read(text, BINARY)

    assert found.answer is None
    assert found.reason == reason


def test_the_answer_is_spelled_as_the_prompt_spells_it() -> None:
    prompt = BINARY.model_copy(update={"choices": ("no", "yes")})

    assert yes_no.read("YES", prompt).answer == "yes"


def test_an_answer_that_is_none_of_the_choices_is_unparsed() -> None:
    prompt = BINARY.model_copy(update={"choices": ("Ja", "Nein")})

    assert yes_no.read("Yes", prompt).reason == "'yes' is none of the prompt's choices"


def test_a_repeated_instruction_does_not_count() -> None:
    prompt = BINARY.model_copy(update={"text": "Answer Yes. If it is even, answer No."})

    assert yes_no.read(prompt.text, prompt).answer is None
    assert yes_no.read(f"{prompt.text}\nNo", prompt).answer == "No"
