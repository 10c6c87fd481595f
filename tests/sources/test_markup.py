"""Markup becomes Markdown without losing text."""

import html_to_markdown as converter
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sources.markup import clean, html_to_markdown, unescape


@pytest.mark.parametrize(
    ("html", "markdown"),
    [
        ('<pre class="lang-py"><code>x = "&lt;a_1&gt;"\n</code></pre>', '```py\nx = "<a_1>"\n```'),
        ('<pre><code class="lang-py">x = 1\n\ny = 2\n</code></pre>', "```py\nx = 1\n\ny = 2\n```"),
        ('<pre class="lang-py prettyprint-override"><code>x\n</code></pre>', "```py\nx\n```"),
        ("<pre><code>print ```\n</code></pre>", "````\nprint ```\n````"),
        ("<ul><li>one<ul><li>two</li></ul></li></ul>", "- one\n  - two"),
        ("<blockquote><p>said</p></blockquote><p>so</p>", "> said\n\nso"),
        (r"<p>$a_1 \\ b_{2}$ and \(x\) \alpha</p>", r"$a_1 \\ b_{2}$ and \(x\) \alpha"),
        (r"<p>$$\begin{matrix} 1 &amp; 2 \\ 3 &lt; 4 \end{matrix}$$</p>", r"$$\begin{matrix} 1 & 2 \\ 3 < 4 \end{matrix}$$"),
        ("<p>snake_case_name *</p>", "snake_case_name *"),
        ("<p>10<sup>9</sup> H<sub>2</sub>O</p>", "10<sup>9</sup> H<sub>2</sub>O"),
        (r'<p><a href="c:\x">y</a></p>', "[y](c:%5Cx)"),
        ("<head><title>T</title></head><p>b</p>", "b"),
        ("", ""),
        ("<p>end</p>\n\n", "end"),
    ],
)
def test_html_becomes_markdown(html: str, markdown: str) -> None:
    assert html_to_markdown([html]) == [markdown]


@pytest.mark.parametrize("html", ["<b>" * 5000 + "deep" + "</b>" * 5000, "<ul><li>" * 2000 + "deep", "<p>broken <b>deep <i"])
def test_odd_html_keeps_its_text(html: str) -> None:
    assert "deep" in html_to_markdown([html])[0]


def test_a_text_the_converter_refuses_keeps_its_words(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(converter, "convert", fail)
    assert html_to_markdown(["<p>a &lt; b</p><p>c<br>d</p>"]) == ["a < b\n\nc\nd"]


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet="<>/abp&;= \"'\n\\!-", max_size=60))
def test_no_text_makes_the_conversion_fail(text: str) -> None:
    assert isinstance(html_to_markdown([text])[0], str)


def test_entities_are_undone_once_and_null_stays() -> None:
    column = pa.array(["&gt; a &amp;lt; *b*", "none", None, "&#39;&lt;&nbsp;x"])
    assert unescape(column).to_pylist() == ["> a &lt; *b*", "none", None, "'<\u00a0x"]


def test_clean_makes_lf_and_drops_control_characters() -> None:
    column = pa.array(["\r\n a\r\nb\rc\x00\x07\td \x1f", None, " x\n", "\x0b", "é\u2028"])
    assert clean(column).to_pylist() == ["a\nb\nc\td", None, "x", "", "é"]


def test_clean_twice_is_clean_once() -> None:
    once = clean(pa.array(["\x00 \x01a\r", " \x02 "]))
    assert clean(once).equals(once)
