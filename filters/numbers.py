"""Numbers that are personal: of cards, of social security, of places and machines; told from others by form, check digits and what is said near them."""

import ipaddress
import re

from filters.spans import NUMBERED, Judge, Judged, after, before, scored

_CARD = re.compile(r"(?<![\w+./=#&$€£-])(?:\d[ -]?){11,18}\d(?![\w%]|[./-]\d)")
_PAYS = re.compile(
    r"\b(?:cards?|cc|visa|master ?card|amex|american express|discover|maestro|credit|debit|bank ?card|karte|pan)\b[^\n\d]{0,40}:?\n?[^\n\d]{0,3}$",
    re.IGNORECASE,
)
_NO_MONEY = re.compile(
    r"\b(?:gift|loyalty|member(?:ship)?|sim|esim|iccid|imsi|imei|sd|memory|graphics|video|sound|network|library|report|trading)\b[^\n\d]{0,40}$",
    re.IGNORECASE,
)
_EXPIRES = re.compile(r"\W{0,3}(?:exp(?:\b|ir)|cvv|cvc|valid thru|good thru)", re.IGNORECASE)
_GROUPS = re.compile(r"\d+|\d{4}([ -])\d{4}\1\d{4}\1\d{1,4}(?:\1\d{1,3})?|\d{4}([ -])\d{6}\2\d{4,5}")
_ISSUERS = (
    ("4", (16, 19)), ("5[1-5]", (16,)), ("2(?:22[1-9]|2[3-9]|[3-6]|7[01]|720)", (16,)), ("3[47]", (15,)), ("3(?:0[0-5]|[689])", (14,)),
    ("6(?:011|4[4-9]|5)", (16, 19)), ("35(?:2[89]|[3-8])", (16,)), ("2131|1800", (15,)), ("62", (16, 17, 18, 19)), ("5[0678]|6[037]", (16, 19)),
)  # fmt: skip
"""How numbers begin and how long they are: Visa, Mastercard, American Express, Diners, Discover, JCB, UnionPay, Maestro (ISO/IEC 7812)."""


def card(match: re.Match[str]) -> Judged:
    """Judge a card number: by its issuer and Luhn's check digit, or by its being called one."""
    digits, said = re.sub(r"\D", "", match[0]), before(match, 60)
    if not _GROUPS.fullmatch(match[0]) or len(set(digits)) < 3:
        return scored(match, 0)
    if _NO_MONEY.search(said):
        return scored(match, 0)
    called = bool(_PAYS.search(said) or _EXPIRES.match(after(match)))
    if not called and NUMBERED.search(said):
        return scored(match, 0)
    issued = any(len(digits) in lengths and re.match(prefix, digits) for prefix, lengths in _ISSUERS)
    if issued and luhn(digits):
        return scored(match, 1.0 if called else 0.8)
    return scored(match, 0.7 if called else 0)


def luhn(digits: str) -> bool:
    """Tell whether the last digit is the check digit of those before it (ISO/IEC 7812-1, annex B)."""
    doubled = [int(digit) * (1 + at % 2) for at, digit in enumerate(reversed(digits))]
    return sum(value - 9 * (value > 9) for value in doubled) % 10 == 0


# Social security.

_SOCIAL = re.compile(r"(?<![\w.+/=-])(?!000|666|9)\d{3}([- ])(?!00)\d\d\1(?!0000)\d{4}(?![\w-])")
_SAYS_SOCIAL = re.compile(r"\b(?:ssn?|social(?: security)?)\b[^\n\d]{0,25}$", re.IGNORECASE)


def social_security(match: re.Match[str]) -> Judged:
    """Judge a social security number of the United States: by its form with hyphens, or by its being called one."""
    return scored(
        match, 0.9 if _SAYS_SOCIAL.search(before(match)) else 0.6 if match[1] == "-" and not NUMBERED.search(before(match)) else 0
    )


# Places.

