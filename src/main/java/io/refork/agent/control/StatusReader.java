package io.refork.agent.control;

import com.fasterxml.jackson.jr.ob.JSON;
import io.refork.agent.control.Status.Counters;
import io.refork.agent.control.Status.Failure;
import io.refork.agent.control.Status.Listener;
import io.refork.agent.control.Status.Measure;
import io.refork.agent.control.Status.Memory;
import io.refork.agent.control.Status.Mold;
import io.refork.agent.control.Status.Phase;
import io.refork.agent.control.Status.ProcessMemory;
import io.refork.agent.control.Status.Refork;
import io.refork.agent.control.Status.Worker;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/**
 * {@link StatusJson} read back, by the client. Lenient, because client and agent may be of two
 * versions: a field that is missing or of another type is unknown, empty or 0.
 */
public final class StatusReader {
  private StatusReader() {}

  /** What {@link LocalRequests} answered. */
  public sealed interface Answer {
    record State(Status status) implements Answer {}

    record Verdict(boolean accepted, String message) implements Answer {}

    record Refused(String error) implements Answer {}
  }

  /**
   * One line of the agent.
   *
   * @throws IOException when it is no answer
   */
  public static Answer answer(String line) throws IOException {
    var answer = new Fields(JSON.std.mapFrom(line));
    if (answer.has("status")) {
      return new Answer.State(status(answer.object("status")));
    }
    if (answer.has("accepted")) {
      return new Answer.Verdict(answer.bool("accepted"), answer.text("message"));
    }
    return new Answer.Refused(answer.text("error"));
  }

  /**
   * A status as {@link StatusJson#encode} wrote it.
   *
   * @throws IOException when it is no JSON object
   */
  public static Status decode(String json) throws IOException {
    return status(new Fields(JSON.std.mapFrom(json)));
  }

  private static Status status(Fields s) {
    return new Status(
        s.text("version"),
        s.text("session"),
        phase(s.text("phase")),
        s.bool("ready"),
        s.integer("desired"),
        s.integer("generation"),
        s.integer("level"),
        s.optional("mold").map(StatusReader::mold),
        s.list("workers", StatusReader::worker),
        memory(s.object("memory")),
        s.optional("refork").map(StatusReader::refork),
        s.list("failures", StatusReader::failure),
        s.list("listeners", StatusReader::listener),
        counters(s.object("counters")));
  }

  private static Phase phase(String word) {
    for (var phase : Phase.values()) {
      if (phase.name().toLowerCase(Locale.ROOT).equals(word)) {
        return phase;
      }
    }
    return Phase.BOOTING;
  }

  private static Mold mold(Fields m) {
    return new Mold(
        m.integer("pid"),
        m.integer("generation"),
        m.text("state"),
        processMemory(m.object("memory")));
  }

  private static Worker worker(Fields w) {
    return new Worker(
        w.integer("slot"),
        w.optionalInteger("pid"),
        w.integer("generation"),
        w.text("state"),
        w.whole("busy"),
        w.whole("served"),
        w.whole("errors"),
        w.decimal("oldestRequestSeconds"),
        w.decimal("ageSeconds"),
        processMemory(w.object("memory")));
  }

  private static ProcessMemory processMemory(Fields m) {
    return new ProcessMemory(
        m.measure("privateBytes"), m.measure("proportionalBytes"), m.measure("residentBytes"));
  }

  private static Memory memory(Fields m) {
    return new Memory(
        m.measure("proportionalBytes"),
        m.measure("savedBytes"),
        m.measure("sharedRatio"),
        m.measure("containerBytes"),
        m.measure("containerLimitBytes"),
        m.object("byRole").objects(StatusReader::processMemory));
  }

  private static Refork refork(Fields r) {
    return new Refork(
        r.text("id"),
        r.text("phase"),
        r.integer("updated"),
        r.integer("total"),
        r.text("outcome"),
        r.text("reason"),
        r.text("detail"));
  }

  private static Failure failure(Fields f) {
    return new Failure(
        f.text("at"),
        f.text("what"),
        f.optionalInteger("slot"),
        f.optionalInteger("pid"),
        f.integer("generation"),
        f.text("reason"));
  }

  private static Listener listener(Fields l) {
    return new Listener(
        l.text("name"), l.text("address"), l.measure("queueLength"), l.measure("queueLimit"));
  }

  private static Counters counters(Fields c) {
    return new Counters(
        c.whole("requests"),
        c.whole("requestErrors"),
        c.object("workerExits").numbers(),
        c.object("spawns").numbers(),
        c.object("reforks").objects(Fields::numbers),
        c.object("refusals").numbers(),
        c.whole("orphansReaped"),
        c.whole("logLinesDropped"),
        c.whole("connectionsTurnedAway"),
        c.decimal("backoffSeconds"));
  }

  /** A JSON object whose fields are asked for by type. */
  private record Fields(Map<?, ?> map) {
    boolean has(String name) {
      return map.containsKey(name);
    }

    String text(String name) {
      return map.get(name) instanceof String s ? s : "";
    }

    boolean bool(String name) {
      return Boolean.TRUE.equals(map.get(name));
    }

    int integer(String name) {
      return map.get(name) instanceof Number n ? n.intValue() : 0;
    }

    Optional<Integer> optionalInteger(String name) {
      return map.get(name) instanceof Number n ? Optional.of(n.intValue()) : Optional.empty();
    }

    long whole(String name) {
      return map.get(name) instanceof Number n ? n.longValue() : 0;
    }

    double decimal(String name) {
      return map.get(name) instanceof Number n ? n.doubleValue() : 0;
    }

    Measure measure(String name) {
      if (map.get(name) instanceof Number n) {
        return new Measure.Known(n.doubleValue());
      }
      var reason = text(name + "Reason");
      return new Measure.Unknown(reason.isEmpty() ? "not-reported" : reason);
    }

    Optional<Fields> optional(String name) {
      return map.get(name) instanceof Map<?, ?> m ? Optional.of(new Fields(m)) : Optional.empty();
    }

    Fields object(String name) {
      return optional(name).orElseGet(() -> new Fields(Map.of()));
    }

    <T> List<T> list(String name, Function<Fields, T> reader) {
      return map.get(name) instanceof List<?> list
          ? list.stream()
              .filter(Map.class::isInstance)
              .map(item -> reader.apply(new Fields((Map<?, ?>) item)))
              .toList()
          : List.of();
    }

    <T> Map<String, T> objects(Function<Fields, T> reader) {
      var read = new LinkedHashMap<String, T>();
      map.forEach(
          (name, value) -> {
            if (value instanceof Map<?, ?> m) {
              read.put(String.valueOf(name), reader.apply(new Fields(m)));
            }
          });
      return read;
    }

    Map<String, Long> numbers() {
      var read = new LinkedHashMap<String, Long>();
      map.forEach(
          (name, value) -> {
            if (value instanceof Number n) {
              read.put(String.valueOf(name), n.longValue());
            }
          });
      return read;
    }
  }
}
