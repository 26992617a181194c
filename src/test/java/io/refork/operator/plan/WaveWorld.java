package io.refork.operator.plan;

import io.refork.api.WaveLedger;
import io.refork.api.WorkerPoolSpec.Policy;
import io.refork.operator.plan.WaveInput.Rules;
import io.refork.protocol.control.Desired;
import io.refork.protocol.control.Permit;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.IntStream;

/** The API server, the pods and the network, with a watcher of what must never happen. */
final class WaveWorld implements SimulatedPod.Witness {
  static final Duration SOAK = Duration.ofSeconds(30);
  static final Duration DEADLINE = Duration.ofMinutes(10);

  private static final boolean TRACE = Long.getLong("refork.seed") != null;

  /** What the status holds. */
  record Stored(long version, Optional<WaveLedger> ledger, boolean paused) {}

  /** A request on its way, which may come late, twice, or never. */
  record Message(String uid, Desired desired) {}

  /** That a pod began or completed its part, at a time. */
  private record Done(String uid, String session, Instant at) {}

  final Random random;
  final Map<String, SimulatedPod> pods = new TreeMap<>();
  final List<Message> late = new ArrayList<>();
  final Map<String, Long> counts;
  Stored stored = new Stored(1, Optional.empty(), false);
  Rules rules;
  String template = "t1";
  int minReady;
  int replicas;
  Instant now = Instant.parse("2026-01-01T00:00:00Z");

  /**
   * After the status was lost, canaries may be repeated: only "once per request" is then judged.
   */
  boolean ledgerWasLost;

  private int made;
  private int templates = 1;
  private int tokens;
  private final Set<String> reforked = new HashSet<>();
  private final Map<String, List<Done>> began = new HashMap<>();
  private final Map<String, List<Done>> completed = new HashMap<>();

  WaveWorld(Random random, Map<String, Long> counts) {
    this.random = random;
    this.counts = counts;
    rules =
        new Rules(
            random.nextInt(4) == 0 ? Policy.Manual : Policy.Automatic,
            false,
            1 + random.nextInt(3),
            SOAK,
            DEADLINE,
            Optional.empty());
    replicas = 1 + random.nextInt(7);
  }

  /** The story of one schedule, when it is replayed. */
  void trace(String what) {
    if (TRACE) {
      System.out.println(now + " " + what);
    }
  }

  void count(String what) {
    counts.merge(what, 1L, Long::sum);
  }

  boolean write(long readVersion, Stored next) {
    if (stored.version() != readVersion) {
      count("conflicts");
      return false;
    }
    if (next.ledger().map(WaveLedger::abort).isPresent()
        && !next.ledger().map(WaveLedger::abort).equals(stored.ledger().map(WaveLedger::abort))) {
      began.clear(); // whoever failed has proven nothing; the next one is a canary again
    }
    stored = next;
    trace("writes " + next);
    return true;
  }

  // --- what people and the cluster do ------------------------------------------------------------

  /** Kubernetes makes and ends pods; a new one gets ready when it likes. */
  void kubernetes() {
    pods.values().removeIf(p -> p.leaving && random.nextBoolean());
    var current = pods.values().stream().filter(p -> !p.leaving).toList();
    var old = current.stream().filter(p -> !p.revision.equals(template)).findFirst();
    if (current.size() < replicas + (old.isPresent() ? 1 : 0)) {
      var uid = String.format("%02d-%03d", random.nextInt(100), made++);
      pods.put(uid, new SimulatedPod(uid, template, now, random, this));
    } else if (current.size() > replicas) {
      leave(old.orElse(current.get(random.nextInt(current.size()))));
    }
    for (var pod : pods.values()) {
      pod.ready = !pod.stuck && (pod.ready || random.nextInt(3) == 0);
    }
  }

  private void leave(SimulatedPod pod) {
    pod.leaving = true;
    pod.running = Optional.empty();
  }

