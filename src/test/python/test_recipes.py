"""PY-10: recipes of docs/recipes.md for what reports: sentry-sdk, OpenTelemetry, prometheus_client; and without them."""

import os
import re
import signal
import subprocess

import pytest
from backends import Collector
from peer import eventually
from recipes import RECIPES, Shop, live, recipe, refusal
from servers import get, python


@pytest.fixture
def collector():
    with Collector() as collector:
        yield collector


# sentry-sdk

SENTRY_USE = """
import sentry_sdk


def use(_path):
    return sentry_sdk.capture_message("something happened")
"""


def sentry_events(collector):
    return [re.findall(rb'"event_id":"(\w+)"', item)[0] for item in collector.items(b"event")]


def test_py_10_sentry_every_event_arrives(agent, collector):
    dsn = f"http://key@127.0.0.1:{collector.port}/1"
    shop = live(agent, recipe("sentry-sdk") + SENTRY_USE, SENTRY_DSN=dsn)
    sent = {a["value"] for a in shop.answers}
    eventually(lambda: {e.decode() for e in sentry_events(collector)} == sent)
    assert len(sent) == len(shop.answers)


def test_py_10_sentry_without_it_a_thread_refuses(agent, collector):
    dsn = f"http://key@127.0.0.1:{collector.port}/1"
    code = f"import sentry_sdk\nsentry_sdk.init(dsn={dsn!r})\n" + SENTRY_USE
    reason, detail = refusal(agent, code)
    assert (reason, "thread 'sentry-sdk.BackgroundWorker'" in detail) == ("threads", True)


def test_py_10_sentry_with_traces_profiles_and_logs(agent, collector):
    """Each has a thread of its own."""
    dsn = f"http://key@127.0.0.1:{collector.port}/1"
    more = "traces_sample_rate=1.0, profiles_sample_rate=1.0, enable_logs=True)"
    code = recipe("sentry-sdk").rstrip().removesuffix(")") + f", {more}\n"
    code += "from sentry_sdk.integrations.wsgi import SentryWsgiMiddleware as wrapped\n"
    use = "import logging, sentry_sdk\n\n\ndef use(_path):\n    logging.getLogger('x').error('logged')\n"
    shop = live(agent, code + use, "application = wrapped(application)\n", SENTRY_DSN=dsn)
    eventually(lambda: len(collector.items(b"transaction")) == len(shop.answers))
    assert len(collector.items(b"event")) == len(shop.answers)
    logged = re.findall(rb'"body":"logged"', b"".join(collector.items(b"log")))
    assert len(logged) == len(shop.answers)


def test_py_10_sentry_that_does_not_answer_costs_seconds_and_the_worker_serves_on(agent, collector):
    dsn = f"http://key@127.0.0.1:{collector.port}/1"
    shop = Shop(agent, recipe("sentry-sdk") + SENTRY_USE, {"SENTRY_DSN": dsn})
    collector.open.clear()
    shop.ask()
    reason, detail = shop.refused()
    assert (reason, "sentry-sdk.BackgroundWorker" in detail) == ("threads", True)
    shop.ask()
    collector.open.set()
    eventually(lambda: len(sentry_events(collector)) == len(shop.answers))
    shop.stop()


def test_py_10_sentry_that_does_not_answer_with_a_full_queue_is_left_once_it_answers(agent, collector):
    use = "\n\ndef use(path):\n    for n in range({'/many': 150, '/use': 1}.get(path, 0)):\n"
    use += "        refork.contrib.sentry.sentry_sdk.capture_message(str(n))\n"
    use += "    return [t.name for t in __import__('threading').enumerate()].count('sentry-sdk.BackgroundWorker')\n"
    code = "import refork.contrib.sentry\nrefork.contrib.sentry.SHUTDOWN = 0.5\n" + recipe("sentry-sdk") + use
    shop = Shop(agent, code, {"SENTRY_DSN": f"http://key@127.0.0.1:{collector.port}/1"})
    shop.workers.pop().stop()
    shop.ask()
    collector.open.clear()
    assert get(agent, "/many")[0] == 200
    assert shop.refused()[0] == "threads"
    collector.open.set()
    eventually(lambda: get(agent, "/threads")[1]["value"] == 0, "the thread does not end")
    assert len(sentry_events(collector)) > 100
    shop.stop()


def test_py_10_sentry_that_is_far_away_gets_what_waits_when_a_worker_ends(agent, collector):
    """And what is exported after it, too."""
    use = "\n\ndef use(_path):\n    trace.get_tracer('shop').start_span('span-1.').end()\n"
    use += "    return [refork.contrib.sentry.sentry_sdk.capture_message(str(n)) for n in range(4)]\n"
    env = otlp(collector, SENTRY_DSN=f"http://key@127.0.0.1:{collector.port}/1")
    shop = Shop(agent, recipe("sentry-sdk") + recipe("OpenTelemetry: traces") + use, env)
    collector.delay = 0.4
    assert get(agent, "/use")[0] == 200
    shop.stop()
    assert (len(sentry_events(collector)), spans(collector)) == (4, ["span-1."])


