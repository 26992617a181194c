"""The notes of a topic, read and counted when somebody first looks at one of them, and kept: the cache that requests
warm and a refork shares."""

from __future__ import annotations

import functools
import math
from collections import Counter

from .models import Note


class Topic:
    """All notes of a topic and how often each word occurs in each."""

    def __init__(self, number: int) -> None:
        self.notes = {note.pk: note for note in Note.objects.filter(topic=number)}
        self.words = {pk: Counter(note.text.split()) for pk, note in self.notes.items()}
        self.similar = functools.lru_cache(maxsize=None)(self._similar)

    def _similar(self, pk: int) -> list[Note]:
        """The five notes whose words are most alike."""
        own = self.words[pk]

        def likeness(other: int) -> float:
            words = self.words[other]
            common = sum(own[word] * words[word] for word in own.keys() & words.keys())
            return common / math.sqrt(sum(own.values()) * sum(words.values()))

        return [self.notes[n] for n in sorted(self.notes.keys() - {pk}, key=likeness, reverse=True)[:5]]


@functools.cache
def topic(number: int) -> Topic:
    """A topic; the same each time."""
    return Topic(number)
