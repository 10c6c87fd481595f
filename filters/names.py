"""Names of people as sites write them: `u/name`, `@name`, links to profiles, "Hi Bob,"; and what else is personal by its form alone."""

import re
from urllib.parse import unquote

import tldextract

from filters.spans import Judge, Judged, scored

_IN_CODE = r"```[\s\S]*?(?:```|\Z)|`[^`\n]*`|^(?: {4}|\t).*$"
_REST = r"(?:[/?#](?:[^\s()<>\[\]\"'*]*[^\s()<>\[\]\"'*.,;:!?])?)?"
_USER = re.compile(
    rf"(?:https?://)?(?:\w{{1,8}}\.)?reddit\.com/u(?:ser)?/[A-Za-z0-9_-]{{3,20}}\b{_REST}|(?<![\w/.])/?[uU]/[A-Za-z0-9_-]{{3,20}}\b"
)
_HANDLE = re.compile(rf"(?m:{_IN_CODE})|(?<![\w@./+=&-])(?P<name>@[A-Za-z_]\w{{2,29}}(?:@[\w-]+\.[\w.-]*\w)?)(?![\w@/(]|\.\w| ?=)")
_PROFILE = re.compile(
    r"(?<![\w.@-])(?:https?://)?(?!pic\.)(?:[\w-]{1,63}\.){0,3}?(?:"
    r"(?:twitter|x|facebook|fb|instagram|patreon|onlyfans)\.com/(?:@|#!/)?(?!(?:home|search|hashtag|intent|share|sharer|i|p|reel|explore|groups|events|pages|watch|login|help|about|tos|privacy|photo|story|posts|plugins|dialog|settings|notifications|messages|marketplace)\b)[\w.-]{1,49}\w"
    r"|linkedin\.com/in/[\w%-]{3,100}|quora\.com/profile/[\w%-]{3,100}|(?:stackoverflow|stackexchange|serverfault|superuser|askubuntu)\.com/users/(?:\d+|[\da-f-]{36})\b"
    r"|github\.com/(?!(?:features|about|topics|explore|search|login|join|pricing|marketplace|settings|orgs|sponsors|trending|new|apps|security)\b)[A-Za-z\d][\w-]{1,38}(?![\w-]|/\w)"
    r"|t\.me/\w{4,32}|tiktok\.com/@[\w.]{2,24}|threads\.net/@[\w.]{2,30}|youtube\.com/(?:@[\w.-]{3,30}|(?:user|c|channel)/[\w-]{3,40})|medium\.com/@[\w.-]{2,40}(?![\w.-]|/\w)"
    r"|steamcommunity\.com/(?:id|profiles)/[\w-]{2,40}|keybase\.io/\w{2,30}|snapchat\.com/add/[\w.-]{3,15}"
    rf"){_REST}",
    re.IGNORECASE | re.MULTILINE,
)
_GREETING = re.compile(
    rf"(?m:{_IN_CODE})|^[ \t]*(?i:hi|hello|hey|dear|thanks|thank you|sorry),? (?P<name>\p)(?=[ \t]*(?:[,!:.–—-]|$))".replace(
        r"\p", r"[A-ZÀ-ÖØ-Þ][a-zß-öø-ÿ'’]{1,20}(?: [A-ZÀ-ÖØ-Þ][a-zß-öø-ÿ'’]{1,20})?"
    ),
    re.MULTILINE,
)
_LINKED = re.compile(
    r"\[(?P<name>[^@\[\]\n][^\[\]\n]{1,59})\]\((?:https?://)?(?:[\w-]{1,63}\.){0,4}"
    r"(?:(?:stackoverflow|stackexchange|serverfault|superuser|askubuntu)\.com/users/\d+|quora\.com/profile)/(?P<slug>[\w%-]{2,100})",
    re.IGNORECASE,
)
_NOBODY = {
    "a", "advance", "afternoon", "again", "all", "americans", "an", "and", "anyone", "both", "boys", "bro", "but", "christmas",
    "community", "dad", "dads", "dear", "dude", "evening", "everybody", "everyone", "everyone's", "fellas", "fellow", "folk", "folks",
    "for", "friend", "friends", "gamers", "gentlemen", "girls", "god", "good", "google", "great", "guys", "happy", "her", "his", "how",
    "i", "if", "in", "internet", "is", "it", "its", "kind", "ladies", "lads", "lord", "madam", "man", "mate", "men", "merry", "mod",
    "mods", "mom", "moms", "morning", "much", "mum", "my", "no", "not", "now", "op", "our", "parents", "people", "quora", "reddit",
    "redditor", "redditors", "sir", "so", "somebody", "stack", "stackoverflow", "team", "that", "the", "there", "this", "to", "twitter",
    "very", "well", "what", "when", "where", "who", "why", "women", "world", "yes", "you", "your", "youtube",
}  # fmt: skip
"""What is greeted without being a name."""
_AT, _DOT = r"(?: ?[(\[{<] ?at ?[)\]}>] ?| at )", r"(?: ?[(\[{<] ?dot ?[)\]}>] ?| dot |\.)"
_WRITTEN_OUT = re.compile(
    rf"(?<![\w.])[\w.+-]{{1,64}}(?:(?: ?[(\[{{<] ?dot ?[)\]}}>] ?| dot )[\w+-]{{1,40}})?{_AT}(?!(?:the|this|that|a|my|our|your|some|any|all|least|most|www)\b)(?P<host>(?:[\w-]{{1,40}}{_DOT}){{1,3}}[a-z]{{2,16}})\b",
    re.IGNORECASE,
)
SUFFIXES = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)
"""The public suffixes that tldextract comes with; by itself it would fetch newer ones."""
_WALLET = re.compile(r"(?<![\w])(?:0x[0-9a-fA-F]{40}|[48][0-9AB][1-9A-HJ-NP-Za-km-z]{93}|ltc1[a-z0-9]{38,60})(?!\w)")


