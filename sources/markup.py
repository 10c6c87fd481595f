"""What the sites write, as Markdown: Stack Exchange's HTML, Reddit's escaped entities, stray control characters."""

import html
import re

import html_to_markdown as converter
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schemas.texts import data, rows_at

_OPTIONS = converter.ConversionOptions(
    extract_metadata=False,  # else a <title> becomes YAML front matter
    infer_dimensions=False,
    bullets="-",
    sup_symbol="<sup>",  # Markdown has no other way, and 10<sup>9</sup> without it is 109
    sub_symbol="<sub>",
    preprocessing=converter.PreprocessingOptions(
        enabled=False, preset=converter.PreprocessingPreset.MINIMAL, remove_navigation=False, remove_forms=False
    ),
    # The defaults, but as members: given as strings they are looked up anew for every text, which halves the speed.
    heading_style=converter.HeadingStyle.ATX,
    list_indent_type=converter.ListIndentType.SPACES,
    highlight_style=converter.HighlightStyle.DOUBLE_EQUAL,
    whitespace_mode=converter.WhitespaceMode.NORMALIZED,
    newline_style=converter.NewlineStyle.SPACES,
    code_block_style=converter.CodeBlockStyle.BACKTICKS,
    inline_data_media=converter.InlineDataMedia.KEEP,
    hidden_content=converter.HiddenContent.DROP,
    url_escape_style=converter.UrlEscapeStyle.ANGLE,
    link_style=converter.LinkStyle.INLINE,
    output_format=converter.OutputFormat.MARKDOWN,
    tier_strategy=converter.TierStrategy.AUTO,
)
_BACKSLASH = "\ufdd0"
"""Stands for a backslash while the converter, which would double it in LaTeX, is at work; a code point no text may use."""

_TAG = re.compile(r"</?[a-zA-Z][^<>]*>")
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_HUGE = re.compile(r"&#[0-9]{1000,};?")
_BLOCK = re.compile(r"</?(?:p|div|br|hr|pre|ul|ol|li|blockquote|h[1-6]|table|tr)\b[^<>]*>", re.IGNORECASE)
_NESTED = 400
_CONTROL = "[\x00-\x08\x0b\x0c\x0e-\x1f]"
_BLANK, _AMPERSAND = b" &"
_KEPT = np.frombuffer(b"\t\n", np.uint8)


def html_to_markdown(texts: list[str]) -> list[str]:
    """Turn HTML into Markdown: fences keep their language, LaTeX and underscores stay as they are, no text is lost."""
    return [_markdown(text) for text in texts]


def _markdown(text: str) -> str:
    slashed = "\\" in text
    try:
        made = converter.convert(text.replace("\\", _BACKSLASH) if slashed else text, _OPTIONS).content or ""
    except Exception:  # whatever the converter cannot do must not cost the text
        return _tags_off(text)
    if not made or text.count("<") > _NESTED:  # it drops what is nested more than 1,024 deep, without an error
        plain = _tags_off(text)
        if len(re.findall(r"\w", made)) < 0.9 * len(re.findall(r"\w", plain)):
            return plain
    if slashed:
        made = made.replace(_BACKSLASH, "\\").replace("%EF%B7%90", "%5C")  # the latter inside addresses
    return made.strip()


def _tags_off(text: str) -> str:
    """The text without its tags, blocks apart."""
    closed, end, rest = _BLOCK.sub("\n", text).rpartition("-->")
    bare = _COMMENT.sub("", closed + end) + rest  # a search for an end that is not there would go on to the text's, each time
    plain = unescaped(_TAG.sub("", bare))
    return re.sub(r"\n{3,}", "\n\n", plain).strip()


def unescaped(text: str) -> str:
    """The text without HTML entities; the number of no character is U+FFFD, also where it is too long for html.unescape."""
    try:
        return html.unescape(text)
    except ValueError:
        return html.unescape(_HUGE.sub("\ufffd", text))


def unescape(column: pa.Array) -> pa.Array:
    """Undo, once, the HTML entities in which Reddit's dumps keep their Markdown; rows without `&` cost nothing."""
    characters, offsets = data(column)
    places = np.flatnonzero(characters == _AMPERSAND)
    if not len(places):
        return column
    mask = pc.and_(pa.array(rows_at(places, offsets)), pc.is_valid(column))  # a null may have bytes
    texts = [unescaped(text) for text in column.filter(mask).to_pylist()]
    return pc.replace_with_mask(column, mask, pa.array(texts, column.type))


def clean(column: pa.Array) -> pa.Array:
    """Make every line end LF, drop NUL and the other control characters but tab, and strip what surrounds the text."""
    characters, offsets = data(column)
    places = np.flatnonzero(characters < _BLANK)
    places = places[~np.isin(characters[places], _KEPT)]
    if len(places):
        mask = pa.array(rows_at(places, offsets))
        odd = pc.replace_substring_regex(column.filter(mask), "\r\n?", "\n")
        column = pc.replace_with_mask(column, mask, pc.replace_substring_regex(odd, _CONTROL, ""))
    return pc.utf8_trim_whitespace(column)
