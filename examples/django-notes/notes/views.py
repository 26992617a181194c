"""Pages. Rendered words are kept, per process: the cache that requests warm and a refork shares."""

import os
from collections import Counter

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render

from .models import Note

WORDS: dict[int, list[tuple[str, int]]] = {}


def home(request: HttpRequest) -> HttpResponse:
    """The newest notes."""
    return render(request, "notes/home.html", {"notes": Note.objects.order_by("-id")[:20]})


def note(request: HttpRequest, number: int) -> HttpResponse:
    """One note and its most frequent words."""
    found = get_object_or_404(Note, pk=number)
    if number not in WORDS:
        WORDS[number] = Counter(found.text.split()).most_common(10)
    return render(request, "notes/note.html", {"note": found, "words": WORDS[number]})


def visits(request: HttpRequest) -> JsonResponse:
    """How often this visitor was here, by his session."""
    request.session["visits"] = request.session.get("visits", 0) + 1
    return JsonResponse({"visits": request.session["visits"]})


def pid(_request: HttpRequest) -> JsonResponse:
    """Who answers, and how warm he is."""
    return JsonResponse({"pid": os.getpid(), "warm": len(WORDS)})
