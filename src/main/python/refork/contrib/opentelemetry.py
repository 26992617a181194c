"""OpenTelemetry on this pool: exporters that live from the start of a worker until it is promoted or ends.

Providers, tracers and meters are made while loading and handed on. What has threads and connections (a
BatchSpanProcessor, a metric exporter) is made by a function of yours, anew in each worker.
"""

from __future__ import annotations

import logging
import os
import threading
from typing import Any, Callable

from opentelemetry.sdk.metrics.export import MetricReader
from opentelemetry.sdk.trace import SpanProcessor

from ..hooks import after_fork, before_exit, before_promote

SHUTDOWN = 5.0
"""Seconds for what waits to be exported, at a promotion and at the end of a worker. A batch takes milliseconds, and a
worker that waits for a collector that is down serves nobody meanwhile. At the end `before_exit` hooks may have less."""


class PerWorkerSpanProcessor(SpanProcessor):  # type: ignore[misc]
    """Hands spans to the processor that `make` returns: a new one in each worker.

    Spans of the mold, that is of loading, are dropped.
    """

    def __init__(self, make: Callable[[], SpanProcessor]) -> None:
        self._make = make
        self._inner: SpanProcessor | None = None
        _register(self._start, self._stop)

    def on_start(self, span: Any, parent_context: Any = None) -> None:
        """Called by the SDK."""
        if self._inner is not None:
            self._inner.on_start(span, parent_context)

    def on_end(self, span: Any) -> None:
        """Called by the SDK."""
        if self._inner is not None:
            self._inner.on_end(span)

    def shutdown(self) -> None:
        """Called by the SDK, at the end of a program without an agent: no thread can begin there any more."""
        if self._inner is not None:
            self._inner.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Called by the SDK."""
        return self._inner is None or self._inner.force_flush(timeout_millis)

    def _start(self) -> None:
        self._inner = self._make()

    def _stop(self) -> None:
        inner, self._inner = self._inner, None
        if inner is not None:
            _within(SHUTDOWN, inner.shutdown)


class PerWorkerMetricReader(MetricReader):  # type: ignore[misc]
    """Exports all metrics every `interval` seconds, and a last time before a promotion and at the end of a worker.

    `make` returns the exporter: a new one in each worker. It must prefer delta temporality: totals since the start would
    be handed on by a promotion, and reported by each fork once more.
    """

    def __init__(self, make: Callable[[], Any], interval: float = 60.0) -> None:
        exporter = make()
        super().__init__(
            preferred_temporality=exporter._preferred_temporality,
            preferred_aggregation=exporter._preferred_aggregation,
        )
        exporter.shutdown()  # its channel must not stay in the mold
        self._make = make
        self._interval = interval
        self._exporter: Any = None
        self._end = threading.Event()
        self._thread: threading.Thread | None = None
        _register(self._start, self._stop)

    def shutdown(self, *_: Any, **__: Any) -> None:
        """Called by the SDK."""
        self._stop()

    def _receive_metrics(self, metrics_data: Any, timeout_millis: float = 10_000, **_: Any) -> None:
        if metrics_data is not None:
            self._exporter.export(metrics_data, timeout_millis=timeout_millis)

    def _start(self) -> None:
        self._end = threading.Event()
        self._exporter = self._make()
        arguments = (self._end, self._exporter)
        self._thread = threading.Thread(target=self._run, args=arguments, name="refork-metrics", daemon=True)
        self._thread.start()

    def _run(self, end: threading.Event, exporter: Any) -> None:
        # Its own: a thread that a collector has held up may find itself replaced.
        ended = False
        while not ended:
            ended = end.wait(self._interval)
            if end is not self._end:
                break
            try:
                self.collect()
            except Exception:
                logging.getLogger(__name__).exception("metrics were not exported")
        exporter.shutdown()

    def _stop(self) -> None:
        thread, self._thread = self._thread, None
        if thread is not None:
            self._end.set()
            thread.join(SHUTDOWN)


def _register(start: Callable[[], None], stop: Callable[[], None]) -> None:
    def pause() -> Callable[[], None]:
        stop()
        return start

    after_fork(start)
    before_promote(pause)
    before_exit(stop)
    if not os.environ.get("REFORK_SOCKET"):
        start()


def _within(seconds: float, call: Callable[[], Any]) -> None:
    """Wait so long for the call; one that takes longer is left to its thread, which a promotion then names."""
    thread = threading.Thread(target=call, name="refork-shutdown", daemon=True)
    thread.start()
    thread.join(seconds)
