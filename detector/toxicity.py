"""Train the toxicity model that is shipped as `toxicity.npz`; `toxicity.md` is its card.

    pip install 'oa-gather[train]'
    python -m detector.toxicity --data DIR --out detector/toxicity.npz

`DIR` is laid out as `detector.texts` says. The labels are people's for the tweets of Davidson et al. ("Automated hate speech detection and the
problem of offensive language", ICWSM 2017). All other texts have no labels: for these alt-profanity-check (MIT) says how likely it
thinks each, and each word that it knows; what people it learnt from is on the card. The rest are sentences of our own, without which
the names of groups would count as insults.
"""

import argparse
from pathlib import Path

import numpy as np
from profanity_check import predict_prob
from profanity_check.profanity_check import vectorizer

from detector import texts
from detector.fit import Examples, fit, save
from detector.identity import hateful, neutral
from detector.insults import harmless

BITS = 18
L2 = 1e-5
STEPS = 80
VALIDATION = 0.1
UNLABELLED = (texts.youtube, texts.wnut17, texts.exchange, texts.harmless, texts.oasst)


def examples(data: Path, seed: int) -> tuple[Examples, Examples]:
    """Return what to train on and what to calibrate on."""
    tweets = [(text, float(toxic), part) for text, toxic, part in texts.davidson(data) if part != "test"]
    unlabelled = list(dict.fromkeys(part for read in UNLABELLED for text in read(data) for part in texts.stretches(text)))
    held_out = np.random.default_rng(seed).random(len(unlabelled)) < VALIDATION
    guesses = predict_prob(unlabelled)
    words = sorted(vectorizer.vocabulary_)
    kind = [*neutral("train", "identity", 3000), *neutral("train", "plain", 1000), *harmless("train") * 4]
    unkind = [*hateful("train", "identity", 1500), *hateful("train", "plain", 500)]
    train = [
        *((text, toxic) for text, toxic, part in tweets if part == "train"),
        *((text, guess) for text, guess, out in zip(unlabelled, guesses, held_out, strict=True) if not out),
        *zip(words, predict_prob(words), strict=True),
        *((text, 0.0) for text in kind),
        *((text, 1.0) for text in unkind),
    ]
    validation = [
        *((text, toxic) for text, toxic, part in tweets if part == "validation"),
        *((text, guess) for text, guess, out in zip(unlabelled, guesses, held_out, strict=True) if out),
    ]
    return _examples(train), _examples(validation)


def _examples(pairs: list[tuple[str, float]]) -> Examples:
    found, targets = zip(*pairs, strict=True)
    return Examples(list(found), np.array(targets), np.ones(len(found)))


def main() -> None:
    """Train and write the model."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the texts")
    parser.add_argument("--out", type=Path, required=True, help="file to write")
    parser.add_argument("--seed", type=int, default=0, help="decides which unlabelled texts calibrate")
    options = parser.parse_args()
    train, validation = examples(options.data, options.seed)
    save(fit(train, validation, bits=BITS, l2=L2, steps=STEPS), options.out)


if __name__ == "__main__":
    main()
