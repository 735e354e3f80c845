from __future__ import annotations

import pytest

from pytest_cosmos.judging.reading import clauses, plain, without_echo


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("**Yes**", "Yes"),
        ("Ｙｅｓ", "Yes"),
        ("Y\u200be\u2060s\ufeff", "Yes"),
        ("\u202eYes\u202c", "Yes"),
        ("a \t b\u00a0c", "a b c"),
        ("a \r\n \n b", "a\nb"),
        (r"\boxed{\text{Yes}}", "answer: { {Yes}}"),
        ("~~No~~ Yes", "Yes"),
        ("> quoted\n> twice", "quoted\ntwice"),
        ("<b>Yes</b>", "Yes"),
        ("5 > 3", "5 > 3"),
        ("‘it’s’", "'it's'"),
        ("\U000f0000\U0010ffff", ""),
    ],
)
def test_plain_text_keeps_words_and_drops_decoration(text: str, expected: str) -> None:
    assert plain(text) == expected


def test_an_echo_is_found_through_decoration_and_white_space() -> None:
    echoed = plain("**Is this\u00a0floor cracked?**\nYes")

    assert without_echo(echoed, "Is this floor cracked?").split() == ["Yes"]


def test_questions_are_no_clauses() -> None:
    assert list(clauses("Is it cracked, or not? It is. (Really)")) == [["it", "is"], ["really"]]
