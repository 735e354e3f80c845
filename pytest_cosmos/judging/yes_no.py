"""Read a Yes or a No.

Free prose without either word is no answer, however clear ("The floor is not cracked"), and neither is a No that only
negates the noun behind it: "No cracks are visible" means No to "Is it cracked?" and Yes to "Is it safe?", so it counts
only where it stands by itself or before words that begin a new sentence ("No the floor is even"). `True`, `y`, `nope`
and their like count only as the whole reply or as "the answer": nowhere else are they surely one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from pytest_cosmos.judging.reading import (
    AFTERWARDS,
    ANSWER,
    Found,
    mark,
    marked,
    plain,
    settle,
    statements,
    without_echo,
)
from pytest_cosmos.records import Prompt

_YES, _NO, _SHORT_YES, _SHORT_NO = range(4)

_SHORT = dict.fromkeys(("y", "true", "yeah", "yep", "yup"), _SHORT_YES) | dict.fromkeys(
    ("n", "false", "nope", "nah"), _SHORT_NO
)
_SAID = {"yes": _YES, "no": _NO} | _SHORT

# "No. 3" and "No 3" are number three.
_SAYS = re.compile(
    rf"(?<!\w)(?<!\w['-])(?:yes|no(?!\.? ?\d)|{'|'.join(_SHORT)})(?!['-]?\w)",
    re.IGNORECASE | re.ASCII,
)

_LEAVES_OPEN = frozenset(("or", "/", "if", "unless", "vs", "versus"))


def read(text: str, prompt: Prompt) -> Found:
    """Find the one answer that the text states."""
    bare = without_echo(plain(text), prompt.text).strip()
    alone = _SHORT.get(bare.strip(" .,;:!()'").lower())
    if alone is not None:
        return _found({alone % 2}, prompt)
    replaced = _SAYS.sub(lambda said: mark(_SAID[said[0].lower()]), bare)
    stated = [one for one in statements(replaced, _follows) if one.answer <= _NO or one.strength == ANSWER]
    if stated:
        return _found({answer % 2 for answer in settle(stated)}, prompt)
    return Found(None, _why(bare, replaced))


def _follows(answer: int, behind: Sequence[str]) -> bool:
    if not behind:
        return True
    if marked(behind[0]) is not None or behind[0] in _LEAVES_OPEN:
        return False
    joined = behind[0] in ("and", "&")
    if joined and any(marked(word) not in (None, answer) for word in behind[1:]):
        return False
    return answer == _YES or joined or behind[0] in AFTERWARDS


def _found(answers: set[int], prompt: Prompt) -> Found:
    if len(answers) > 1:
        return Found(None, "both Yes and No")
    word = ("yes", "no")[answers.pop()]
    spelled = next((choice for choice in prompt.choices if choice.casefold() == word), None)
    return Found(spelled, "" if spelled else f"{word!r} is none of the prompt's choices")


def _why(bare: str, replaced: str) -> str:
    if not bare:
        return "nothing but the question"
    mentioned = [mark(answer) in replaced for answer in (_YES, _NO)]
    if all(mentioned):
        return "both Yes and No"
    return "no clear Yes or No" if any(mentioned) else "neither Yes nor No"
