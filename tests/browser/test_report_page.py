"""The page as a browser shows it: search, filters, links, narrow screens, and hostile text that stays text."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_cosmos.report import write_html
from tests.unit.report_builders import MadeUp, made_up

sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright: pip install -e '.[test]'")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs chromium on the PATH, e.g. apt-get install chromium")


@pytest.fixture(scope="module")
def made() -> MadeUp:
    return made_up(120)


@pytest.fixture(scope="module")
def address(made: MadeUp, tmp_path_factory: pytest.TempPathFactory) -> str:
    path: Path = tmp_path_factory.mktemp("report") / "index.html"
    return write_html(path, made.run, made.summary, made.checks, made.outcomes, made.thumbnails).as_uri()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as play:
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        opened = play.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Any, address: str) -> Iterator[Any]:
    """Open the page; whatever the test does, it may cause no error, no dialog and no request."""
    tab = browser.new_page(viewport={"width": 1280, "height": 800})
    tab.set_default_timeout(5000)
    troubles: list[str] = []
    tab.on("console", lambda message: troubles.append(message.text))
    tab.on("pageerror", lambda error: troubles.append(str(error)))

    def close(dialog: Any) -> None:
        troubles.append(dialog.message)
        dialog.dismiss()

    tab.on("dialog", close)
    tab.on("request", lambda request: troubles.append(request.url) if outside(request.url, address) else None)
    tab.goto(address)
    yield tab
    tab.close()
    assert troubles == []


def outside(url: str, address: str) -> bool:
    return not url.startswith("data:") and url.partition("#")[0] != address


def count(page: Any) -> str:
    return str(page.locator("#count").inner_text())


def expect_count(page: Any, text: str) -> None:
    """Wait for the count: the search answers a moment after the last key."""
    sync_api.expect(page.locator("#count")).to_contain_text(text)


def test_search_finds_a_case(page: Any) -> None:
    assert count(page) == "360 cases"
    page.get_by_label("Search").fill("FLOOR-0042 severity")
    expect_count(page, "1 of 360 cases")
    assert page.locator("#case-rows button").inner_text() == "floor-0042-severity"


def test_filters_by_verdict_and_prompt_and_clears(page: Any, made: MadeUp) -> None:
    page.get_by_label("Verdict").select_option("unparsed")
    unparsed = sum(o.judgement.verdict == "unparsed" for o in made.outcomes)
    assert count(page) == f"{unparsed} of 360 cases"
    page.get_by_label("Prompt").select_option("severity")
    assert count(page) == f"{unparsed // 3} of 360 cases"
    page.get_by_role("button", name="Clear").click()
    assert count(page) == "360 cases"


def test_sorting_puts_the_least_confident_first(page: Any) -> None:
    page.get_by_label("Sort").select_option("unsure")
    shown = [float(cell) for cell in page.locator("#case-rows .c-confidence").all_inner_texts()]
    assert len(shown) == 50
    assert shown == sorted(shown)


def test_pages_turn(page: Any) -> None:
    page.get_by_role("button", name="Next").click()
    assert page.locator("#page").inner_text() == "Page 2 of 8"
    assert page.locator("#case-rows tr").count() == 50


def test_row_opens_by_keyboard_with_reasoning_and_raw_text(page: Any, made: MadeUp) -> None:
    button = page.get_by_role("button", name="floor-0012-severity")
    button.focus()
    page.keyboard.press("Enter")
    asked = next(o for o in made.outcomes if o.case.id == "floor-0012-severity")
    detail = page.locator("tr.detail")
    assert asked.reply.reasoning in detail.inner_text()
    assert f"<think>{asked.reply.reasoning}</think>" in detail.inner_text()
    assert page.get_by_role("button", name="floor-0012-severity").get_attribute("aria-expanded") == "true"
    page.keyboard.press("Enter")
    assert detail.count() == 0


def test_link_opens_its_case_on_whatever_page_it_is(page: Any) -> None:
    page.get_by_label("Verdict").select_option("correct")
    page.evaluate("location.hash = '#case=floor_cracks%2Ffloor-0113-binary_safety'")
    page.locator("tr.detail").wait_for()
    assert page.evaluate("document.activeElement.textContent") == "floor-0113-binary_safety"


def test_card_leads_to_its_case(page: Any) -> None:
    card = page.locator(".cards a").first
    name = card.locator(".id").inner_text()
    card.click()
    page.locator("tr.detail").wait_for()
    assert page.locator("tr.open button").inner_text() == name


def test_link_to_no_case_says_so(page: Any) -> None:
    page.evaluate("location.hash = '#case=%E0%A4%A'")
    expect_count(page, "The case in this link is not in this report.")


def test_hostile_text_stays_text(page: Any) -> None:
    page.get_by_label("Search").fill("<script>alert(1)</script>")
    expect_count(page, " of 360 cases")
    page.locator("#case-rows button").first.click()
    assert "<script>alert(1)</script>" in page.locator("tr.detail").inner_text()
    assert page.locator("#case-rows script").count() == 0
    assert page.title() == "tiny: Failed"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_phone_needs_no_sideways_scrolling(page: Any, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": 390, "height": 844})
    page.get_by_role("button", name="floor-0005-severity").click()
    assert page.evaluate("document.documentElement.scrollWidth") == 390


CONTRAST = """
() => {
  const paint = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const over = (colours) => {
    paint.clearRect(0, 0, 1, 1);
    for (const colour of colours) { paint.fillStyle = colour; paint.fillRect(0, 0, 1, 1); }
    return [...paint.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const light = (rgb) => rgb.map((v) => v / 255).map((v) => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const faint = [];
  for (const element of document.querySelectorAll('body *')) {
    if (![...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim())) continue;
    if (!element.checkVisibility() || element.closest('script, noscript, :disabled, option')) continue;
    const behind = [];
    for (let at = element; at; at = at.parentElement) behind.unshift(getComputedStyle(at).backgroundColor);
    const ground = light(over(behind)), ink = light(over([...behind, getComputedStyle(element).color]));
    const ratio = (Math.max(ground, ink) + 0.05) / (Math.min(ground, ink) + 0.05);
    if (ratio < 4.5) faint.push(`${element.tagName}.${element.className} ${ratio.toFixed(2)}`);
  }
  return [...new Set(faint)];
}
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_has_contrast_aa(page: Any, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)
    page.get_by_role("button", name="floor-0005-severity").click()
    assert page.evaluate(CONTRAST) == []
