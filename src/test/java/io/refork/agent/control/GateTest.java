package io.refork.agent.control;

import static org.assertj.core.api.Assertions.assertThat;

import io.refork.agent.control.ControlOutcomes.Outcome;
import io.refork.agent.http.Head;
import io.refork.agent.http.Routes.Decision;
import io.refork.agent.log.Log;
import io.refork.protocol.control.Claims;
import io.refork.protocol.control.PublicKeys;
import io.refork.protocol.control.Tokens;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The gate's budgets, on a clock that the test turns. */
class GateTest {
  private static final String BODY = "{}";

  @TempDir Path dir;

  private final KeyPair key = Tokens.newKey();
  private final ControlOutcomes outcomes = new ControlOutcomes();
  private Instant now = Instant.parse("2026-11-21T12:00:00Z");
  private long nanos = 1;
  private int taken;
  private Gate gate;

  @BeforeEach
  void open() throws Exception {
    var file = dir.resolve("keys.json");
    Files.writeString(
        file, new PublicKeys(Tokens.ISSUER, Map.of(Tokens.KID, key.getPublic())).write());
    var log = Log.start(Log.Format.TEXT, line -> {});
    gate =
        new Gate(
            Tokens.POD,
            new KeysFile(Optional.of(file), log),
            body -> {
              taken++;
              return new DesiredSink.Answer(200, body);
            },
            outcomes,
            log,
            () -> now,
            () -> nanos);
  }

  @AfterEach
  void close() {
    gate.close();
  }

  private static Head.Peer peer(String address) {
    try {
      return new Head.Peer(InetAddress.getByName(address), address.startsWith("127."));
    } catch (UnknownHostException e) {
      throw new IllegalStateException(e);
    }
  }

  private Head head(String token, Head.Peer peer) {
    return new Head(
        new Head.Line("PUT", Tokens.PATH, 1), 2, List.of("Bearer " + token), true, peer);
  }

  private String token() {
    return Tokens.signed(key, Tokens.header(), Tokens.json(Tokens.claims(now, BODY)));
  }

  /** The answer of all steps. */
  private int ask(String token, Head.Peer peer) {
    var door = gate.door(peer);
    return door.isPresent() ? door.get().code() : pass(token, peer);
  }

  private int pass(String token, Head.Peer peer) {
    return switch (gate.decide(head(token, peer))) {
      case Decision.Answer(var reply) -> reply.code();
      case Decision.Work work -> work.work().apply(BODY.getBytes(StandardCharsets.UTF_8)).code();
    };
  }

  @Test
  @DisplayName(
      "TOK-19 who floods from inside uses up the budget of all loopback addresses, not the operator's")
  void inside() {
    int flooded = 0;
    for (int i = 0; i < 1000; i++) {
      flooded += ask("a.b.c", peer("127.0.0." + (1 + i % 250))) == 429 ? 1 : 0;
    }
    assertThat(flooded).isEqualTo(800);
    assertThat(outcomes.get(Outcome.FLOODED)).isEqualTo(800);
    assertThat(ask(token(), peer("10.0.0.1"))).isEqualTo(200);
    nanos += 1_000_000_000;
    assertThat(ask("a.b.c", peer("127.0.0.1"))).isEqualTo(401);
  }

  @Test
  @DisplayName(
      "TOK-19 forgeries that look right use up one client's verifications, 4 more each second")
  void verifications() {
    var forged = token();
    var flipped = forged.substring(0, forged.length() - 20) + "A".repeat(19) + "A";
    int verified = 0;
    for (int i = 0; i < 100; i++) {
      verified += ask(flipped, peer("10.0.0.9")) == 401 ? 1 : 0;
    }
    assertThat(verified).isEqualTo(20);
    nanos += 1_000_000_000;
    verified = 0;
    for (int i = 0; i < 100; i++) {
      verified += ask(flipped, peer("10.0.0.9")) == 401 ? 1 : 0;
    }
    assertThat(verified).isEqualTo(4);
    assertThat(ask(token(), peer("10.0.0.1"))).isEqualTo(200);
    assertThat(taken).isEqualTo(1);
  }