def user(match: re.Match[str]) -> Judged:
    """Believe every mention that Reddit itself makes a link of."""
    return scored(match, 0.9)


def handle(match: re.Match[str]) -> Judged:
    """Believe a name after an @ that stands outside code."""
    return scored(match, 0.6, "name") if match["name"] else scored(match, 0)


def profile(match: re.Match[str]) -> Judged:
    """Believe a link to somebody's page."""
    return scored(match, 0.85)


def greeted(match: re.Match[str]) -> Judged:
    """Believe a capitalised word that is greeted alone, if it is none that greets everybody."""
    if not match["name"]:
        return scored(match, 0)
    return scored(match, 0 if _NOBODY & set(match["name"].lower().split()) else 0.6, "name")


def linked(match: re.Match[str]) -> Judged:
    """Believe the text of a link to somebody's page that says nothing but what the address calls them: `[Ann Smith](.../users/12/ann-smith)`."""
    said, called = (set(re.findall(r"[^\W_]+", each.lower())) for each in (match["name"], unquote(match["slug"])))
    return scored(match, 0.9 if said and said <= called else 0, "name")


def written_out(match: re.Match[str]) -> Judged:
    """Believe an e-mail address that is written out ("bob at mail dot net"): with brackets, or with both words, up to a public suffix."""
    if not SUFFIXES(re.sub(_DOT, ".", match["host"], flags=re.IGNORECASE)).fqdn:
        return scored(match, 0)
    bracketed = re.search(r"[(\[{<] ?at ?[)\]}>]", match[0], re.IGNORECASE)
    return scored(match, 0.8 if bracketed else 0.7 if re.search(r"\bat\b.*\bdot\b", match[0], re.IGNORECASE) else 0)


def wallet(match: re.Match[str]) -> Judged:
    """Believe an address of Ethereum, Monero or Litecoin that is more than a few signs repeated."""
    return scored(match, 0.8 if len(set(match[0][2:])) > 6 else 0)


JUDGED: tuple[tuple[str, re.Pattern[str], Judge], ...] = (
    ("USER", _USER, user),
    ("USER", _HANDLE, handle),
    ("PROFILE", _PROFILE, profile),
    ("NAME", _GREETING, greeted),
    ("NAME", _LINKED, linked),
    ("EMAIL", _WRITTEN_OUT, written_out),
    ("CRYPTO", _WALLET, wallet),
)