# OpenTelemetry

TRACES_USE = """
import itertools, os
from opentelemetry import trace

tracer = trace.get_tracer("shop")
numbers = itertools.count()


def use(_path):
    name = f"span-{os.getpid()}-{next(numbers)}."
    with tracer.start_as_current_span(name):
        return name
"""
PLAIN_TRACES = """
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

trace.set_tracer_provider(TracerProvider())
trace.get_tracer_provider().add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
"""


def otlp(collector, **more):
    return {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector.port}", **more}


def spans(collector):
    return sorted(
        n.decode() for body in collector.bodies("/traces") for n in re.findall(rb"span-[\d-]+\.", body)
    )


@pytest.mark.parametrize("delay", ["100", "60000"])
def test_py_10_opentelemetry_every_span_arrives_once(agent, collector, delay):
    env = otlp(collector, OTEL_BSP_SCHEDULE_DELAY=delay)
    shop = live(agent, recipe("OpenTelemetry: traces") + TRACES_USE, **env)
    assert spans(collector) == sorted(a["value"] for a in shop.answers)


def test_py_10_opentelemetry_without_it_a_connection_refuses(agent, collector):
    env = otlp(collector, OTEL_BSP_SCHEDULE_DELAY="100")
    shop = Shop(agent, PLAIN_TRACES + TRACES_USE, env)
    shop.ask()
    eventually(lambda: len(spans(collector)) == len(shop.answers))
    reason, detail = shop.refused()
    assert (reason, f"connected to 127.0.0.1:{collector.port}" in detail) == ("descriptors", True)


def test_py_10_opentelemetry_without_it_spans_are_lost_at_the_end(agent, collector):
    env = otlp(collector, OTEL_BSP_SCHEDULE_DELAY="60000")
    shop = Shop(agent, PLAIN_TRACES + TRACES_USE, env)
    shop.ask()
    shop.stop()
    assert spans(collector) == []


def test_py_10_opentelemetry_a_collector_that_hangs_costs_seconds_and_the_worker_serves_on(agent, collector):
    env = otlp(collector, OTEL_BSP_SCHEDULE_DELAY="100")
    shop = Shop(agent, recipe("OpenTelemetry: traces") + TRACES_USE, env)
    collector.open.clear()
    shop.ask()
    eventually(lambda: spans(collector))
    reason, detail = shop.refused()
    assert (reason, "OtelBatchSpanRecordProcessor" in detail) == ("threads", True)
    collector.open.set()
    shop.ask()
    shop.stop()
    assert {a["value"] for a in shop.answers} == set(spans(collector))


METRICS_USE = """
counter = metrics.get_meter("shop").create_counter("requests")


def use(_path):
    counter.add(1)
"""
SUMS = """
import sys
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest as Request

requests = [Request.FromString(bytes.fromhex(line)) for line in sys.stdin]
metrics = [m for r in requests for rm in r.resource_metrics for sm in rm.scope_metrics for m in sm.metrics]
print(sum(p.as_int for m in metrics if m.name == "requests" for p in m.sum.data_points))
"""


def total(collector):
    lines = "\n".join(body.hex() for body in collector.bodies("/metrics"))
    command = [python(RECIPES), "-c", SUMS]
    done = subprocess.run(command, input=lines, capture_output=True, text=True, check=True, timeout=30)
    return int(done.stdout)


COUNTED = """
import opentelemetry.exporter.otlp.proto.http.metric_exporter as exporters

open_ones = []


class Counted(exporters.OTLPMetricExporter):
    def __init__(self, *args, **options):
        open_ones.append(self)
        super().__init__(*args, **options)

    def shutdown(self, *args, **options):
        open_ones.remove(self)
        super().shutdown(*args, **options)


exporters.OTLPMetricExporter = Counted
"""


def test_py_10_opentelemetry_metrics_add_up(agent, collector):
    code = COUNTED + recipe("OpenTelemetry: metrics") + METRICS_USE + "    return len(open_ones)\n"
    shop = live(agent, code, **otlp(collector))
    assert total(collector) == len(shop.answers)
    assert {a["value"] for a in shop.answers} == {1}, "the mold's exporter is open"


