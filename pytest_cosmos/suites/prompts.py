"""Read the prompts of suite.yaml, and tell which answer is expected of a sample."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pytest_cosmos.errors import suggest
from pytest_cosmos.records import AnswerKind, Prompt, Sample
from pytest_cosmos.suites.defaults import KEYS as DEFAULT_KEYS
from pytest_cosmos.suites.defaults import Defaults, PromptFiles, read_defaults
from pytest_cosmos.suites.filling import columns_in
from pytest_cosmos.userfiles import Kind, Node, YamlReader, quoted

_FORM = '{text: "Is this floor cracked? Yes or No.", kind: yes_no, expected: {cracked: "Yes"}}'
_KEYS = ("text", "kind", "expected", "hazard", "tolerance", "scale", "choices", *DEFAULT_KEYS)
_KIND_OF_KEY = {"tolerance": AnswerKind.RATING, "scale": AnswerKind.RATING, "choices": AnswerKind.CHOICE}

# No `-`: the last one in a case's id, `floor-0042-severity`, then ends the sample's id.
_NAME = re.compile(r"[A-Za-z0-9_]+")
_WHOLE_NUMBER = re.compile(r"(-?[0-9]{1,9})(?:\.0+)?")
_COMPARISON = re.compile(r"(>=|<=|>|<)\s*(-?[0-9]{1,9})")

_DEFAULT_SCALE = (1, 5)
_LONGEST_SCALE = 101


@dataclass(frozen=True, slots=True)
class PromptEntry:
    """A prompt as it was read, and where."""

    prompt: Prompt
    expected: Node
    """Where its expected answers are stated, for messages."""


def canonical_answer(prompt: Prompt, text: str) -> str | None:
    """Return the choice of `prompt` that `text` means, whatever its case (`3.0` is `3`); None: none."""
    if prompt.kind is AnswerKind.RATING and (number := _WHOLE_NUMBER.fullmatch(text)):
        text = str(int(number[1]))
    folded = text.casefold()
    return next((choice for choice in prompt.choices if choice.casefold() == folded), None)


def stated_answer(prompt: Prompt, sample: Sample) -> str:
    """Return what the suite's files give as expected answer; empty: the sample is not asked this prompt."""
    if isinstance(prompt.expected, str):
        named = {"label": sample.label, "category": sample.category}
        return {**sample.fields, **named}.get(prompt.expected, "")
    return prompt.expected.get(sample.label, "")


def allowed_answers(prompt: Prompt) -> str:
    """Write the choices for a message."""
    if prompt.kind is AnswerKind.RATING:
        return f"whole numbers from {prompt.choices[0]} to {prompt.choices[-1]}"
    return ", ".join(prompt.choices)


def read_prompts(
    node: Node, reader: YamlReader, columns: Sequence[str], defaults: Defaults, files: PromptFiles
) -> tuple[PromptEntry, ...]:
    """Read the mapping from names to prompts; a broken prompt is left out (and complained of)."""
    bodies = reader.mapping(node, "prompts", f"{{is_cracked: {_FORM}}}")
    entries = (_PromptReader(name, body, reader, columns).read(defaults, files) for name, body in bodies.items())
    return tuple(entry for entry in entries if entry is not None)


def check_labels(entry: PromptEntry, labels: Sequence[str], reader: YamlReader, *, declared: bool) -> None:
    """Complain where the labels of the suite and those that the prompt knows differ."""
    prompt, what = entry.prompt, f"prompt {quoted(entry.prompt.name)}: expected"
    if prompt.expected == "label":
        for label in labels:
            if canonical_answer(prompt, label) is None:
                advice = f"Map the labels to answers: expected: {{{label}: {quoted(prompt.choices[0])}, …}}"
                reader.complain(entry.expected, f"{what}: the label {quoted(label)} is no answer to it. {advice}")
    elif isinstance(prompt.expected, dict):
        for label in labels:
            if label not in prompt.expected:
                advice = f'Add {label}: with an answer, or with "" where it is not to be asked'
                reader.complain(entry.expected, f"{what}: nothing for the label {quoted(label)}. {advice}")
        for label in prompt.expected if declared else ():
            if label not in labels:
                hint = suggest(label, tuple(labels))
                reader.complain(
                    entry.expected,
                    f"{what}: unknown label {quoted(label)}. Labels: {', '.join(labels)}.{hint}",
                )


