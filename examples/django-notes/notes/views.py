"""Pages."""

import os

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render

from .models import Note
from .topics import topic


def home(request: HttpRequest) -> HttpResponse:
    """The newest notes."""
    return render(request, "notes/home.html", {"notes": Note.objects.order_by("-id")[:20]})


def note(request: HttpRequest, number: int) -> HttpResponse:
    """One note, its most frequent words, and notes like it."""
    found = get_object_or_404(Note, pk=number)
    about = topic(found.topic)
    page = {
        "note": found,
        "words": about.top[number],
        "similar": about.similar(number),
    }
    return render(request, "notes/note.html", page)


def visits(request: HttpRequest) -> JsonResponse:
    """How often this visitor was here, by his session."""
    request.session["visits"] = request.session.get("visits", 0) + 1
    return JsonResponse({"visits": request.session["visits"]})


def pid(_request: HttpRequest) -> JsonResponse:
    """Who answers, and how many topics he has in memory."""
    return JsonResponse({"pid": os.getpid(), "warm": topic.cache_info().currsize})
