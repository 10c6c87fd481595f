"""Secrets that people paste: keys, tokens and passwords, told by how each service writes its own, or by what they are called and how random they look."""

import math
import re
from collections import Counter

from filters.spans import Judge, Judged, scored

_SERVICES = (
    r"A(?:KIA|SIA)[0-9A-Z]{16}",  # Amazon
    r"AIza[\w-]{35}|GOCSPX-[\w-]{28}|ya29\.[\w-]{20,}",  # Google
    r"gh[oprsu]_[A-Za-z0-9]{36,}|github_pat_\w{60,}",  # GitHub
    r"glpat-[\w-]{20,}",  # GitLab
    r"xox[abeoprs]-[A-Za-z0-9-]{10,}|xapp-\d-[A-Za-z0-9-]{20,}",  # Slack
    r"hooks\.slack\.com/services/T\w{6,}/B\w{6,}/\w{16,}",
    r"[rs]k_(?:live|test)_[A-Za-z0-9]{16,}",  # Stripe
    r"sk-(?:ant-|proj-|or-)?[A-Za-z0-9_-]{20,}",  # OpenAI, Anthropic
    r"hf_[A-Za-z]{30,}",  # Hugging Face
    r"npm_[A-Za-z0-9]{36}|pypi-[\w-]{16,}",  # package indexes
    r"SG\.[\w-]{16,}\.[\w-]{16,}|key-[0-9a-f]{32}|(?:SK|AC)[0-9a-f]{32}",  # SendGrid, Mailgun, Twilio
    r"do[opr]_v1_[0-9a-f]{64}|shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}",  # DigitalOcean, Shopify
    r"EAA[A-Za-z0-9]{40,}",  # Facebook
    r"\d{8,10}:AA[\w-]{33}",  # Telegram
    r"[MNO][A-Za-z0-9]{23,25}\.[\w-]{6}\.[\w-]{27,}",  # Discord
    r"eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,}",  # JSON Web Tokens (RFC 7519)
)
_SERVICE = re.compile(rf"(?<![A-Za-z0-9_-])(?:{'|'.join(_SERVICES)})(?![A-Za-z0-9_])")
_PRIVATE = re.compile(
    r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----[\s\S]{16,8000}?-----END (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----"
)
_NAMED = re.compile(
    r"(?:(?:api|access|secret|private|account|client|auth|encryption|signing|app)[ _-]?(?:key|token|secret)|secret|token|passw(?:or)?d|pwd|bearer|authorization)"
    r"(?:[ _-]?(?:key|id|is))?[\"'\]]{0,2}[ \t]{0,3}(?::|=>|=|is|[ \t])[ \t>]{0,3}[\"'`]?(?P<value>[A-Za-z0-9_+/.~-]{12,200}={0,2})(?![\w(\[])",
    re.IGNORECASE,
)
_IN_ADDRESS = re.compile(r"\b[a-z][a-z+]{1,14}://[^\s/:@]{0,64}:(?P<value>[^\s/@:]{4,100})@[\w.-]+", re.IGNORECASE)
_SET = re.compile(
    r"(?:passw(?:or)?d|pwd)[\"']?[ \t]{0,3}[:=][ \t]{0,3}[\"'`]?(?P<value>(?![=$])(?=[^\s]*[!@#$%^*?~])[^\s\"'`<>{}()\[\];,&]{8,64})(?=[\s\"'`;,&]|$)",
    re.IGNORECASE,
)
"""With one sign that no identifier has."""
_EXAMPLE = re.compile(
    r"example|your|xxxx|\.\.\.|1234567|abcdef|placeholder|changeme|insert|dummy|sample|redacted|password|secret|token|key|test_?key",
    re.IGNORECASE,
)
_OTHER = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
_MIN_BITS, _MIN_BITS_HEX = 3.3, 2.8


def of_service(match: re.Match[str]) -> Judged:
    """Judge what is written as a service writes its keys: examples of documentations and runs of one sign are none."""
    return scored(match, 0 if re.search(r"EXAMPLE|example|(?i:xxxx|your)|(.)\1{6}", match[0]) or bits(match[0]) < _MIN_BITS_HEX else 0.95)


def private_key(match: re.Match[str]) -> Judged:
    """Judge a block between the lines that begin and end a private key (RFC 7468): believe it, if something is in it."""
    return scored(match, 0.95 if re.search(r"[A-Za-z0-9+/=]{20}", match[0].split("-----")[2]) else 0)


def called_secret(match: re.Match[str]) -> Judged:
    """Judge a value that is called a key or a password: it must look random, and have letters and digits."""
    value = match["value"]
    if _EXAMPLE.search(value) or _OTHER.fullmatch(value) or "/" in value[:1] or "://" in value:
        return scored(match, 0, "value")
    mixed = re.search(r"\d", value) and re.search(r"[A-Za-z]", value)
    least = _MIN_BITS_HEX if re.fullmatch(r"[0-9a-fA-F-]+", value) else _MIN_BITS
    return scored(match, 0.7 if mixed and bits(value) >= least else 0, "value")


def in_address(match: re.Match[str]) -> Judged:
    """Judge the password of an account in an address (RFC 3986, 3.2.1): examples and variables are none."""
    return scored(match, 0 if re.search(r"[${}<>*%]|pass|pwd|secret|token|xxx|example", match["value"], re.IGNORECASE) else 0.8, "value")


def bits(text: str) -> float:
    """Shannon's entropy of a text's characters, bits a character."""
    return -sum(count / len(text) * math.log2(count / len(text)) for count in Counter(text).values())


JUDGED: tuple[tuple[str, re.Pattern[str], Judge], ...] = (
    ("KEY", _SERVICE, of_service),
    ("KEY", _PRIVATE, private_key),
    ("KEY", _NAMED, called_secret),
    ("KEY", _SET, called_secret),
    ("KEY", _IN_ADDRESS, in_address),
)
