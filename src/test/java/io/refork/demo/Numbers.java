package io.refork.demo;

import io.refork.bench.MemoryPlot;
import io.refork.bench.MemoryPlot.Line;
import io.refork.bench.MemoryPlot.Mark;
import io.refork.bench.MemoryPlot.Point;
import io.refork.bench.Replies;
import io.refork.bench.Replies.Summary;
import io.refork.bench.Table;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.ToDoubleFunction;
import java.util.stream.Stream;

/** What a demonstration measured, stage by stage: from one refork to the next. */
final class Numbers {
  private static final double MIB = 1 << 20;
  private static final Path PLOT = Path.of("target/demo/memory.svg");

  private final long start = System.nanoTime();
  private final Map<String, PodReading> last = new TreeMap<>();
  private final Map<String, PodReading> before = new TreeMap<>();
  private final List<Point> resident = new ArrayList<>();
  private final List<Point> proportional = new ArrayList<>();
  private final List<Point> container = new ArrayList<>();
  private final List<Mark> marks = new ArrayList<>();
  private final List<Stage> stages = new ArrayList<>();
  private String stage = "";
  private long since = start;

  /** A stage that is over; memory as a mean of the pods, in bytes. */
  private record Stage(
      String name, double proportional, double container, double shared, Summary traffic) {}

  void begin(String name) {
    stage = name;
    since = System.nanoTime();
  }

  /** The pods as they are now. */
  void add(Map<String, PodReading> readings) {
    last.keySet().retainAll(readings.keySet());
    last.putAll(readings);
    point(resident, PodReading::resident);
    point(proportional, PodReading::proportional);
    point(container, PodReading::container);
  }

  private void point(List<Point> points, ToDoubleFunction<PodReading> what) {
    double mean = mean(what);
    if (!Double.isNaN(mean)) {
      points.add(new Point(seconds(), mean / MIB));
    }
  }

  private double mean(ToDoubleFunction<PodReading> what) {
    return last.values().stream().mapToDouble(what).average().orElse(Double.NaN);
  }

  private double seconds() {
    return (System.nanoTime() - start) / 1e9;
  }

  void next(String name, Replies replies) {
    end(replies);
    marks.add(new Mark(seconds(), name.replace("after ", "")));
    begin(name);
  }

  void end(Replies replies) {
    if (stages.isEmpty()) {
      before.putAll(last);
    }
    stages.add(
        new Stage(
            stage,
            mean(PodReading::proportional),
            mean(PodReading::container),
            mean(PodReading::shared),
            replies.between(since, System.nanoTime())));
  }

  void report(Visitors visitors) throws IOException {
    var table =
        new Table(
            Stream.concat(
                    Stream.of("memory of a pod", "ΣPSS MiB", "cgroup MiB", "shared"),
                    Table.trafficColumns().stream())
                .toArray(String[]::new));
    for (var s : stages) {
      table.row(
          s.name(),
          Stream.concat(
              Stream.of(
                  Table.mebibytes(s.proportional()),
                  Table.mebibytes(s.container()),
                  Table.percent(s.shared())),
              Table.traffic(s.traffic())));
    }
    System.out.print("\n" + table);
    System.out.println(
        "Memory: mean of the two pods at the end of that time. ΣPSS is the anonymous memory of workers and molds; the"
            + "\ncgroup is charged with the agent and the page cache, too. A stage's traffic includes the refork that it begins with.");
    var pods =
        new Table(
            "pod", "ΣPSS before", "after", "cgroup before", "after", "shared before", "after");
    last.forEach((pod, now) -> pods.row(pod, cells(before.getOrDefault(pod, now), now)));
    System.out.print("\n" + pods);
    visitors.replies().failures().forEach(f -> System.out.println("failed: " + f));
    if (visitors.again() > 0) {
      System.out.println(
          visitors.again()
              + " requests met a connection that had just been closed and were sent again, as browsers do.");
    }
    Files.createDirectories(PLOT.getParent());
    Files.writeString(
        PLOT,
        MemoryPlot.svg(
            "Memory of a pod: four workers of a Flask shop, mean of two pods",
            List.of(
                new Line("four unshared copies", "#d55e00", resident),
                new Line("ΣPSS of workers and molds", "#0072b2", proportional),
                new Line("cgroup", "#999999", container)),
            marks));
    System.out.println("ΣPSS over time " + Sparkline.of(proportional) + "   plot: " + PLOT);
  }

  private static Stream<String> cells(PodReading before, PodReading now) {
    return Stream.of(
        Table.mebibytes(before.proportional()),
        Table.mebibytes(now.proportional()),
        Table.mebibytes(before.container()),
        Table.mebibytes(now.container()),
        Table.percent(before.shared()),
        Table.percent(now.shared()));
  }
}