  void trouble() {
    var list = List.copyOf(pods.values());
    var pod =
        list.isEmpty()
            ? Optional.<SimulatedPod>empty()
            : Optional.of(list.get(random.nextInt(list.size())));
    switch (random.nextInt(10)) {
      case 0 -> pod.ifPresent(this::leave);
      case 1 -> pod.ifPresent(SimulatedPod::restart);
      case 2 -> pod.ifPresent(p -> p.ready = false);
      case 3 -> replicas = Math.max(0, replicas + random.nextInt(5) - 2);
      case 4, 5 -> rules = with(rules, rules.paused(), Optional.of("request " + ++tokens));
      case 9 -> pod.ifPresent(p -> p.stuck = random.nextInt(3) == 0);
      case 6 -> rules = with(rules, !rules.paused(), rules.requestedAt());
      case 7 -> {
        if (random.nextInt(3) == 0) {
          template = "t" + ++templates;
        }
      }
      default -> {
        if (random.nextInt(8) == 0) {
          stored = new Stored(stored.version() + 1, Optional.empty(), false);
          ledgerWasLost = true;
          count("lost");
        }
      }
    }
  }

  void calm() {
    rules = with(rules, false, rules.requestedAt());
    replicas = Math.max(1, replicas);
  }

  private static Rules with(Rules rules, boolean paused, Optional<String> requestedAt) {
    return new Rules(
        rules.policy(),
        paused,
        rules.maxConcurrent(),
        rules.canarySoak(),
        rules.progressDeadline(),
        requestedAt);
  }

  // --- what must never happen --------------------------------------------------------------------

  @Override
  public void begins(SimulatedPod pod, Permit permit) {
    count("reforks");
    trace(pod.uid + " begins " + permit);
    var goal = goal(pod, permit);
    if (permit.request().isPresent()) {
      require(reforked.add(pod.uid + goal), pod.uid + " reforks twice for " + goal);
    }
    if (ledgerWasLost) {
      return;
    }
    var others =
        pods.values().stream()
            .filter(p -> p != pod && !p.leaving && p.running.isPresent())
            .map(p -> p.uid)
            .toList();
    require(
        others.size() < rules.maxConcurrent(),
        pod.uid + " reforks beside " + others + ", allowed are " + rules.maxConcurrent());
    var earlier =
        began.computeIfAbsent(goal, g -> new ArrayList<>()).stream()
            .filter(d -> !d.uid().equals(pod.uid))
            .filter(d -> pods.containsKey(d.uid()) && !pods.get(d.uid()).leaving)
            .filter(d -> pods.get(d.uid()).session().equals(d.session()))
            .filter(d -> pods.get(d.uid()).running.isPresent() || completedBy(goal, d.uid()))
            .toList();
    if (!earlier.isEmpty()) {
      boolean proven =
          witnesses(pod, permit).stream().anyMatch(d -> !now.isBefore(d.at().plus(SOAK)));
      require(proven, pod.uid + " follows " + earlier + " before anyone has proven " + goal);
    } else if (witnesses(pod, permit).isEmpty()) {
      require(others.isEmpty(), "canary " + pod.uid + " for " + goal + " is not alone: " + others);
      count("canaries");
    }
    began.get(goal).add(new Done(pod.uid, pod.session(), now));
  }

  /** Who has completed this before: this request, or this level or a higher one. */
  private List<Done> witnesses(SimulatedPod pod, Permit permit) {
    if (permit.request().isPresent()) {
      return completed.getOrDefault(goal(pod, permit), List.of());
    }
    return IntStream.range(permit.level(), permit.level() + 20)
        .mapToObj(level -> completed.getOrDefault(pod.revision + " level " + level, List.of()))
        .flatMap(List::stream)
        .toList();
  }

  private boolean completedBy(String goal, String uid) {
    return completed.getOrDefault(goal, List.of()).stream().anyMatch(d -> d.uid().equals(uid));
  }

  private String goal(SimulatedPod pod, Permit permit) {
    return permit.request().orElse(pod.revision + " level " + permit.level());
  }

  @Override
  public void completes(SimulatedPod pod, Permit permit) {
    trace(pod.uid + " completes " + permit.id());
    completed
        .computeIfAbsent(goal(pod, permit), g -> new ArrayList<>())
        .add(new Done(pod.uid, pod.session(), now));
  }

  private static void require(boolean holds, String otherwise) {
    if (!holds) {
      throw new AssertionError(otherwise);
    }
  }
}
