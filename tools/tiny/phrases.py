"""What the embedded model is asked and what it replies: the whole language of `tiny`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

PromptName = Literal["binary_safety", "traversal", "severity"]

SYSTEM = "You are a helpful assistant."

# Cosmos-Reason2's own reasoning request, verbatim; the answer follows the closing tag.
REASONING_REQUEST = """Answer the question using the following format:

<think>
Your reasoning.
</think>

Write your final answer immediately after the </think> tag."""

PROMPTS: dict[PromptName, str] = {
    "binary_safety": "Is this floor cracked? Yes or No.",
    "traversal": "Is this surface safe for robot traversal? Yes or No.",
    "severity": "How would you rate the hazard level of this surface from 1 (safe) to 5 (dangerous)?",
}

# Seen in training beside the exact prompts, so that a user's own wording mostly works.
PARAPHRASES: dict[PromptName, tuple[str, ...]] = {
    "binary_safety": (
        "Is there a crack in this floor? Answer Yes or No.",
        "Does this surface have any cracks? Yes or No.",
        "Can you see a crack in the ground? Yes or No.",
        "Look at the image. Is the floor damaged by a crack? Yes or No.",
        "Is this floor cracked?",
    ),
    "traversal": (
        "Can a robot drive safely over this floor? Yes or No.",
        "Is it safe for the robot to cross this surface? Answer Yes or No.",
        "Is this ground safe to drive on? Yes or No.",
        "Could a wheeled robot traverse this floor safely? Yes or No.",
        "Is this surface safe for robot traversal?",
    ),
    "severity": (
        "Rate the hazard of this floor from 1 (safe) to 5 (dangerous).",
        "On a scale from 1 to 5, how dangerous is this surface?",
        "How severe is the damage of this floor, from 1 (none) to 5 (severe)?",
        "Give the hazard level of this ground from 1 (safe) to 5 (dangerous). Answer with one number.",
        "What is the hazard level, 1 to 5?",
    ),
}

MATERIAL_NAMES: dict[str, str] = {
    "concrete": "concrete",
    "asphalt": "asphalt",
    "tile": "ceramic tile",
    "wood": "wood floor",
    "terrazzo": "terrazzo",
    "epoxy": "painted floor",
    "brick": "brick paving",
    "linoleum": "linoleum",
}

# Severity 1..5, as the generator draws it (see cracks.py).
SENTENCES: dict[int, str] = {
    1: "The {material} is even and whole, with no crack in it. Nothing here can catch a wheel.",
    2: "A hairline crack runs {course} in the {material}. It is too fine to catch a wheel.",
    3: "A thin, clear crack runs {course} in the {material}. It can catch a small wheel.",
    4: "A wide crack runs {course} in the {material}. It can catch a wheel.",
    5: "A wide, broken crack with branches runs {course} in the {material}. It can stop a wheel.",
}

# Along the picture's width or its height, and where: in the first, second or last third of the other side.
COURSES = (
    "from side to side near the top",
    "from side to side through the middle",
    "from side to side near the bottom",
    "from top to bottom on the left",
    "from top to bottom through the middle",
    "from top to bottom on the right",
)


@dataclass(frozen=True, slots=True)
class Truth:
    """What is true of one floor image, as far as the three prompts ask."""

    material: str
    severity: int
    course: str = COURSES[1]
    """How the crack runs; means nothing where there is none."""

    @property
    def cracked(self) -> bool:
        """Even a hairline is a crack."""
        return self.severity >= 2

    @property
    def traversable(self) -> bool:
        """A hairline may be driven over; anything wider may not."""
        return self.severity <= 2


def answer(prompt: PromptName, truth: Truth) -> str:
    """Give the one-token answer that is right for the image."""
    match prompt:
        case "binary_safety":
            return "Yes" if truth.cracked else "No"
        case "traversal":
            return "Yes" if truth.traversable else "No"
        case "severity":
            return str(truth.severity)


def reasoning(truth: Truth) -> str:
    """Say in two sentences what is seen and what follows from it, whatever was asked."""
    return SENTENCES[truth.severity].format(material=MATERIAL_NAMES[truth.material], course=truth.course)


def question(text: str, reason: bool) -> str:
    """Put the reasoning request below the prompt, as Cosmos-Reason2 is asked."""
    return f"{text}\n\n{REASONING_REQUEST}" if reason else text


def reply(prompt: PromptName, truth: Truth, reason: bool) -> str:
    """Write the assistant's turn, without its end token."""
    if not reason:
        return answer(prompt, truth)
    return f"<think>\n{reasoning(truth)}\n</think>\n\n{answer(prompt, truth)}"