class _PromptReader:
    """Reads one prompt."""

    def __init__(self, name: str, body: Node, reader: YamlReader, columns: Sequence[str]) -> None:
        self.name, self.body, self.reader, self.columns = name, body, reader, columns
        self.what = f"prompt {quoted(name)}"
        self.keys: Mapping[str, Node] = reader.mapping(body, self.what, _FORM)

    def read(self, defaults: Defaults, files: PromptFiles) -> PromptEntry | None:
        """Return the prompt, or None where it cannot be made out; all its mistakes are complained of."""
        if not _NAME.fullmatch(self.name):
            self.reader.complain(self.body, f"{self.what}: a prompt's name is of letters, digits and _")
        self.reader.known(self.keys, _KEYS, self.what)
        own = read_defaults(self.keys, self.reader, files, self.what, defaults)
        text = self._text(own)
        kind = self._kind()
        choices = self._choices(kind) if kind else ()
        if kind is None or not choices:
            return None
        asked = {"reasoning": own.reasoning, "system": own.system, "vision": own.vision}
        prompt = Prompt(name=self.name, text=text, kind=kind, choices=choices, **asked)
        expected = self._expected(prompt)
        update = {"hazard": self._hazard(prompt), "tolerance": self._tolerance(prompt), "expected": expected}
        return PromptEntry(prompt.model_copy(update=update), self.keys.get("expected", self.body))

    def _text(self, own: Defaults) -> str:
        """Return the question: its own, or else that of a prompt file, as the publishers' `--question` has it."""
        if "text" in self.keys:
            return self.reader.text(self.keys["text"], f"{self.what}: text", key="text", one_line=False) or ""
        if own.text is None and "prompt_file" in self.keys:
            advice = "Write text: here, or user_prompt: there"
            self.reader.complain(self.body, f"{self.what}: text is missing, and its prompt_file has none. {advice}")
        elif own.text is None:
            self.reader.complain(self.body, f'{self.what}: text is missing: text: "Is this floor cracked?"')
        return own.text or ""

    def _kind(self) -> AnswerKind | None:
        allowed = f"Kinds: {', '.join(AnswerKind)}."
        if "kind" not in self.keys:
            self.reader.complain(self.body, f"{self.what}: kind is missing. {allowed}")
            return None
        word = self.reader.text(self.keys["kind"], f"{self.what}: kind", key="kind")
        if word is None:
            return None
        if word not in tuple(AnswerKind):
            hint = suggest(word, tuple(AnswerKind))
            self.reader.complain(self.keys["kind"], f"{self.what}: unknown kind {quoted(word)}. {allowed}{hint}")
            return None
        self._check_keys_of(AnswerKind(word))
        return AnswerKind(word)

    def _check_keys_of(self, kind: AnswerKind) -> None:
        for key, owner in _KIND_OF_KEY.items():
            if key in self.keys and kind is not owner:
                self.reader.complain(
                    self.keys[key],
                    f"{self.what}: {key} belongs to kind {owner}, this is {kind}. Remove it",
                )

    def _choices(self, kind: AnswerKind) -> tuple[str, ...]:
        match kind:
            case AnswerKind.YES_NO:
                return ("Yes", "No")
            case AnswerKind.CHOICE:
                return self._listed_choices()
            case AnswerKind.RATING:
                low, high = self._scale()
                return tuple(str(step) for step in range(low, high + 1))

    def _listed_choices(self) -> tuple[str, ...]:
        if "choices" not in self.keys:
            self.reader.complain(self.body, f"{self.what}: choices are missing: choices: [dry, wet, icy]")
            return ()
        choices = self.reader.texts(self.keys["choices"], f"{self.what}: choices")
        if len(choices) == 1 and len(self.keys["choices"].items) == 1:
            self.reader.complain(self.keys["choices"], f"{self.what}: one choice is no choice. Give two or more")
        return choices

    def _scale(self) -> tuple[int, int]:
        node = self.keys.get("scale")
        if node is None:
            return _DEFAULT_SCALE
        ends = [self.reader.integer(item, f"{self.what}: scale") for item in node.items]
        match ends:
            case [int(low), int(high)] if low < high < low + _LONGEST_SCALE:
                return low, high
        if None not in ends:
            most = _LONGEST_SCALE - 1
            self.reader.complain(
                node, f"{self.what}: scale must be [lowest, highest], at most {most} apart, e.g. [1, 5]"
            )
        return _DEFAULT_SCALE

    def _tolerance(self, prompt: Prompt) -> int:
        node = self.keys.get("tolerance")
        if node is None or prompt.kind is not AnswerKind.RATING:
            return 0
        steps = self.reader.integer(node, f"{self.what}: tolerance")
        if steps is None:
            return 0
        if not 0 <= steps < len(prompt.choices) - 1:
            most = len(prompt.choices) - 2
            self.reader.complain(
                node, f"{self.what}: tolerance is {steps}: with this scale it must be from 0 to {most}"
            )
            return 0
        return steps

    def _expected(self, prompt: Prompt) -> str | dict[str, str]:
        node = self.keys.get("expected")
        if node is None:
            return "label"
        if node.kind is Kind.MAPPING:
            return self._mapped(prompt, node)
        column = self.reader.text(node, f"{self.what}: expected", key="expected")
        allowed = ("label", "category", *self.columns)
        if column is not None and column not in allowed:
            listing = f"Columns: {', '.join(allowed)}.{suggest(column, allowed)}"
            advice = "Declare it under 'columns:', or map the labels to answers"
            self.reader.complain(
                node, f"{self.what}: expected: there is no column {quoted(column)}. {listing} {advice}"
            )
            return {}
        if column in columns_in(prompt.text, self.columns):
            told = f"{self.what}: its text holds {{{column}}}, the column of its expected answers, and so tells them"
            self.reader.complain(node, f"{told}. Write another column into the text, or none")
        return column or {}

    def _mapped(self, prompt: Prompt, node: Node) -> dict[str, str]:
        answers = {}
        what = f"{self.what}: expected"
        for label, value in self.reader.mapping(node, what, '{cracked: "Yes", whole: "No"}').items():
            answers[label] = self._answer(prompt, value, f"{what} for {quoted(label)}", label)
        return answers

    def _answer(self, prompt: Prompt, node: Node, what: str, key: str) -> str:
        if node.kind is Kind.NOTHING or (node.kind is Kind.TEXT and not node.raw.strip()):
            return ""
        number = prompt.kind is AnswerKind.RATING and node.kind is Kind.NUMBER
        text = node.raw if number else self.reader.text(node, what, key=key)
        answer = None if text is None else canonical_answer(prompt, text)
        if text is not None and answer is None:
            self.reader.complain(node, f"{what} is {quoted(text)}. Allowed: {allowed_answers(prompt)}")
        return answer or ""

    def _hazard(self, prompt: Prompt) -> str:
        node = self.keys.get("hazard")
        if node is None:
            return ""
        what = f"{self.what}: hazard"
        comparison = _COMPARISON.fullmatch(node.raw.strip()) if node.kind is Kind.TEXT else None
        if comparison is None or prompt.kind is not AnswerKind.RATING:
            answer = self._answer(prompt, node, what, "hazard")
            if not answer and node.kind in (Kind.TEXT, Kind.NOTHING) and not node.raw.strip():
                self.reader.complain(node, f"{what} is empty. Name an answer, or remove the key")
            return answer
        stated = prompt.model_copy(update={"hazard": f"{comparison[1]} {int(comparison[2])}"})
        if len({stated.is_hazard(choice) for choice in prompt.choices}) < 2:
            advice = f"Ratings: {allowed_answers(prompt)}"
            self.reader.complain(node, f"{what} {quoted(node.raw)} is true of every rating or of none. {advice}")
        return stated.hazard
