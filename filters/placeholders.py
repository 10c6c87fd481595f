"""What stands in the place of personal data: a placeholder with a short code, or a value of the same shape that is nobody's."""

import re
import string
from collections.abc import Callable, Sequence
from typing import Literal

from filters.numbers import luhn
from filters.pseudonyms import hmac, pseudonym
from filters.spans import Span

Style = Literal["placeholder", "surrogate"]

_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"  # 32 signs, none like another
_CODE, _AUTHOR = 3, 8
PLACEHOLDER = rf"<[A-Z]+_(?:[a-z0-9]{{{_CODE}}}|[0-9a-f]{{{_AUTHOR}}})>"
"""A placeholder: `<EMAIL_k3f>`, or `<USER_0a1b2c3d>`, where the code is the beginning of that author's `user_id`."""

_SIGNS = (string.ascii_lowercase, string.ascii_uppercase, string.digits)
_NOBODYS_HOSTS = ("192.0.2", "198.51.100", "203.0.113")  # RFC 5737
_STAYS = re.compile(
    r"-----[^\n]*?-----|\A(?:https?://)?[\w.-]+\.\w+/(?:\w+/)*(?=[^/\s])|\A(?:/?[uU]/|@|0x|bc1|ltc1|[A-Za-z]{2}(?=\d\d[ -]?[A-Za-z0-9]{4}))"
)
_FIXED = {"PHONE": (-7, "55501"), "IBAN": (0, "00"), "SSN": (0, "000")}
"""Digits that make a number nobody's, and where they go: from the first digit on, or from the end. (IBANs have no check digits 00.)"""
_REDDITOR = re.compile(r"(?:.*reddit\.com/u(?:ser)?/|/?u/)([\w-]+)(?:[/?#].*)?", re.IGNORECASE)


def placeholder(value: str, kind: str, source: str, tree: str, key: bytes) -> str:
    """`<TYPE_code>`: the same value reads the same in one tree, and in another tree it reads otherwise.

    Of 32,768 codes a type; two values of one tree share one by chance. A mention of a Reddit user has the first digits of that user's `user_id`.
    """
    if source == "reddit" and (named := _REDDITOR.fullmatch(value)):
        return f"<{kind}_{pseudonym(source, named[1], key)[:_AUTHOR]}>"
    code = hmac(f"{tree}\0{kind}\0{_canonical(value, kind)}", key)
    return f"<{kind}_{''.join(_ALPHABET[byte % 32] for byte in code[:_CODE])}>"


def surrogate(value: str, kind: str, key: bytes) -> str:
    """A value of the same shape that is nobody's: letters for letters, digits for digits, drawn by key and value.

    E-mail addresses are at example.com, addresses of machines those of documentations (RFC 5737, 3849), phones end in 555-01xx, social security
    numbers begin with 000, check digits are wrong. The same value reads the same in every tree, so dedup finds what it found before.
    """
    drawn = _drawn(value, kind, key)
    if kind == "EMAIL":
        return f"{re.split(r'[^A-Za-z0-9.+_-]', drawn)[0]}@example.com"
    if kind == "IP":
        number = int.from_bytes(hmac(f"IP\0{value}", key)[:4])
        return f"2001:db8::{number % 65536:x}" if ":" in value else f"{_NOBODYS_HOSTS[number % 3]}.{number // 3 % 254 + 1}"
    if kind == "CARD" and luhn("".join(filter(str.isdigit, drawn))):
        return f"{drawn[:-1]}{(int(drawn[-1]) + 1) % 10}"
    at, digits = _FIXED.get(kind, (0, ""))
    return _with_digits(drawn, at, digits)


def _drawn(value: str, kind: str, key: bytes) -> str:
    """Each letter and digit of a value anew; what says what it is, and all signs, as they are."""
    stays = {at for part in _STAYS.finditer(value) for at in range(*part.span())}
    drawn = b"".join(hmac(f"{kind}\0{value}\0{block}", key) for block in range(len(value) // 32 + 1))
    signs = ((at, one, next((each for each in _SIGNS if one in each), one)) for at, one in enumerate(value))
    return "".join(one if at in stays else each[drawn[at] % len(each)] for at, one, each in signs)


def _with_digits(text: str, first: int, digits: str) -> str:
    """Write digits over those of a text from its `first` one on; from the end if that is negative."""
    places = [at for at, one in enumerate(text) if one in string.digits]
    signs = list(text)
    for at, digit in zip(places[max(first, -len(places)) :], digits, strict=False):
        signs[at] = digit
    return "".join(signs)


def _canonical(value: str, kind: str) -> str:
    """What is the same however it is written: an address in any case, a number with any signs between."""
    if kind in ("PHONE", "CARD", "SSN"):
        return re.sub(r"\D", "", value)
    if kind == "IBAN":
        return re.sub(r"[ -]", "", value).upper()
    return value.lower() if kind in ("EMAIL", "IP", "PROFILE", "USER") else value


def replaced(text: str, spans: Sequence[Span], become: Callable[[str, str], str]) -> tuple[str, list[Span]]:
    """The text with each span, in order, as `become(value, type)` has it, and where the spans are then."""
    parts, moved, done = [], [], 0
    length = 0
    for span in spans:
        put = become(text[span.start : span.end], span.type)
        parts += [text[done : span.start], put]
        length += span.start - done + len(put)
        moved.append(span._replace(start=length - len(put), end=length))
        done = span.end
    return "".join([*parts, text[done:]]), moved
