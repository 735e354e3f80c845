"""Tables with other splits: every other byte stays."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_cosmos.suites.rewriting import with_splits

CELLS = st.text(alphabet='ab ,;"\n\té', max_size=6)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"file,label\na.png,x\nb.png,y", b"file,label,split\na.png,x,train\nb.png,y,test"),
        (b"file,Split ,label\r\na.png,,x\r\nb.png,test,y\r\n",
         b"file,Split ,label\r\na.png,train,x\r\nb.png,test,y\r\n"),
        (b"\xef\xbb\xbffile\tsplit\n\na.png\ttest\n,\nb.png\t\n".replace(b",", b"\t"),
         b"\xef\xbb\xbffile\tsplit\n\na.png\ttrain\n,\nb.png\ttest\n".replace(b",", b"\t")),
        (b'"file","split","note"\n"a.png","test","one, ""two""\nthree"\nb.png, test ,\n',
         b'"file","split","note"\n"a.png",train,"one, ""two""\nthree"\nb.png,test,\n'),
    ],
)  # fmt: skip
def test_only_the_splits_change(before: bytes, after: bytes) -> None:
    assert with_splits(before, ["train", "test"]) == after


@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=6), st.sampled_from(",\t"), st.booleans())
def test_other_cells_read_the_same(rows: list[tuple[str, str]], delimiter: str, quoted: bool) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, quoting=csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL)
    writer.writerows([["file", "split", "note"], *([f"f{name}", "test", note] for name, note in rows)])
    changed = with_splits(text.getvalue().encode(), ["train"] * len(rows)).decode()
    read = list(csv.reader(io.StringIO(changed, newline=""), delimiter=delimiter))
    assert read[0] == ["file", "split", "note"]
    assert read[1:] == [[f"f{name}", "train", note] for name, note in rows]
