"""What Presidio's analyzer is asked: its own recognisers where they are sound, and ours (`filters.phones`, `numbers`, `tokens`, `names`) beside them.

No language model: the engine is Presidio's `no_op`, and what is near a number (`call`, `card ending in`) is looked at by the recognisers
themselves. Importing Presidio takes a second and 100 MB, because spaCy comes along: `filters.personal` imports this file when the
first text comes that could hold something.
"""

import re
from collections.abc import Sequence
from functools import cache

from presidio_analyzer import AnalyzerEngine, EntityRecognizer, RecognizerRegistry, RecognizerResult
from presidio_analyzer.nlp_engine import NlpArtifacts, NlpEngineProvider
from presidio_analyzer.predefined_recognizers import CryptoRecognizer, EmailRecognizer, IbanRecognizer, IpRecognizer

from filters import names, numbers, phones, tokens
from filters.spans import Judge, Span

_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}\d\d(?:[ -]?[A-Za-z0-9]){11,30}")
_NOT_IN_ADDRESS = r"\s@<>()\[\]{}\"',;:|/\\"
_AROUND_AT = re.compile(rf"(?<![^{_NOT_IN_ADDRESS}])[^{_NOT_IN_ADDRESS}]{{1,64}}@[^{_NOT_IN_ADDRESS}]{{1,255}}")
"""What could be an address, by its longest parts (RFC 5321, 4.5.3.1)."""
_IN_ADDRESS = re.compile(r"//[^\s/]*\Z")
"""Before an account and its password at a host: `https://me:secret@host`."""


class Emails(EmailRecognizer):
    """Presidio's, on what is around each @: its pattern takes quadratic time on a long run without blanks."""

    def analyze(
        self, text: str, entities: list[str], nlp_artifacts: NlpArtifacts | None = None, regex_flags: int | None = None
    ) -> list[RecognizerResult]:
        """Find e-mail addresses."""
        found = []
        for near in _AROUND_AT.finditer(text):
            if _IN_ADDRESS.search(text, max(0, near.start() - 80), near.start()):
                continue
            for each in super().analyze(near[0], entities, nlp_artifacts, regex_flags):
                each.start, each.end = each.start + near.start(), each.end + near.start()
                found.append(each)
        return found

    def validate_result(self, pattern_text: str) -> bool:
        """Tell whether the domain ends in a public suffix."""
        return names.SUFFIXES(pattern_text).fqdn != ""


class Ibans(IbanRecognizer):
    """Presidio's check digits and formats, for any case, on what begins as an account's number does, up to where one ends."""

    def analyze(
        self, text: str, entities: list[str], nlp_artifacts: NlpArtifacts | None = None, regex_flags: int | None = None
    ) -> list[RecognizerResult]:
        """Find numbers of bank accounts."""
        found = []
        for seems in _IBAN.finditer(text):
            ends = [place.end() for place in re.finditer(r"\w", seems[0])][14:]
            for end in reversed(ends):
                if self.validate_result(re.sub("[ -]", "", seems[0][:end]).upper()):
                    found.append(RecognizerResult("IBAN", seems.start(), seems.start() + end, 1.0))
                    break
        return found


class Addresses(IpRecognizer):
    """Presidio's, without what is no public address, or no address but a version."""

    def analyze(
        self, text: str, entities: list[str], nlp_artifacts: NlpArtifacts | None = None, regex_flags: int | None = None
    ) -> list[RecognizerResult]:
        """Find addresses of machines."""
        found = super().analyze(text, entities, nlp_artifacts, regex_flags)
        return [each for each in found if numbers.is_public(text, each.start, each.end)]


class Ours(EntityRecognizer):
    """Finds what a pattern finds, as a judge says how likely it is to be what it seems."""

    def __init__(self, kind: str, pattern: re.Pattern[str], judge: Judge) -> None:
        self.pattern, self.judge = pattern, judge
        super().__init__(supported_entities=[kind], name=f"{kind} {judge.__name__}")

    def load(self) -> None:
        """Load nothing."""

    def analyze(self, text: str, entities: list[str], nlp_artifacts: NlpArtifacts | None = None) -> list[RecognizerResult]:
        """Find what the pattern finds and the judge believes."""
        (kind,) = self.supported_entities
        judged = (self.judge(each) for each in self.pattern.finditer(text))
        return [RecognizerResult(kind, start, end, score) for start, end, score in judged if score > 0]


def recognise(text: str, kinds: Sequence[str], min_score: float) -> list[Span]:
    """Find what of these kinds is in a text; of spans that overlap the surer one stays, then the longer one."""
    found = _analyzer().analyze(text, "en", entities=list(kinds), score_threshold=min_score)
    chosen, taken = [], bytearray(len(text))
    for each in sorted(found, key=lambda each: (-each.score, each.start - each.end, each.start, each.entity_type)):
        if not any(taken[each.start : each.end]):
            taken[each.start : each.end] = b"\1" * (each.end - each.start)
            chosen.append(Span(each.start, each.end, each.entity_type, each.score))
    return sorted(chosen)


@cache
def _analyzer() -> AnalyzerEngine:
    no_op = {"nlp_engine_name": "no_op", "models": [{"lang_code": "en", "model_name": "no_op"}]}
    presidios = [
        Emails(supported_entity="EMAIL"),
        Addresses(supported_entity="IP"),
        CryptoRecognizer(supported_entity="CRYPTO"),
        Ibans(supported_entity="IBAN", exact_match=True),
    ]
    ours = [Ours(kind, pattern, judge) for kind, pattern, judge in (*phones.JUDGED, *numbers.JUDGED, *tokens.JUDGED, *names.JUDGED)]
    registry = RecognizerRegistry(recognizers=[*presidios, *ours], supported_languages=["en"])
    return AnalyzerEngine(
        registry=registry, nlp_engine=NlpEngineProvider(nlp_configuration=no_op).create_engine(), supported_languages=["en"]
    )
