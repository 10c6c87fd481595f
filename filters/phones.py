"""Phone numbers, told from other numbers by libphonenumber, by their form, and by what is said around them."""

import re
from functools import lru_cache

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberType

from filters.spans import NUMBERED, Judge, Judged, after, before, scored

_PHONE = re.compile(
    r"(?<![\w+/=#@&$€£%-])(?<!\d[.,:])(?:(?:\+|00)[ ]?)?\(?\d(?:[ .\-/()\u00a0\u2010-\u2013]{0,3}\d){6,14}(?:[ ]?(?:x|ext\.?)[ ]?\d{1,5})?(?![\w%°]|[.,:/-]\d|\.\w)",
)
_TALKS = (
    r"phone|telephone|tel|telefon|teléfono|téléphone|call(?:ed|ing)?|ring|dial(?:led|ling)?|text(?:ed|ing)?|sms|whats?app|viber|signal|mobile|mob|cell"
    r"|cellphone|handy|fax|(?:desk|office)(?=:)|landline|hotline|helpline|contact(?:ed|ing)?|reach(?:ed)?(?= (?:me|us|him|her|them|out|at|on)\b)|answer(?:ed|ing)?(?= (?:at|on|under)\b)|messages?(?= (?:to|at|on)\b)|voicemail|pager"
    r"|registered|(?:my|his|her|their|your|our|[a-z]{2,20}['’]s) (?:new |old |work |home |direct )?(?:number|num|digits)"
)
_BETWEEN = (
    r"(?:[ \t.,:;*_()-]|\n(?!\n)|\b(?:me|us|him|her|them|at|on|is|to|now|under|no|number|nr|num|or|and|this|my|again|please|with|via)\b)"
)
_TALK = re.compile(rf"\b(?:{_TALKS})\b[^\d\n\"{{}}=<>\\]{{0,25}}[:\n]?[^\d\n\"{{}}=<>]{{0,3}}$", re.IGNORECASE)
_TALK_OF_IT = re.compile(rf"\b(?:{_TALKS})\b{_BETWEEN}{{0,12}}$", re.IGNORECASE)
_LABEL = re.compile(r"[ \t)\]]{0,2}-?(?:office|fax|mobile|cell|home|work|direct|phone|tel|landline)\b", re.IGNORECASE)
_NO_PHONE = re.compile(
    r"(?:1[89]|20)\d\d[-./ ](?:0?\d|1[0-2])[-./ ][0-3]?\d(?!\d)|[0-3]?\d[-./][0-3]?\d[-./](?:1[89]|20)\d\d(?!\d)"
    r"|(?!(?:\d\d\.){3}\d\d(?!\d))(?:\d{1,3}\.){3}\d{1,3}(?!\d)|\d{3}-\d\d-\d{4}(?!\d)|(?:1[5-9]|20)\d\d ?[-/\u2010-\u2013 ] ?(?:1[5-9]|20)\d\d(?!\d)"
)
_AMERICAN = re.compile(r"(?:\+?1[ .-]?)?(?:\([2-9]\d\d\) ?|[2-9]\d\d([ .-]))[2-9]\d\d[ .-]\d{4}(?:[ ]?(?:x|ext\.?)[ ]?\d{1,5})?")
_TOLL_FREE = re.compile(r"(?:\+?1[ .-]?)?\(?8(?:00|33|44|55|66|77|88)\)?[ .-]")
_LIKE_A_PHONE = re.compile(r"[-(+]|\d\.\d{3}\.|\A0")
_NATIONAL = re.compile(r"\(?0\d{1,4}\)?(?:[ -]\d{2,4}){2,4}|\(?0\d{2,4}\)?[ /-]\d{5,8}")
_REGIONS = ("GB", "DE", "FR", "AU", "IN", "IT", "ES", "NL")
_NOBODYS = {PhoneNumberType.TOLL_FREE, PhoneNumberType.PREMIUM_RATE, PhoneNumberType.SHARED_COST, PhoneNumberType.UAN}


def phone(match: re.Match[str]) -> Judged:
    """Judge a phone number: by libphonenumber, and, where that knows no such number, by its form and what is said around it.

    Services (toll-free, premium rate) are nobody's own.
    """
    number, said = match[0], before(match)
    if (number[0] == "(" and ")" not in number) or number.count(")") > number.count("("):
        return scored(match, 0)
    if NUMBERED.search(said) or _NO_PHONE.match(number):
        return scored(match, 0)
    talk = bool((_TALK if _LIKE_A_PHONE.search(number) else _TALK_OF_IT).search(said) or _LABEL.match(after(match)))
    return scored(match, _phone_score(number, talk=talk))


@lru_cache(1 << 12)
def _phone_score(number: str, *, talk: bool) -> float:
    if _TOLL_FREE.match(number):
        return 0.0
    if number.startswith(("+", "00")):
        parsed = _parsed(f"+{number.lstrip('+0')}", None)
        if parsed and phonenumbers.is_valid_number(parsed):
            return 0.0 if phonenumbers.number_type(parsed) in _NOBODYS else 1.0
        if parsed and number[0] == "+" and phonenumbers.is_possible_number(parsed):
            return 0.75
    elif american := _AMERICAN.fullmatch(number):
        parsed = _parsed(number, "US")
        if parsed and phonenumbers.is_valid_number(parsed):
            bare = american[1] == " "
            return 0.0 if phonenumbers.number_type(parsed) in _NOBODYS else 0.9 if talk or not bare else 0.4
    elif _NATIONAL.fullmatch(number) and any(_is_valid(number, region) for region in _REGIONS):
        return 0.9 if talk else 0.6
    return 0.7 if talk else 0.0


def _parsed(number: str, region: str | None) -> PhoneNumber | None:
    try:
        return phonenumbers.parse(number, region)
    except NumberParseException:
        return None


def _is_valid(number: str, region: str) -> bool:
    parsed = _parsed(number, region)
    return parsed is not None and phonenumbers.is_valid_number(parsed) and phonenumbers.number_type(parsed) not in _NOBODYS


JUDGED: tuple[tuple[str, re.Pattern[str], Judge], ...] = (("PHONE", _PHONE, phone),)
