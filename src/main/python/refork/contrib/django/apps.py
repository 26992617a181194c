"""The application that Django installs."""

from __future__ import annotations

import gc
from typing import Any

from django.apps import AppConfig
from django.core.cache import close_caches
from django.db import connections

from ...hooks import after_fork, before_promote


class ReforkConfig(AppConfig):  # type: ignore[misc]
    """Registers the hooks."""

    name = "refork.contrib.django"
    label = "refork"
    verbose_name = "Refork"

    def ready(self) -> None:
        """Called by Django when the application is set up: in the first mold."""
        # Also what was used while loading, such as a query in another application's ready().
        after_fork(_close)
        before_promote(_close_everywhere)


def _close() -> None:
    for connection in _open_connections():
        connection.close()
        if hasattr(connection, "close_pool"):
            connection.close_pool()
    close_caches()


def _open_connections() -> list[Any]:
    try:
        return list(connections.all(initialized_only=True))
    except TypeError:  # Django 4.0 and older: closing one that was never opened does nothing there
        return list(connections.all())


def _close_everywhere() -> None:
    _close()
    # Connections of the server's threads, which have ended: the collector frees them, nobody else.
    gc.collect()
