"""Addresses."""

from django.urls import path
from notes import views

urlpatterns = [
    path("", views.home),
    path("notes/<int:number>", views.note),
    path("visits", views.visits),
    path("pid", views.pid),
]
