"""Which encoding a text file is in: UTF-8, UTF-16 by its mark, else the likeliest of what old programs wrote."""

import codecs
import re
from collections.abc import Iterable, Iterator

from charset_normalizer import from_bytes

_SAMPLE = 1 << 20
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_LATIN = ("cp1252", "mac_roman", "cp1250")  # the first wins a tie
_PLAIN = bytes(byte for byte in range(128) if byte not in b"\\~")  # Japanese and Korean ones have a currency sign for the backslash
_LOST = re.compile("[\udc80-\udcff]")
_MANY = re.compile("[\x80-\ud7ff\ue000-\U0010ffff]")
# What a right reading of a Latin text has, and what a wrong one has, each with its weight.
_SIGNS = (
    (re.compile(r"(?<=[a-z])’(?=(?:s|t|re|ve|ll|d|m)\b)|(?<=s)’(?=\s)|\b[A-Z]’(?=[a-z])"), 5),
    (re.compile(r"(?:^|(?<=[\s(]))[“‘«¿¡](?=\w)|(?<=[\w.,!?])[”’»](?=[\s.,;:!?)]|$)", re.MULTILINE), 3),
    (re.compile(r"(?<=\s)[–—•](?=\s)|(?<=\w)…|(?<=\d)[–°](?=\d|C|F|\s)|[€£](?=\d)|[®™©]|(?<=[\dn])[ªº](?=\s)"), 2),
    (re.compile(r"[à-öø-ÿœšžß]"), 2),
    (re.compile(r"[ăąćčďęěğıłńňőřśşťůűźż]"), 1),
    (re.compile(r"(?:^|(?<=[\s“(]))[À-ÖØ-ÞŒŠŽ](?=[a-z])", re.MULTILINE), 2),
    (re.compile(r"(?<=[a-zà-öø-ÿ])[À-ÖØ-ÞŒŠŽŸĄĆČĎĘĚĞŁŃŇŐŘŚŞŤŮŰŹŻ]"), -8),
    (re.compile(r"[\x80-\x9f\ufffd]"), -12),
    (re.compile(r"(?<=[^\W_])[¤¦¨¬¯°±²³´¶·¸¹º¼½¾×÷†‡‰‹›∂∆∏∑√∞∫≈≠≤≥◊ˆ˜˘˙˚˝˛ˇﬁﬂΩπ∕⁄¢£¥§¿¡ƒ„‚–—…•“«](?=[^\W\d_])"), -6),
)


def detect(stream: Iterable[bytes]) -> str:
    """Name the codec that a whole file is to be decoded with.

    A file with more good UTF-8 sequences than bad bytes is UTF-8 with a few broken lines.
    """
    decoder = codecs.getincrementaldecoder("utf-8")(errors="surrogateescape")
    good, bad, sample, first = 0, 0, [], True
    kept = 0
    for data in stream:
        if first:
            for mark, name in _MARKS:
                if data.startswith(mark):
                    return name
            first = False
        text = decoder.decode(data)
        if text.isascii():
            continue
        lost = len(_LOST.findall(text))
        good, bad = good + len(_MANY.findall(text)), bad + lost
        if lost and kept < _SAMPLE:
            lines = [line for line in data.split(b"\n") if not line.isascii()]
            sample.append(b"\n".join(lines)[:_SAMPLE])
            kept += len(sample[-1])
    bad += len(decoder.decode(b"", final=True))
    return "utf-8" if good >= bad else _likeliest(b"\n".join(sample))


def _likeliest(sample: bytes) -> str:
    """The legacy encoding in which the sample reads best.

    charset-normalizer knows the world's scripts but mixes up the Western code pages of Windows and the
    Macintosh, in which most bytes are letters or signs of some kind either way; typography tells these apart.
    """
    high = len(re.findall(rb"[\x80-\xff]", sample))
    if len(re.findall(rb"(?<![\x80-\xff])[\x80-\xff](?![\x80-\xff])", sample)) * 2 < high:  # words of another script
        best = next((match.encoding for match in from_bytes(sample) if _over_ascii(match.encoding)), "")
        if best:
            return best
    return max(_LATIN, key=lambda name: _score(sample.decode(name, errors="replace")))


def _over_ascii(encoding: str) -> bool:
    """Tell whether line ends and delimiters are what they are in ASCII: UTF-16 and EBCDIC, guessed for a few bytes, lose every line."""
    return encoding != "utf_8" and _PLAIN.decode(encoding, "replace") == _PLAIN.decode()


def _score(text: str) -> int:
    """How much of the text reads as typography and letters in their places."""
    return sum(weight * len(sign.findall(text)) for sign, weight in _SIGNS)


def decoded(stream: Iterable[bytes], encoding: str) -> Iterator[str]:
    """Yield the text of a stream without its byte order mark; a byte that does not decode becomes a lone surrogate."""
    errors = "surrogateescape" if encoding == "utf-8" else "replace"
    decoder = codecs.getincrementaldecoder("utf-8-sig" if encoding == "utf-8" else encoding)(errors=errors)
    for data in stream:
        yield decoder.decode(data)
    yield decoder.decode(b"", final=True)
