"""Which texts could hold personal data of which kind: one pattern a kind over the whole column, so that few texts are looked at closely.

The patterns are RE2's, which take linear time. Each lets through at least what the recognisers of its kind find (`filters.recognisers`).
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

_TOKENS = (
    r"A(?:KIA|SIA)[0-9A-Z]|AIza|gh[oprsu]_|github_pat_|glpat-|xox[a-z]-|[rs]k_(?:live|test)_|\bsk-|hf_[A-Za-z]|npm_|pypi-|SG\.|do[opr]_v1_|shp[a-z]{2}_"
    r"|eyJ[\w-]{8}|PRIVATE KEY|hooks\.slack\.com|\d:AA|GOCSPX-|EAA[A-Za-z0-9]"
    r"|[MNO][A-Za-z0-9]{23,25}\.[\w-]{6}\.|ya29|xapp-|key-[0-9a-f]{8}|(?:SK|AC)[0-9a-f]{8}|://[^\s/]{0,64}:[^\s/]{4,100}@"
)
_CALLED = (
    r"(?i)(?:key|token|secret|passw(?:or)?d|pwd|bearer|authorization)(?:[ _-]?(?:key|id|is))?[\"'\]]{0,2}[ \t]{0,3}(?:[:=]|is|[ \t])[ \t>=]{0,4}[\"'`]?"
    r"[A-Za-z0-9_+/.~-]{12}"
)
_SET = r"(?i)(?:passw(?:or)?d|pwd)[\"']?[ \t]{0,3}[:=][ \t]{0,3}[\"'`]?[^\s\"'`]{8}"
_SITES = (
    r"(?i)(?:reddit\.com/u|twitter\.com/|\bx\.com/|facebook\.com/|\bfb\.com/|instagram\.com/|linkedin\.com/in/|quora\.com/profile"
    r"|(?:stackoverflow|stackexchange|serverfault|superuser|askubuntu)\.com/users/|github\.com/|\bt\.me/|tiktok\.com/@|youtube\.com/[@uc]"
    r"|medium\.com/@|steamcommunity\.com/|keybase\.io/|snapchat\.com/add|onlyfans\.com/|patreon\.com/|threads\.net/@)"
)

PATTERNS = {
    "EMAIL": r"[^\s@]@[^\s@]+\.[^\s@]|(?i)[^\s@] ?(?:[(\[{<] ?at ?[)\]}>] ?[^\s@]{1,40} ?(?:[(\[{<] ?dot|\bdot\b|\.)|\bat\b ?[^\s@]{1,40} ?(?:[(\[{<] ?dot|\bdot\b))",
    "PHONE": r"\d(?:[ .\-/()\x{a0}\x{2010}-\x{2013}]{0,3}\d){6}",
    "IP": r"\d\.\d{1,3}\.\d{1,3}\.\d|(?:[0-9A-Fa-f]{1,4}:){7}[0-9A-Fa-f]|\b[23][0-9A-Fa-f]{3}:[0-9A-Fa-f:]*:",
    "CARD": r"\d(?:[ -]?\d){11}",
    "SSN": r"\b\d{3}[- ]\d\d[- ]\d{4}",
    "IBAN": r"(?:^|[^A-Za-z0-9])[A-Za-z]{2}\d\d(?:[ -]?[A-Za-z0-9]){11}",
    "CRYPTO": r"0x[0-9a-fA-F]{40}|(?i:bc1|[13])[a-zA-Z0-9]{25}|\b[48][0-9AB][1-9A-HJ-NP-Za-km-z]{93}|\bltc1[a-z0-9]{38}",
    "KEY": f"{_TOKENS}|{_CALLED}|{_SET}",
    "GPS": r"(?i)\d\.\d{3,}°? ?[ns]? ?[,;/ ] *(?:l[a-z]{2,8}[ :=]{1,3})?-?\d{1,3}\.\d{3}|\d ?[°º] ?\d",
    "USER": r"\b[Uu]/[A-Za-z0-9_-]{3}|@[A-Za-z_]|(?i)reddit\.com/u",
    "PROFILE": _SITES,
    "NAME": r"(?m)^[ \t]*(?i:hi|hello|hey|dear|thanks|thank you|sorry),? \p{Lu}|(?i:\.com/(?:users/\d+|profile)/)",
}  # fmt: skip
"""Kinds of personal data, with what a text must hold to hold one."""


def suspects(texts: pa.Array, kinds: tuple[str, ...]) -> NDArray[np.bool_]:
    """Tell which texts could hold what, (n, kinds).

    Raises:
        ValueError: a kind is none of `PATTERNS`.
    """
    unknown = sorted(set(kinds) - set(PATTERNS))
    if unknown:
        raise ValueError(f"types: got {', '.join(unknown)}; expected some of {', '.join(PATTERNS)}")
    found = np.zeros((len(texts), len(kinds)), bool)
    for at, kind in enumerate(kinds):
        found[:, at] = pc.fill_null(pc.match_substring_regex(texts, PATTERNS[kind]), False).to_numpy(zero_copy_only=False)
    return found
