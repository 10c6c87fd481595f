"""What can be wrong with a dump: ways to spoil bytes, JSON, XML, CSV and packed files, each drawn from a `Random`."""

import bz2
import gzip
import json
import lzma
import random
from collections.abc import Callable
from typing import Any

from backports import zstd

# fmt: off
_SPECIAL = [
    *(b"\0", b"\r", b"\n", b"\r\n", b"\x0b", b"\x0c", b"\x1a", b"\x1b[0m", b"\x7f", b"\x85", b"\xa0", b" ", b"\t"),
    *(b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\xff", b"\x80", b"\xc0\x80", b"\xed\xa0\x80", b"\xed\xb0\x80", b"\xf4\x90\x80\x80", b"\xf8\x88"),
    *(bytes(text, "utf-8") for text in ("\u2028", "\u2029", "\x85", "\u202e", "\ufdd0", "\ufffd", "\U0001f600", "e\u0301", "\u0130", "\ufdfa")),
    *(b"\\ud83d", b"\\uDE00", b"\\uD800\\uD800", b"\\u0000", b"\\u", b"\\", b'"', b"'", b"{", b"}", b"[", b"]", b",", b":", b";"),
    *(b"&", b"&#", b"&#0;", b"&#xD800;", b"&#x110000;", b"&amp;amp;", b"&nosuch;", b"<", b">", b"/>", b"</", b"<!--", b"-->", b"<![CDATA[", b"]]>"),
    *(b"NaN", b"-Infinity", b"1e400", b"-0", b"null", b"true", b"9" * 25, b"0" * 30, b"[deleted]", b"t1_", b"t3_", b"u_"),
    *(b"&#" + b"9" * 5000 + b";", b"[" * 1200, b'{"a":' * 1100, b"<b>" * 1200, b"-" * 3000, b"\n" * 50, b"\0" * 200),
]
_VALUES: list[Any] = [
    *(None, True, False, 0, 1, -1, 1.5, -0.0, 1e300, 2**31, 2**53 + 1, 2**63, 2**64, -(2**63) - 1, 10**40, 1e-320),
    *("", " ", "0", "-1", "1.5e3", "nan", "true", "[deleted]", "[removed]", "t3_", "t1_x", "t3_é", "x" * 70_000, "\0", "\x85", "\u2028", "&lt;b&gt;"),
    *("2019-02-30", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "1e9", "٣", "١٢٣", "https://[", "//", "http://x:y/", "&#" + "9" * 4400),
    *([], {}, [None], [[]], [{}], [1, "a", None], {"a": 1}, {"": ""}, {"a": [1, {"b": None}]}, [{"text": "x", "upvotes": []}, 5], [{"text": {}}]),
    *(["x", None, {"text": "y"}], {"text": "x"}, [True], {"name": "Ann"}, {"name": []}, [["x"]], [1, 1.5, 2**60], [1, "1"], ["2020-01-01", "x"]),
]
_XML = [
    *("&lol;", "<!DOCTYPE posts>", '<!ENTITY a "b">', "<![CDATA[x]]>", "<?pi x?>", "<!-- x -->", "<b/>", "<row />", "</row>", "&#0;", "&#xD800;", "&#xFFFE;"),
    *("&amp;#" + "9" * 4400 + ";", "&#10;", "&#13;", "\n", "\t", "'", '"', ">", "&lt;pre&gt;" * 60, "&lt;!--" * 40, "&lt;a href=", "&lt;table&gt;&lt;tr&gt;"),
    *('Id="9"', 'xmlns="x"', 'xmlns:a="b" a:Id="3"', 'xml:space="preserve"', 'Score="1e3"', 'Score="99999999999999999999"', 'Id="٣"', 'PostTypeId="99"'),
    *('CreationDate="0001-01-01T00:00:00+14:00"', 'ParentId=""', 'OwnerUserId="-1"', 'OwnerUserId="4294967297"', 'AcceptedAnswerId="0"', 'Tags="&lt;&gt;||"'),
]
_CSV = ['"', '""', '"""', ",", ";", "\t", "\r", "\r\n", "\n", '"\n', '","', '\n"', "\0", "'", " ", "\\", '\\"', "x" * 140_000, ",," * 20, '"a","b', "\x85"]
# fmt: on
PACK: dict[str, Callable[[bytes], bytes]] = {
    "zst": lambda data: zstd.compress(data, options={zstd.CompressionParameter.checksum_flag: 1}),
    "xz": lambda data: lzma.compress(data, preset=0),
    "bz2": bz2.compress,
    "gz": lambda data: gzip.compress(data, 1, mtime=0),
}
UNPACK: dict[str, Callable[[bytes], bytes]] = {
    "zst": lambda data: zstd.decompress(data, options={zstd.DecompressionParameter.window_log_max: 31}),
    "xz": lzma.decompress,
    "bz2": bz2.decompress,
    "gz": gzip.decompress,
}


def spoil_bytes(draw: random.Random, data: bytes, other: bytes = b"") -> bytes:
    """Change some bytes: flips, cuts, copies, what is special in some format, or a piece of another file."""
    for _ in range(draw.choice((1, 1, 1, 2, 4))):
        at, length = draw.randint(0, len(data)), draw.choice((1, 1, 2, 5, 30, 300))
        how = draw.randrange(7)
        if how == 0 and at < len(data):
            data = data[:at] + bytes([data[at] ^ 1 << draw.randrange(8)]) + data[at + 1 :]
        elif how == 1:
            data = data[:at]
        elif how == 2:
            data = data[:at] + data[at + length :]
        elif how == 3:
            data = data[:at] + data[at : at + length] * draw.choice((2, 3, 20)) + data[at + length :]
        elif how == 4 and other:
            start = draw.randint(0, len(other))
            data = data[:at] + other[start : start + length] + data[at:]
        elif how == 5:
            data = data[:at] + draw.randbytes(min(length, 30)) + data[at:]
        else:
            data = data[:at] + draw.choice(_SPECIAL) + data[at + draw.choice((0, 0, 1)) :]
    return data


def nest(draw: random.Random) -> Any:
    """A value in so many lists and objects that somebody's recursion ends."""
    value: Any = draw.choice((None, "x", 1))
    shape = draw.randrange(3)
    for level in range(draw.choice((3, 90, 99, 100, 101, 102, 103, 300, 330))):
        value = [value] if shape == 0 or (shape == 2 and level % 2) else {"a": value}
    return value


def spoil_json(draw: random.Random, line: bytes) -> bytes:
    """Change an object: values of other types, keys that go, come, or are there twice, odd numbers, depth."""
    item = json.loads(line)
    for _ in range(draw.choice((1, 1, 2, 3))):
        keys = list(item)
        if not keys:
            break
        key = draw.choice(keys)
        how = draw.randrange(9)
        if how < 4:
            item[key] = draw.choice(_VALUES)
        elif how == 4:
            del item[key]
        elif how == 5:
            item[draw.choice((*keys, "a", "", "data", "kind", "title", "body", "answers", "_meta"))] = item.pop(key)
        elif how == 6:
            item[key] = nest(draw)
        elif how == 7:
            item = {"kind": "t1", "data": draw.choice((item, item, [item], None))}
        else:
            item[key] = [item[key]] if draw.random() < 0.5 else {"text": item[key]}
        if not isinstance(item.get(key, ""), dict) and draw.random() < 0.1:
            item = dict(reversed(item.items()))
    text = json.dumps(item, ensure_ascii=draw.random() < 0.5, separators=draw.choice(((",", ":"), (", ", ": "))))
    how = draw.randrange(12)
    if how == 0:  # what Python's json does not write: a key that is there twice, numbers that are none, great depth
        text = (
            f'{{"{draw.choice(("id", "body", "question", "a"))}": {draw.choice(("NaN", "1e400", "-Infinity", "9" * 4400, "1"))}, {text[1:]}'
        )
    elif how == 1:
        depth = draw.choice((900, 960, 980, 1000, 1020, 1030, 4000, 20_000))
        text = f'{text[:-1]}, "deep": {"[" * depth}{"]" * depth}}}'
    return text.replace("\n", " ").encode("utf-8", "surrogatepass")


def spoil_xml(draw: random.Random, line: bytes) -> bytes:
    """Change a row: an attribute twice, without, or with another value; other markup in it; no end."""
    text = line.decode("utf-8", "replace")
    for _ in range(draw.choice((1, 1, 2))):
        at = draw.randint(0, len(text))
        words = text.split(" ")
        how = draw.randrange(6)
        if how == 0:
            text = text[:at] + draw.choice(_XML) + text[at:]
        elif how == 1:
            words.insert(draw.randrange(1, len(words) + 1), draw.choice(_XML))
            text = " ".join(words)
        elif how == 2:
            del words[draw.randrange(len(words))]
            text = " ".join(words)
        elif how == 3:
            words.insert(draw.randrange(len(words)), draw.choice(words))
            text = " ".join(words)
        elif how == 4:
            text = text.replace("/>", draw.choice((">", "></row>", "", "/", "/><b/>", "/>x", ">x</row>")))
        else:
            value = draw.choice([one for one in _VALUES if isinstance(one, str | int)])
            shown = str(value).replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
            pieces = text.split('"')
            pieces[draw.randrange(len(pieces))] = shown
            text = '"'.join(pieces)
    return text.replace("\n", " ").encode()


def spoil_csv(draw: random.Random, line: str) -> str:
    """Change a record: quotes, delimiters and line ends where they do harm."""
    for _ in range(draw.choice((1, 1, 2, 3))):
        at = draw.randint(0, len(line))
        line = line[:at] + draw.choice(_CSV) + line[at + draw.choice((0, 0, 1)) :]
    return line


def spoil_packed(draw: random.Random, kind: str, data: bytes) -> bytes:
    """Pack, and spoil the packing: frames cut, flipped, joined, skippable or empty, and junk behind them."""
    pack, at = PACK[kind], draw.randint(0, len(data))
    packed = pack(data)
    how = draw.randrange(9)
    if how == 0:
        return pack(data[:at]) + pack(b"") + pack(data[at:])
    if how == 1:
        skipped = bytes([0x50 + draw.randrange(16)]) + b"\x2a\x4d\x18" + draw.choice((b"\5\0\0\0", b"\xff\xff\xff\xff")) + b"notes"
        return skipped + packed if draw.random() < 0.5 else packed + skipped
    if how == 2:
        return packed + draw.choice(
            (b"\0" * 4, b"\0" * 5, b"x", b"\n", packed[: draw.randint(0, len(packed))], PACK[draw.choice([*PACK])](data))
        )
    if how == 3:
        return packed[: draw.randint(0, len(packed))]
    if how == 4:
        head = bytearray(packed)
        head[draw.randrange(min(len(head), 18))] = draw.randrange(256)
        return bytes(head)
    if how == 5:
        return pack(packed)
    if how == 6:
        window = zstd.ZstdCompressor(options={zstd.CompressionParameter.window_log: draw.randint(10, 27)})
        return window.compress(data) + window.flush()
    return spoil_bytes(draw, packed, data)