def test_py_10_opentelemetry_metrics_go_on_after_a_collector_has_hung(agent, collector):
    use = (
        METRICS_USE
        + "    return [t.name for t in __import__('threading').enumerate()].count('refork-metrics')\n"
    )
    code = "import refork.contrib.opentelemetry\nrefork.contrib.opentelemetry.SHUTDOWN = 0.5\n"
    shop = Shop(agent, code + recipe("OpenTelemetry: metrics") + use, otlp(collector))
    shop.ask()
    collector.open.clear()
    reason, detail = shop.refused()
    assert (reason, "refork-metrics" in detail) == ("threads", True)
    collector.open.set()

    def one_thread():
        shop.ask()
        return [a["value"] for a in shop.answers if a["pid"] == shop.workers[0].pid][-1] == 1

    eventually(one_thread)
    shop.ask()
    shop.promote()
    shop.stop()
    assert total(collector) == len(shop.answers)


def test_py_10_opentelemetry_metrics_without_it_a_connection_refuses(agent, collector):
    plain = """
from opentelemetry import metrics
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader

reader = PeriodicExportingMetricReader(OTLPMetricExporter(), export_interval_millis=100)
metrics.set_meter_provider(MeterProvider(metric_readers=[reader]))
"""
    shop = Shop(agent, plain + METRICS_USE, otlp(collector))
    shop.ask()
    eventually(lambda: collector.bodies("/metrics"))
    reason, detail = shop.refused()
    assert (reason, f"connected to 127.0.0.1:{collector.port}" in detail) == ("descriptors", True)


# prometheus_client

PROMETHEUS_USE = """
from prometheus_client import Gauge

BUSY = Gauge("shop_busy", "Workers that have served", multiprocess_mode="livesum")


def use(path):
    if path == "/metrics":
        return metrics_page()
    REQUESTS.labels("use").inc()
    BUSY.set(1)
"""


def scrape(agent):
    _, page = get(agent, "/metrics")
    return {name: float(value) for name, value in re.findall(r"^(shop_\w+)\S* (\S+)$", page.decode(), re.M)}


def test_py_10_prometheus_totals_are_exact_and_files_bounded(agent):
    folder = agent.directory / "metrics"
    folder.mkdir()
    shop = Shop(
        agent,
        recipe("prometheus_client, multiprocess") + PROMETHEUS_USE,
        {"PROMETHEUS_MULTIPROC_DIR": str(folder)},
    )
    counts = []
    for _ in range(4):
        shop.ask()
        seen = scrape(agent)
        assert (seen["shop_requests_total"], seen["shop_busy"]) == (len(shop.answers), 2)
        # A mold's fork that follows another in the same slot, both times one that says nothing about its end.
        for _ in range(2):
            shop.workers[1].kill(signal.SIGKILL)
            shop.workers[1].exit_code()
            shop.workers[1] = agent.spawn(shop.mold, 1)
            assert scrape(agent)["shop_busy"] == 1, "what is killed is not alive"
            shop.ask()
        shop.fail_to_promote()
        shop.ask()
        shop.promote()
        counts.append(sorted(path.name for path in folder.glob("counter_*.db")))
    assert scrape(agent)["shop_requests_total"] == len(shop.answers)
    assert counts[0] == counts[-1], "no more files than slots, and the boot mold's"
    assert len(counts[0]) <= 3
    assert list(folder.glob("gauge_live*_pid*.db")) == [], "the boot mold has ended"
    shop.stop()
    assert list(folder.glob("gauge_live*_[0-9]*.db")) == []


def test_py_10_prometheus_without_it_each_worker_leaves_files(agent):
    folder = agent.directory / "metrics"
    folder.mkdir()
    plain = recipe("prometheus_client, multiprocess").replace("import refork.contrib.prometheus", "")
    shop = live(agent, plain + PROMETHEUS_USE, PROMETHEUS_MULTIPROC_DIR=str(folder))
    assert shop.generation == 3
    assert len(list(folder.glob("counter_*.db"))) >= 8
    assert len(list(folder.glob("gauge_live*.db"))) >= 8


def test_py_10_without_an_agent_the_integrations_are_the_libraries_own(tmp_path, collector):
    code = "".join(
        [
            recipe("sentry-sdk"),
            recipe("OpenTelemetry: traces"),
            recipe("OpenTelemetry: metrics"),
            recipe("prometheus_client, multiprocess"),
            "trace.get_tracer('shop').start_span('span-1.').end()\n",
            "metrics.get_meter('shop').create_counter('requests').add(1)\n",
            "sentry_sdk = __import__('sentry_sdk')\nsentry_sdk.capture_message('once')\n",
            "REQUESTS.labels('x').inc()\nprint(metrics_page().decode())\n",
        ]
    )
    env = {k: v for k, v in os.environ.items() if not k.startswith("REFORK_")}
    env.update(
        otlp(collector),
        SENTRY_DSN=f"http://key@127.0.0.1:{collector.port}/1",
        PROMETHEUS_MULTIPROC_DIR=str(tmp_path),
    )
    done = subprocess.run(
        [python(RECIPES), "-c", code], env=env, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert 'shop_requests_total{page="x"} 1.0' in done.stdout
    assert (spans(collector), total(collector), len(sentry_events(collector))) == (["span-1."], 1, 1)
