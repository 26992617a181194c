package io.refork.operator.pass;

import static org.assertj.core.api.Assertions.assertThat;

import io.refork.api.Pools;
import io.refork.api.WaveLedger;
import io.refork.api.WaveLedger.Grant;
import io.refork.api.WorkerPool;
import io.refork.operator.OperatorSettings;
import io.refork.operator.agents.Target;
import io.refork.operator.plan.PodSeen;
import io.refork.operator.pods.Children;
import io.refork.operator.status.Problem;
import io.refork.operator.status.Reason;
import io.refork.protocol.control.Revision;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** What follows from what one pass has seen, and what agents are told of it. */
class PlannerTest {
  private static final Instant NOW = Instant.parse("2026-11-21T13:20:00Z");
  private static final String NO_COMMAND =
      "spec: {template: {spec: {containers: [{name: app, image: x}]}}}";

  @Test
  @DisplayName("OP-06 a pass that has just written finds nothing to write")
  void settled() {
    var pool = Pools.shop();
    var first = Planner.plan(seen(pool));
    assertThat(first.write()).isTrue();
    pool.setStatus(first.status());
    var second = Planner.plan(seen(pool));
    assertThat(second.write()).isFalse();
    assertThat(second.notes()).isEmpty();
  }

  @Test
  @DisplayName(
      "OP-06 an operator that has just begun writes nothing before its agents have answered")
  void early() {
    var pool = Pools.shop();
    var pods = List.of(pod("p1", "10.0.0.1"));
    pool.setStatus(Planner.plan(seen(pool)).status());
    var plan = Planner.plan(seen(pool, pods, NOW.minusSeconds(1)));
    assertThat(plan.write()).isFalse();
    assertThat(plan.notes()).isEmpty();
    assertThat(plan.status()).isEqualTo(pool.getStatus());
    assertThat(Planner.plan(seen(pool, pods, NOW.minusSeconds(21))).write()).isTrue();
  }

  @Test
  @DisplayName("a template that cannot be: the condition says so, an Event once, no hot loop")
  void invalid() {
    var pool = Pools.shop(NO_COMMAND);
    var plan = Planner.plan(seen(pool));
    assertThat(plan.status().conditions())
        .filteredOn(c -> c.type().equals("Degraded"))
        .singleElement()
        .satisfies(
            c -> {
              assertThat(c.status()).isEqualTo("True");
              assertThat(c.reason()).isEqualTo("TemplateInvalid");
              assertThat(c.message()).contains("has no command");
            });
    assertThat(plan.notes())
        .singleElement()
        .satisfies(
            note -> {
              assertThat(note.warning()).isTrue();
              assertThat(note.reason()).isEqualTo(Reason.TemplateInvalid);
            });
    assertThat(plan.nextLook()).isGreaterThanOrEqualTo(Duration.ofSeconds(30));
    pool.setStatus(plan.status());
    assertThat(Planner.plan(seen(pool)).write()).isFalse();
    assertThat(Planner.plan(seen(pool)).notes()).isEmpty();
  }

  @Test
  @DisplayName("a child that someone stands in the way of: the condition, and another look")
  void problem() {
    var problem = Problem.ofPool(Reason.ChildConflict, "ConfigMap shop-agent exists already");
    var pool = Pools.shop();
    var plan =
        Planner.plan(
            new Seen(
                pool,
                children(pool),
                List.of(problem),
                Optional.empty(),
                List.of(),
                NOW,
                Optional.empty(),
                NOW));
    assertThat(plan.status().conditions())
        .anySatisfy(c -> assertThat(c.reason()).isEqualTo("ChildConflict"));
    assertThat(plan.nextLook()).isEqualTo(Duration.ofSeconds(30));
  }

  @Test
  @DisplayName(
      "OP-09 an agent is told the generation, the settings and the permit of the confirmed ledger")
  void told() {
    var pool = Pools.shop("metadata: {generation: 7}\nspec: {workers: 8}");
    var seen = seen(pool, pod("p1", "10.0.0.1"), pod("p2", "10.0.0.2"));
    var ledger = ledger(seen, "uid-p1");
    var targets = Telling.targets(seen, Optional.of(ledger));
    assertThat(targets).extracting(Target::uid).containsExactly("uid-p1", "uid-p2");
    var first = targets.get(0).desired();
    assertThat(first.pool()).isEqualTo("web/shop");
    assertThat(first.pod()).isEqualTo("uid-p1");
    assertThat(first.revision()).isEqualTo(new Revision(7, 42));
    assertThat(first.settings()).containsEntry("workers", "8");
    assertThat(first.permit()).hasValueSatisfying(p -> assertThat(p.id()).isEqualTo("g1"));
    assertThat(first.session()).contains("session-1");
    assertThat(targets.get(1).desired().permit()).isEmpty();
  }

  @Test
  @DisplayName("OP-09 without a confirmed ledger nobody has a permit")
  void unconfirmed() {
    var seen = seen(Pools.shop(), pod("p1", "10.0.0.1"));
    var target = Telling.targets(seen, Optional.empty()).getFirst();
    assertThat(target.desired().permit()).isEmpty();
    assertThat(target.desired().revision()).isEqualTo(new Revision(1, 0));
  }

  @Test
  @DisplayName("a pool whose template cannot be goes on as it is, without permits")
  void invalidTold() {
    var pool = Pools.shop(NO_COMMAND);
    var seen = seen(pool, pod("p1", "10.0.0.1"));
    var ledger = new WaveLedger("rev", 42, 0, null, List.of(grant("uid-p1")), null, null);
    var target = Telling.targets(seen, Optional.of(ledger)).getFirst();
    assertThat(target.desired().permit()).isEmpty();
    assertThat(target.desired().settings()).isEmpty();
  }

  @Test
  @DisplayName("pods without an address, and those that leave, are not asked")
  void silent() {
    var gone = pod("p2", "10.0.0.2");
    var leaving =
        new PodSeen(
            gone.uid(),
            gone.name(),
            gone.ip(),
            NOW,
            "rev",
            true,
            true,
            0,
            List.of(),
            Optional.empty());
    assertThat(Telling.targets(seen(Pools.shop(), pod("p1", ""), leaving), Optional.empty()))
        .isEmpty();
  }

  private static WaveLedger ledger(Seen seen, String uid) {
    var revision = ((Children.Desired) seen.children()).revision();
    return new WaveLedger(revision, 42, 0, null, List.of(grant(uid)), null, null);
  }

  private static Grant grant(String uid) {
    return new Grant("g1", uid, "session-1", 42, 1, false, "2026-11-21T13:25:00Z", false);
  }

  private static PodSeen pod(String name, String ip) {
    return new PodSeen(
        "uid-" + name,
        name,
        Optional.of(ip).filter(text -> !text.isEmpty()),
        NOW,
        ((Children.Desired) children(Pools.shop())).revision(),
        true,
        false,
        0,
        List.of(),
        Optional.empty());
  }

  private static Seen seen(WorkerPool pool, PodSeen... pods) {
    return seen(pool, List.of(pods), NOW.minusSeconds(60));
  }

  private static Seen seen(WorkerPool pool, List<PodSeen> pods, Instant since) {
    return new Seen(
        pool, children(pool), List.of(), Optional.empty(), pods, since, Optional.empty(), NOW);
  }

  private static Children children(WorkerPool pool) {
    return Children.of(pool, AGENT, "{}");
  }

  private static final OperatorSettings.Agent AGENT =
      new OperatorSettings.Agent() {
        @Override
        public String image() {
          return "refork-agent:test";
        }

        @Override
        public int port() {
          return 7300;
        }
      };
}