_DECIMAL = re.compile(
    r"(?<![\w.,])(-?\d{1,2}\.\d{3,})°?[ ]?([NSns])?(?:[ ]?[,;/][ ]?|[ ]+)(?:(?:lon|long|lng|longitude)[ :=]{1,3})?(-?\d{1,3}\.\d{3,})°?[ ]?([EWew])?(?![\w.]\d|\w)",
    re.IGNORECASE,
)
_DEGREES = re.compile(
    r"(?<!\w)[NSns]?[ ]?\d{1,2}[ ]?[°º][ ]?\d{1,2}(?:\.\d+)?[ ]?['′’](?:[ ]?\d{1,2}(?:\.\d+)?[ ]?(?:[\"″”]|''))?[ ]?[NSns]?"
    r"[ ,;]{0,3}[EWew]?[ ]?\d{1,3}[ ]?[°º][ ]?\d{1,2}(?:\.\d+)?[ ]?['′’](?:[ ]?\d{1,2}(?:\.\d+)?[ ]?(?:[\"″”]|''))?[ ]?[EWew]?"
)
_WHERE = re.compile(
    r"(?:\b(?:lat(?:itude)?|lon(?:gitude)?|lng|gps|coord(?:inate)?s?|location|located|position|maps?|geo|pin|waypoint|parked|meet|live|home|house|here)\b[^\n\d]{0,30}|/@|[?&](?:q|ll)=|geo:)$",
    re.IGNORECASE,
)


def decimal_place(match: re.Match[str]) -> Judged:
    """Judge two decimal numbers: a place, if they say so (N, E) or something near does."""
    north, east = float(match[1]), float(match[3])
    if abs(north) > 90 or abs(east) > 180:
        return scored(match, 0)
    return scored(match, 0.9 if match[2] and match[4] else 0.8 if _WHERE.search(before(match)) else 0)


def place_in_degrees(match: re.Match[str]) -> Judged:
    """Judge degrees and minutes twice: a place, if a point of the compass is with each."""
    return scored(match, 0.9 if re.search("[NS]", match[0], re.IGNORECASE) and re.search("[EW]", match[0], re.IGNORECASE) else 0)


# Addresses of machines.

_NO_ADDRESS = re.compile(
    r"(?:\b(?:v|ver|version|release|rev|build|firmware|driver|section|sec|chapter|rule|clause|table|figure|fig|item|step|oid|asn?)[ .:#=]{0,2}|[A-Za-z]/|[A-Za-z]-|==|>=|<=|~=|\^|§ ?)$"
    r"|\b(?:versions?|releases?|(?:up|down)grad\w+|firmware|driver)\b[^\n]{0,30}$",
    re.IGNORECASE,
)
_SAYS_ADDRESS = re.compile(
    r"\b(?:ips?|ipv4|addr(?:ess)?|ping|server|host|connect|dns|ssh|from|at|to|on|subnet|gateway|router|whois|traceroute)\b[^\n]{0,25}$",
    re.IGNORECASE,
)
_GLOBAL_V6 = ipaddress.ip_network("2000::/3")


def is_public(text: str, start: int, end: int) -> bool:
    """Tell whether what looks like an address is a machine's on the internet: not a version, not private, not reserved."""
    written, said = text[start:end], text[max(0, start - 40) : start]
    address = ipaddress.ip_interface(written).ip
    if not address.is_global or address.is_multicast or re.match(r"\.\d", text[end : end + 2]):
        return False
    if address.version == 6:
        return (written.count(":") == 7 and "::" not in written) or (address in _GLOBAL_V6 and written.count(":") >= 3)
    if _NO_ADDRESS.search(said) or said.endswith("."):
        return False
    return any(len(part) > 1 for part in written.split("/")[0].split(".")) or bool(_SAYS_ADDRESS.search(said))


JUDGED: tuple[tuple[str, re.Pattern[str], Judge], ...] = (
    ("CARD", _CARD, card),
    ("SSN", _SOCIAL, social_security),
    ("GPS", _DECIMAL, decimal_place),
    ("GPS", _DEGREES, place_in_degrees),
)
