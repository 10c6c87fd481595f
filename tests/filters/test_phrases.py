"""Stock phrases by tables of cases, the limits on both sides among them, and edit notes that go or stay."""

from functools import partial

import pytest

from filters.chain import Filter, apply
from filters.phrases import reject_boilerplate, reject_removed, reject_solved, reject_stock, trim_edits
from filters.shape import fill_shape
from schemas.batch import from_columns
from schemas.message import INPUT

STOCK = [partial(fill_shape, ngram=3), partial(reject_stock, max_words=5)]
TRIM = partial(trim_edits, max_chars=60)


def reasons(chain: list[Filter], texts: list[str], parent: str | None = "above", role: str = "assistant") -> list[str | None]:
    columns = {"text": texts, "parent_id": [parent] * len(texts), "role": [role] * len(texts)}
    found: list[str | None] = apply(chain, from_columns(columns, INPUT))["reason"].to_pylist()
    return found


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("This.", "reaction"),
        ("lol", "reaction"),
        ("So TRUE!!! 😂", "reaction"),
        ("Really?", "reaction"),
        ("thanks, this is great", "reaction"),
        ("@ann wow https://example.org", "reaction"),
        ("Thank you so much", "thanks"),
        ("Happy birthday, man", "thanks"),
        ("thank you so very much", "thanks"),  # five words: at the limit
        ("thank you so very very much", None),
        ("It is for you", None),  # nothing but fillers is no reaction
        ("Great, use salt", None),
        ("42", None),
        ("", None),
        ("Excellent", "reaction"),
        ("excellently", None),
    ],
)
def test_replies_that_only_react_or_thank(text: str, reason: str | None) -> None:
    assert reasons(STOCK, [text]) == [reason]


def test_a_root_is_no_reply() -> None:
    assert reasons(STOCK, ["What is love?", "Thanks!"], parent=None) == [None, None]
    assert reasons(STOCK, ["Thanks!"], role="prompter") == ["thanks"]


def test_how_many_words_were_held_against_what() -> None:
    batch = from_columns({"text": ["nothing of that kind here", "wow wow wow"], "parent_id": ["a", "a"]}, INPUT)
    [_, row] = apply(STOCK, batch).select(["reason", "value", "threshold", "rejected_by"]).to_pylist()
    assert row == {"reason": "reaction", "value": 3.0, "threshold": 5.0, "rejected_by": "filters.phrases.reject_stock"}


@pytest.mark.parametrize(
    "text",
    [
        "[deleted by user]",
        "[removed]",
        "*Comment removed by moderator*",
        "[ Removed by Reddit ]",
        "Your submission has been automatically removed because it has no flair.",
        "This comment has been overwritten by an open source script to protect this user's privacy.",
        "This post was mass deleted and anonymized with a tool",
        "Removed: rule 3",
    ],
)
def test_removed(text: str) -> None:
    assert reasons([partial(reject_removed, max_chars=100)], [text]) == ["removed"]


@pytest.mark.parametrize(
    "text",
    [
        "It was removed from the standard in 2017.",
        "My account was deleted, how do I get it back?",
        "deleted by hand, then rebuilt",
        "Why was this question removed?",
        "This comment has been overwritten by " + "x" * 100,
    ],
)
def test_not_removed(text: str) -> None:
    assert reasons([partial(reject_removed, max_chars=100)], [text]) == [None]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Guys please subscribe to my channel", "boilerplate"),
        ("sub 4 sub?", "boilerplate"),
        ("Check out my new video on knots", "boilerplate"),
        ("Follow us on Instagram", "boilerplate"),
        ("Use promo code SOUP to get 20 % off", "boilerplate"),
        ("I am a bot, and this was posted automatically", "boilerplate"),
        ("testing 1000", "boilerplate"),
        ("!remindme 2 days", "boilerplate"),
        ("Lorem ipsum dolor sit amet", "boilerplate"),
        ("can i get a shoutout", "boilerplate"),
        ("Subscribe to the mailing list of the project, it is quiet", None),
        ("Follow the path to the river", None),
        ("Testing the water with a strip costs nothing", None),
        ("A promo code is a string of letters", None),
        ("Is this a bot?", None),
        ("subscribe to my channel" + " and more" * 10, None),  # longer than the limit
    ],
)
def test_boilerplate(text: str, reason: str | None) -> None:
    assert reasons([partial(reject_boilerplate, max_chars=80)], [text]) == [reason]


@pytest.mark.parametrize(
    ("text", "role", "reason"),
    [
        ("Why is it slow?\n\nEDIT: solved, it was the cable", "prompter", "solved"),
        ("Why?\n[SOLVED]", "prompter", "solved"),
        ("Why?\nNever mind, I figured it out.", "prompter", "solved"),
        ("Why?\nUpdate: I found the answer", "prompter", "solved"),
        ("Who solved this first?", "prompter", None),
        ("EDIT: solved", "assistant", None),
    ],
)
def test_questions_that_are_solved(text: str, role: str, reason: str | None) -> None:
    assert reasons([reject_solved], [text], role=role) == [reason]


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Use salt.\n\nEDIT: thanks for the gold!", "Use salt."),
        ("Use salt.\n\n**Edit:** spelling", "Use salt."),
        ("Use salt.\nEdit: wow\n\nEdit 2: RIP my inbox\n", "Use salt."),
        ("Use salt.\n\nEDIT: thanks, it should be sugar", "Use salt.\n\nEDIT: thanks, it should be sugar"),
        ("Use salt.\n\nEDIT: typo, it is 5 g", "Use salt.\n\nEDIT: typo, it is 5 g"),
        ("Use salt.\n\nEDIT: thanks, see https://example.org", "Use salt.\n\nEDIT: thanks, see https://example.org"),
        ("Use salt.\n\nEDIT: or sugar", "Use salt.\n\nEDIT: or sugar"),
        ("Use salt.\n\nEDIT: thanks\n\nStir well.", "Use salt.\n\nEDIT: thanks\n\nStir well."),
        ("Use salt.\n\nEDIT: thanks " + "a" * 60, "Use salt.\n\nEDIT: thanks " + "a" * 60),
        ("EDIT: thanks", "EDIT: thanks"),
        ("\n\nEDIT: thanks", "\n\nEDIT: thanks"),
        ("Thank the editor: spelling", "Thank the editor: spelling"),
        ("", ""),
    ],
)
def test_notes_that_tell_nothing_go(text: str, left: str) -> None:
    once = TRIM(from_columns({"text": [text, "another"]}, INPUT))
    assert once["text"].to_pylist() == [left, "another"]
    assert TRIM(once).equals(once)