  @Test
  @DisplayName("TOK-19 all clients together have a budget, too")
  void together() {
    int flooded = 0;
    for (int i = 0; i < 2000; i++) {
      flooded += ask("a.b.c", peer("10.1." + i / 250 + "." + i % 250)) == 429 ? 1 : 0;
    }
    assertThat(flooded).isEqualTo(2000 - 600);
  }

  @Test
  @DisplayName("TOK-11 the table of seen ids is bounded; full, nothing is taken until they expire")
  void seen() {
    var seen = new SeenIds();
    for (int i = 0; i < SeenIds.MAX; i++) {
      assertThat(seen.add(claims("id" + i), now)).isEqualTo(SeenIds.Entry.NEW);
    }
    assertThat(seen.add(claims("one-more"), now)).isEqualTo(SeenIds.Entry.FULL);
    assertThat(seen.add(claims("id7"), now)).isEqualTo(SeenIds.Entry.SEEN);
    assertThat(seen.add(claims("one-more"), now.plusSeconds(60))).isEqualTo(SeenIds.Entry.FULL);
    assertThat(seen.add(claims("one-more"), now.plusSeconds(61))).isEqualTo(SeenIds.Entry.NEW);
  }

  private Claims claims(String id) {
    return new Claims("i", "p", now, now.plusSeconds(30), id, "PUT", "/", "");
  }

  @Test
  @DisplayName("a replay is 409 as long as its token is valid")
  void replay() {
    var token = token();
    assertThat(ask(token, peer("10.0.0.1"))).isEqualTo(200);
    assertThat(ask(token, peer("10.0.0.2"))).isEqualTo(409);
    now = now.plusSeconds(60);
    assertThat(ask(token, peer("10.0.0.1"))).isEqualTo(409);
    now = now.plusSeconds(1);
    assertThat(ask(token, peer("10.0.0.1"))).isEqualTo(401);
    assertThat(taken).isEqualTo(1);
  }

  @Test
  @DisplayName(
      "only so many requests are under way, and each makes room, also when its body never comes")
  void underWay() {
    var works = new java.util.ArrayList<Decision.Work>();
    for (int i = 0; i < 8; i++) {
      var decision = gate.decide(head(token(), peer("10.0.0." + i)));
      assertThat(decision).isInstanceOf(Decision.Work.class);
      works.add((Decision.Work) decision);
    }
    assertThat(pass(token(), peer("10.0.0.77"))).isEqualTo(429);
    works.getFirst().abandoned().run();
    assertThat(pass(token(), peer("10.0.0.77"))).isEqualTo(200);
  }

  @Test
  @DisplayName(
      "TOK-19 bodies that never come from one address, or from inside, keep nobody else out")
  void underWayEach() {
    for (int i = 0; i < 8; i++) {
      var stranger = gate.decide(head(token(), peer("10.0.0.66")));
      var inside = gate.decide(head(token(), peer("127.0.0." + (1 + i))));
      assertThat(stranger instanceof Decision.Work).isEqualTo(i < 2);
      assertThat(inside instanceof Decision.Work).isEqualTo(i < 2);
    }
    assertThat(pass(token(), peer("10.0.0.1"))).isEqualTo(200);
  }

  @Test
  @DisplayName("TOK-15 100,000 random tokens and addresses leave the same series and outcomes")
  void random() {
    var random = new Random(7);
    var metrics = new Metrics(() -> Statuses.serving(2), outcomes);
    long before = metrics.scrape().lines().count();
    for (int i = 0; i < 100_000; i++) {
      nanos += 10_000_000;
      var word = Long.toHexString(random.nextLong());
      var token =
          Tokens.base64(
              "{\"alg\":\"EdDSA\",\"typ\":\"refork-desired+jwt\",\"kid\":\"" + word + "\"}");
      ask(token + ".e30." + word, peer("10." + (i >> 16) + "." + (i >> 8 & 255) + "." + (i & 255)));
    }
    assertThat(metrics.scrape().lines().count()).isEqualTo(before);
    long all = 0;
    for (var outcome : Outcome.values()) {
      all += outcomes.get(outcome);
    }
    assertThat(all).isEqualTo(100_000);
  }
}
