"""Markdown and HTML show every text as it is."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from hypothesis import example, given
from hypothesis import strategies as st

from pytest_mlexp.reporting.document import Document, Section
from pytest_mlexp.reporting.html import to_page
from pytest_mlexp.reporting.markdown import to_markdown

# Marked, so that none of them is one of the page's own words.
TEXTS = st.text(st.characters(exclude_categories=["C"])).map(lambda text: f"<{' '.join(text.split())}>")
EVIL = "<b>*bold*</b> | a_b _c_ __init__ `d` [e](f) ~g~ # h &lt; \\"


def written(text: str) -> Document:
    return Document(text, {"fact": text}, [Section(text, [{"column": text, text: "1"}], [text], [text])])


class Texts(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []

    def handle_data(self, data: str) -> None:
        self.found.append(data.strip())


@given(TEXTS)
@example(EVIL)
@example("</title></style><script>alert(1)</script>")
def test_html_shows_texts_as_they_are(text: str) -> None:
    page = Texts()
    page.feed(to_page(written(text)))
    assert page.found.count(text) == 8  # title twice, fact, heading, column, cell, line, text


@given(TEXTS)
@example(EVIL)
def test_no_text_breaks_a_table_in_markdown(text: str) -> None:
    lines = to_markdown(written(text)).splitlines()
    table = [line for line in lines if line.startswith("|")]
    assert len(table) == 3
    assert {len(re.findall(r"(?<!\\)(?:\\\\)*\|", line)) for line in table} == {3}


def test_markup_in_names_is_text() -> None:
    told = to_markdown(Document("t", {}, [Section("s", lines=[EVIL, "roc_auc"])]))
    assert told.endswith(
        "- \\<b>\\*bold\\*\\</b> \\| a_b \\_c\\_ \\_\\_init\\_\\_ \\`d\\` \\[e\\](f) \\~g\\~ # h \\&lt; \\\\\n"
        "- roc_auc\n"
    )


def test_names_of_files_that_are_no_text_can_be_written() -> None:
    document = Document("t", {}, [Section("s", [{"a": "bad \udcff"}], ["bad \udcff"])])
    for told in (to_page(document), to_markdown(document)):
        assert told.encode().count(b"udcff") == 2


def test_a_line_feed_ends_no_row() -> None:
    told = to_markdown(Document("t", {"fact": "one\ntwo"}, [Section("s", [{"a": "1\n2"}])]))
    assert "- fact: one two\n" in told
    assert "| 1 2" in told
