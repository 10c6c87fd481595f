"""Sources: one file a site, each reading that site's dumps into batches of messages."""

from sources import quora, reddit, stackexchange
from sources.reading import Source

SOURCES: dict[str, Source] = {
    "reddit": reddit.SOURCE,
    "stackexchange": stackexchange.SOURCE,
    "quora": quora.SOURCE,
}
