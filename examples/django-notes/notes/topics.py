"""The notes of a topic, read and indexed when somebody first looks at one of them, and kept: the cache that requests
warm and a refork shares."""

from __future__ import annotations

import functools
from collections import Counter, defaultdict

from .models import Note


class Topic:
    """All notes of a topic, and which words occur where."""

    def __init__(self, number: int) -> None:
        self.notes = {note.pk: note for note in Note.objects.filter(topic=number)}
        self.words = {pk: Counter(note.text.split()) for pk, note in self.notes.items()}
        self.top = {pk: words.most_common(10) for pk, words in self.words.items()}
        self.index: defaultdict[str, list[int]] = defaultdict(list)
        for pk, words in self.words.items():
            for word in words:
                self.index[word].append(pk)
        self.similar = functools.lru_cache(maxsize=None)(self._similar)

    def _similar(self, pk: int) -> list[Note]:
        """The five notes in which this one's most frequent words occur most."""
        likeness: Counter[int] = Counter()
        for word, _ in self.top[pk]:
            for other in self.index[word]:
                likeness[other] += self.words[other][word]
        del likeness[pk]
        return [self.notes[other] for other, _ in likeness.most_common(5)]


@functools.cache
def topic(number: int) -> Topic:
    """A topic; the same each time."""
    return Topic(number)
