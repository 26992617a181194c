package io.refork.operator.agents;

import io.refork.operator.agents.Transport.Reply;
import io.refork.protocol.control.DesiredCodec;
import io.refork.protocol.control.MalformedException;
import io.refork.protocol.control.Report;
import io.refork.protocol.control.ReportCodec;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Function;

/** The poller's thread, clock and network, played: time passes only when the test says so. */
final class PlayedLoop implements Loop, Transport {
  private static final Instant START = Instant.parse("2026-01-01T00:00:00Z");

  private record Later(long at, long order, Runnable task) {}

  /** A request as it was sent; {@code at} is since the start. */
  record Sent(String pod, String ip, Duration at, byte[] body) {}

  /** What a pod's agent answers, and how long that takes. */
  record Answer(Reply reply, Duration after) {}

  /** Every request so far. */
  final List<Sent> sent = new ArrayList<>();

  /** By pod UID. */
  private final Map<String, Function<Sent, Answer>> agents = new HashMap<>();

  private final ArrayDeque<Runnable> soon = new ArrayDeque<>();
  private final PriorityQueue<Later> later =
      new PriorityQueue<>(Comparator.comparingLong(Later::at).thenComparingLong(Later::order));
  private final Set<String> inFlight = new HashSet<>();
  private int mostInFlight;
  // Not zero: System.nanoTime may be anything, also negative.
  private long nanos = -5_000_000_000L;
  private final long begin = nanos;
  private long order;
  private long alarm;
  private boolean running;

  @Override
  public long nanos() {
    return nanos;
  }

  @Override
  public Instant now() {
    return START.plusNanos(nanos - begin);
  }

  @Override
  public void execute(Runnable task) {
    soon.add(task);
    if (!running) {
      drain();
    }
  }

  @Override
  public void alarm(Duration in, Runnable task) {
    long mine = ++alarm;
    at(
        Math.max(1, in.toNanos()),
        () -> {
          if (alarm == mine) {
            task.run();
          }
        });
  }

  @Override
  public void put(Request request, Consumer<Reply> done) {
    String pod;
    try {
      pod = DesiredCodec.decode(request.body()).pod();
    } catch (MalformedException e) {
      throw new AssertionError(e);
    }
    if (!inFlight.add(pod)) {
      throw new AssertionError("two requests to " + pod + " at once");
    }
    mostInFlight = Math.max(mostInFlight, inFlight.size());
    var asked =
        new Sent(
            pod,
            request.address().getHostAddress(),
            Duration.ofNanos(nanos - begin),
            request.body());
    sent.add(asked);
    var answer = agents.computeIfAbsent(pod, uid -> always(good(uid))).apply(asked);
    at(
        answer.after().toNanos(),
        () -> {
          inFlight.remove(pod);
          done.accept(answer.reply());
        });
  }

  /** From now on. */
  void agent(String pod, Function<Sent, Answer> behaviour) {
    agents.put(pod, behaviour);
  }

  void reports(String pod, Report report) {
    agent(pod, always(answer(report)));
  }

  /** No answer within the timeout. */
  void hangs(String pod) {
    agent(pod, s -> new Answer(new Reply.None(Transport.Cause.TIMEOUT), Duration.ofSeconds(2)));
  }

  private static Function<Sent, Answer> always(Answer answer) {
    return sent -> answer;
  }

  static Answer good(String pod) {
    return answer(Sample.report(pod));
  }

  static Answer answer(Report report) {
    return new Answer(
        new Reply.Answer(200, "application/json", ReportCodec.encode(report)),
        Duration.ofMillis(5));
  }

  /** Lets time pass. */
  void pass(Duration time) {
    long until = nanos + time.toNanos();
    while (!later.isEmpty() && later.peek().at() <= until) {
      var next = later.remove();
      nanos = Math.max(nanos, next.at());
      execute(next.task());
    }
    nanos = until;
  }

  int mostInFlight() {
    return mostInFlight;
  }

  List<Sent> sentTo(String pod) {
    return sent.stream().filter(s -> s.pod().equals(pod)).toList();
  }

  private void at(long in, Runnable task) {
    later.add(new Later(nanos + in, ++order, task));
  }

  private void drain() {
    running = true;
    try {
      for (var task = soon.poll(); task != null; task = soon.poll()) {
        task.run();
      }
    } finally {
      running = false;
    }
  }
}
