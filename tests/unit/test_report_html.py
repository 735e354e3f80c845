from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from bs4 import BeautifulSoup

from pytest_cosmos.report import write_html
from pytest_cosmos.report.html import TEMPLATES
from tests.unit.report_builders import MadeUp, made_up


@pytest.fixture(scope="module")
def made() -> MadeUp:
    return made_up(60)


@pytest.fixture(scope="module")
def page(made: MadeUp, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(made, tmp_path_factory.mktemp("report") / "index.html")


@pytest.fixture(scope="module")
def soup(page: Path) -> Any:
    return BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")


def written(made: MadeUp, path: Path) -> Path:
    return write_html(path, made.run, made.summary, made.checks, made.outcomes, made.thumbnails)


def test_first_screen_says_verdict_reasons_data_and_release(soup: Any) -> None:
    verdict = soup.select_one("section.verdict")
    assert verdict.h1.get_text() == "✗Failed"
    text = verdict.get_text(" ", strip=True)
    assert "This model would not be released." in text
    assert "recall is below its bar of 0.995" in text
    assert "60 images × 3 prompts = 180 cases" in text
    assert "Simulated only" in text
    assert "21 November 2026" in text


def test_every_section_is_there_and_named(soup: Any) -> None:
    titles = [title.get_text(strip=True) for title in soup.select("main h2")]
    assert titles == [
        "Look at these first",
        "Checks",
        "Figures",
        "What was answered",
        "Can its confidence be trusted?",
        "Least sure",
        "Where the time went",
        "All cases",
    ]
    for link in soup.select("nav a"):
        assert soup.select_one(link["href"]) is not None


def test_ids_are_unique(soup: Any) -> None:
    ids = [element["id"] for element in soup.select("[id]")]
    assert len(ids) == len(set(ids))


def test_checks_stand_apart_by_whether_they_block(soup: Any) -> None:
    blocking, shown = soup.select("#checks table")
    assert len(blocking.select("tbody tr")) == 5
    assert [" ".join(cell.get_text().split()) for cell in shown.select("tbody td:first-child")] == [
        "! not met: would not be released",
        "✓ met",
    ]
    assert "thresholds.yaml:7" in blocking.get_text()


def test_figures_carry_interval_and_count(soup: Any, made: MadeUp) -> None:
    accuracy = next(m for m in made.summary.metrics if m.name == "accuracy" and not m.slice)
    assert accuracy.value is not None
    first = soup.select_one(".figures > div").get_text(" ", strip=True)
    assert f"{100 * accuracy.value:.1f}" in first
    assert "95 %:" in first
    assert f"of {accuracy.cases} cases" in first


def test_each_prompt_has_a_confusion_matrix_with_all_its_cases(soup: Any, made: MadeUp) -> None:
    figures = soup.select("#answers figure")
    assert [figure.b.get_text() for figure in figures] == [c.prompt for c in made.summary.confusions]
    for figure, table in zip(figures, made.summary.confusions, strict=True):
        counts = [int(str(cell.find(string=True))) for cell in figure.select("tbody td")]
        assert counts == [count for row in table.counts for count in row]
        assert sum(counts) == 60


def test_every_case_is_in_the_page_once(soup: Any, made: MadeUp) -> None:
    data = json.loads(soup.select_one("#case-data").string)
    keys = [row[data["columns"].index("key")] for row in data["rows"]]
    assert keys == [o.case.key for o in made.outcomes]


def test_pictures_are_held_once_and_a_missing_one_is_a_placeholder(soup: Any, made: MadeUp) -> None:
    pictures = json.loads(soup.select_one("#picture-data").string)
    assert pictures.keys() == made.thumbnails.keys()
    assert all(uri.startswith("data:image/jpeg;base64,") for uri in pictures.values())


def test_page_without_any_picture_or_check_still_renders(made: MadeUp, tmp_path: Path) -> None:
    bare = write_html(tmp_path / "bare.html", made.run, made.summary, (), made.outcomes, {})
    soup: Any = BeautifulSoup(bare.read_text(encoding="utf-8"), "html.parser")
    assert "held against no threshold" in soup.select_one("#checks").get_text()
    assert soup.select(".cards .noimage")
    assert not soup.select("main img")


def test_model_text_makes_no_markup(soup: Any, page: Path) -> None:
    assert [script.get("type") for script in soup.find_all("script")] == ["application/json", "application/json", None]
    assert not soup.find_all(src="x")
    assert not soup.find_all(attrs={"onerror": True})
    raw = page.read_text(encoding="utf-8")
    assert "<script>alert" not in raw
    assert raw.count("</script") == 3
    assert "\x1b" not in raw
    assert "\u202e" not in raw


def test_hostile_names_are_escaped_everywhere(made: MadeUp, tmp_path: Path) -> None:
    evil = "<svg onload=alert(1)>\x1b[2J"
    run = made.run.model_copy(
        update={
            "command": evil,
            "model": made.run.model.model_copy(update={"name": evil, "device": evil}),
            "failed_tests": (evil,),
            "versions": {evil: evil},
        }
    )
    path = write_html(tmp_path / "evil.html", run, made.summary, made.checks, made.outcomes, {})
    text = path.read_text(encoding="utf-8")
    assert not BeautifulSoup(text, "html.parser").find_all(attrs={"onload": True})
    assert "\x1b" not in text


def test_policy_lets_in_only_the_pages_own_style_and_script(soup: Any) -> None:
    policy = soup.select_one('meta[http-equiv="Content-Security-Policy"]')["content"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    for element in (soup.style, soup.find_all("script")[-1]):
        digest = hashlib.sha256(element.string.encode()).digest()
        assert f"'sha256-{base64.b64encode(digest).decode()}'" in policy
    assert not soup.select("[style]")


def test_page_refers_to_nothing_outside_itself(soup: Any) -> None:
    for element in soup.select("[src], [href]"):
        target = element.get("src") or element.get("href")
        assert target.startswith(("data:image/jpeg;base64,", "#"))
    assert "url(" not in soup.style.string
    assert "@import" not in soup.style.string


def test_script_parses_no_markup() -> None:
    script = (TEMPLATES / "report.js").read_text(encoding="utf-8")
    for danger in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "</script"):
        assert danger not in script


def test_there_is_a_note_for_readers_without_javascript(soup: Any) -> None:
    assert "outcomes.jsonl" in soup.noscript.get_text()


def test_footer_says_how_to_get_the_run_again(soup: Any, made: MadeUp) -> None:
    footer = soup.footer.get_text(" ")
    for fact in (made.run.id, made.run.command, made.run.git_commit, "torch 2.14.1", made.run.thresholds_digest[:12]):
        assert fact in footer


def test_page_appears_whole_and_leaves_nothing_else(made: MadeUp, tmp_path: Path) -> None:
    path = written(made, tmp_path / "new" / "index.html")
    assert list(path.parent.iterdir()) == [path]
    assert path.read_text(encoding="utf-8").rstrip().endswith("</html>")


def test_failed_write_leaves_the_old_page(made: MadeUp, tmp_path: Path) -> None:
    (tmp_path / "index.html").mkdir()
    with pytest.raises(OSError, match=r"index\.html"):
        written(made, tmp_path / "index.html")
    assert [p.name for p in tmp_path.iterdir()] == ["index.html"]


def test_same_records_make_the_same_page(made: MadeUp, page: Path, tmp_path: Path) -> None:
    assert written(made, tmp_path / "again.html").read_bytes() == page.read_bytes()
