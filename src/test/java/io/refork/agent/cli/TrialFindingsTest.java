package io.refork.agent.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import io.refork.agent.cli.LoadSeen.Kind;
import io.refork.agent.cli.LoadSeen.Part;
import io.refork.agent.cli.LoadSeen.Tally;
import io.refork.agent.cli.TrialSeen.MemorySeen;
import io.refork.agent.cli.TrialSeen.Outcome;
import io.refork.agent.cli.TrialSeen.PoolSeen;
import io.refork.agent.cli.TrialSeen.Warning;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** What was seen → what is said of it. */
class TrialFindingsTest {
  private static final int MIB = 1 << 20;
  private static final Tally FINE = tally(100, 0, 0, Map.of(), 10);
  private static final Outcome DONE = new Outcome.Completed(1.5);

  private static Tally tally(
      long sent, long lost, long errors, Map<String, Long> statuses, long slowest) {
    return new Tally(
        sent, lost, lost > 0 ? "/: connection reset" : "", errors, statuses, 0, slowest);
  }

  private static LoadSeen load(Tally before, Tally during, Tally after) {
    return new LoadSeen(
        Kind.HTTP, Map.of(Part.BEFORE, before, Part.DURING, during, Part.AFTER, after));
  }

  private static PoolSeen pool(int own, int resident, int descriptors, String... mold) {
    return new PoolSeen(
        Optional.of(new MemorySeen(2, own * MIB, resident * MIB, 3.0 * own * MIB)),
        descriptors,
        List.of(mold));
  }

  private static TrialSeen seen(LoadSeen load, Outcome outcome) {
    boolean done = outcome instanceof Outcome.Completed;
    return new TrialSeen(
        load,
        List.of(),
        List.of(),
        pool(80, 100, 12),
        done ? Optional.of(pool(5, 100, 12)) : Optional.empty(),
        done ? Optional.of(pool(9, 100, 12)) : Optional.empty(),
        List.of(),
        List.of(),
        outcome);
  }

  private static TrialSeen with(List<Warning> warnings, List<String> threads, Outcome outcome) {
    var s = seen(load(FINE, FINE, FINE), outcome);
    return new TrialSeen(
        s.load(),
        warnings,
        threads,
        s.before(),
        s.after(),
        s.later(),
        List.of("the connection to 10.0.0.1:5432"),
        List.of(Finding.fail("shared socket", "the connection to x", "")),
        outcome);
  }

  private static TrialSeen pools(PoolSeen before, PoolSeen after, PoolSeen later) {
    var s = seen(load(FINE, FINE, FINE), DONE);
    return new TrialSeen(
        s.load(),
        List.of(),
        List.of(),
        before,
        Optional.of(after),
        Optional.of(later),
        List.of(),
        List.of(),
        DONE);
  }

  private static String row(TrialSeen seen, String what) {
    return TrialFindings.of(seen).stream()
        .filter(f -> f.what().equals(what))
        .map(f -> f.verdict() + " " + f.found() + " → " + f.advice())
        .findFirst()
        .orElse("");
  }

  static Stream<Arguments> loads() {
    return Stream.of(
        arguments(
            "all answered",
            load(FINE, FINE, FINE),
            "OK 300 sent, 100 in the refork; 0 failed; slowest 10 ms before, 10 during, 10 after → "),
        arguments(
            "lost in the refork alone",
            load(FINE, tally(100, 2, 0, Map.of(), 10), FINE),
            "FAIL 300 sent, 100 in the refork; 2 failed (2 in the refork), as /: connection reset;*a refork must lose none*"),
        arguments(
            "lost anyway",
            load(tally(100, 9, 0, Map.of(), 10), tally(100, 2, 0, Map.of(), 10), FINE),
            "FAIL *11 failed (2 in the refork)*without a refork, too*"),
        arguments(
            "500 since the refork",
            load(FINE, FINE, tally(100, 0, 20, Map.of("500 /", 20L), 10)),
            "FAIL *20× 500 /*errors since the refork*"),
        arguments(
            "500 all the time",
            load(
                tally(100, 0, 20, Map.of("500 /", 20L), 10),
                tally(100, 0, 22, Map.of("500 /", 22L), 10),
                tally(100, 0, 19, Map.of("500 /", 19L), 10)),
            "WARN *61× 500 /*leave it out*"),
        arguments(
            "404 sometimes",
            load(tally(100, 0, 0, Map.of("404 /a", 50L), 10), FINE, FINE),
            "OK *50× 404 /a → "),
        arguments(
            "nothing but 400",
            load(tally(7, 0, 0, Map.of("400 /", 7L), 10), Tally.NOTHING, Tally.NOTHING),
            "WARN *7× 400 /*no request got through*--header*"),
        arguments(
            "slow in the refork",
            load(FINE, tally(100, 0, 0, Map.of(), 4000), FINE),
            "WARN *4000 during*slow in the refork*"),
        arguments(
            "slow anyway",
            load(tally(100, 0, 0, Map.of(), 3900), tally(100, 0, 0, Map.of(), 4000), FINE),
            "OK *"),
        arguments(
            "none was counted",
            load(Tally.NOTHING, Tally.NOTHING, Tally.NOTHING),
            "WARN none was sent*--path*"),
        arguments("no HTTP", LoadSeen.nothing(Kind.NOT_HTTP), "WARN none: *not speak HTTP*"),
        arguments("silent", LoadSeen.nothing(Kind.SILENT), "WARN none: *not answer*--path*"),
        arguments("no listener", LoadSeen.nothing(Kind.NONE), "WARN none: nothing listens → "));
  }

  @ParameterizedTest(name = "requests: {0}")
  @MethodSource("loads")
  void requests(String name, LoadSeen load, String expected) {
    assertThat(row(seen(load, DONE), "requests")).matches(glob(expected));
  }

  static Stream<Arguments> refusals() {
    return Stream.of(
        arguments(
            "threads",
            "thread 'APScheduler'",
            "*(thread 'APScheduler') → stop them in a before_promote hook*docs/recipes.md#background*"),
        arguments(
            "threads",
            "thread 'x', thread 'x', thread 'y': stop them in a before_promote hook, start them in after_fork",
            "*(2× thread 'x', thread 'y') → stop them*"),
        arguments(
            "threads",
            "native thread 'unnamed' (3 of them)",
            "*close what started them*OMP_NUM_THREADS=1*--allow-thread unnamed*"),
        arguments("children", "process 7 (ffmpeg)", "*(process 7 (ffmpeg)) → end them in*"),
        arguments(
            "descriptors",
            "descriptor 9 is a socket connected to 10.0.0.1:5432",
            "*10.0.0.1:5432) → close it in a before_promote hook*PostgreSQL*"),
        arguments("descriptors", "descriptor 9 is /data/shop.sqlite3", "*SQLite*contrib.django*"),
        arguments("not-fork-safe", "holds a licence", "*(holds a licence) → *says so itself*"),
        arguments("hook-failed", "ZeroDivisionError", "*mend the hook*"),
        arguments("fork-failed", "no", "*more processes*"),
        arguments("timeout", "requests in flight", "*--promote-timeout*"),
        arguments("canary-died", "signal 11", "*after_fork hook*"),
        arguments("canary-errors", "", "FAIL refused: canary-errors → *with errors*"),
        arguments("something-new", "", "*see the output above"));
  }

  @ParameterizedTest(name = "GEN-06 a refusal comes with what to do: {0} {1}")
  @MethodSource("refusals")
  void refusal(String reason, String detail, String expected) {
    var failed =
        seen(load(FINE, FINE, Tally.NOTHING), new Outcome.Failed("refused", reason, detail));
    assertThat(row(failed, "refork")).startsWith("FAIL refused: " + reason).matches(glob(expected));
    assertThat(row(failed, "memory")).startsWith("OK 80.0 MiB of a worker's 100 MiB are its own");
    assertThat(row(failed, "descriptors")).isEmpty();
  }

  @Test
  @DisplayName("the shim's warnings are rows, with the library that a name belongs to")
  void warnings() {
    var seen =
        with(
            List.of(
                new Warning("load-threads", "left running by loading: thread 'sentry.monitor'"),
                new Warning("setting", "gunicorn's workers is 5, the agent's --workers is 2"),
                new Warning("setting", "gunicorn's pidfile has no effect here"),
                new Warning("shared-socket", "descriptor 5 is connected to x")),
            List.of("unnamed"),
            DONE);
    assertThat(row(seen, "load-threads")).startsWith("WARN left running").contains("sentry-sdk: ");
    assertThat(row(seen, "setting")).contains("pidfile");
    assertThat(row(seen, "shared-socket")).as("has its own row, with the holders").isEmpty();
    assertThat(row(seen, "shared socket")).startsWith("FAIL");
    assertThat(row(seen, "threads")).as("told above").isEmpty();
    assertThat(row(seen, "connections")).as("closed for the promotion").isEmpty();
  }

  @Test
  @DisplayName(
      "threads that nobody warned of are of known kinds; the next refusal is told with the first")
  void threads() {
    assertThat(row(with(List.of(), List.of("libuv-worker"), DONE), "threads"))
        .isEqualTo("OK 1 in the mold, of kinds that are known to survive a fork → ");
    var refused = new Outcome.Failed("refused", "threads", "thread 'x'");
    assertThat(row(with(List.of(), List.of(), refused), "threads")).isEmpty();
    assertThat(row(with(List.of(), List.of(), refused), "connections"))
        .isEqualTo(
            "WARN workers hold the connection to 10.0.0.1:5432 → the next refusal (descriptors): close in a before_promote"
                + " hook; PostgreSQL: docs/recipes.md#sqlalchemy and #psycopg");
    var second = new Outcome.Failed("refused", "descriptors", "descriptor 9 is a socket");
    assertThat(row(with(List.of(), List.of(), second), "connections")).isEmpty();
  }

  @Test
  @DisplayName(
      "what the next mold has open beyond the boot mold's is named; growth of a worker is warned of")
  void descriptors() {
    var before = pool(80, 100, 12, "socket:[1]", "pipe:[2]", "/a", "/dev/shm/x");
    var after =
        pool(
            5, 100, 12, "socket:[7]", "pipe:[2]", "/a", "/dev/shm/x", "/log", "/log", "socket:[8]");
    assertThat(row(pools(before, after, after), "descriptors"))
        .isEqualTo("OK 12 in a worker before, 12 after; handed on: 2× /log, socket → ");
    assertThat(row(pools(before, before, pool(5, 100, 18)), "descriptors"))
        .as("a worker's own end with it")
        .startsWith("OK 12 in a worker before, 18 after");
    var leaking = pool(5, 100, 12, "/a", "/1", "/2", "/3", "/4", "/5", "/6");
    assertThat(row(pools(before, leaking, leaking), "descriptors"))
        .matches(glob("WARN *handed on: /1, /2, /3, /4 and 2 more*each refork*"));
  }

  static Stream<Arguments> memories() {
    return Stream.of(
        arguments(
            pool(80, 100, 0),
            pool(5, 100, 0),
            pool(9, 100, 0),
            "OK a worker's own: 80.0 MiB before, 5.0 MiB after, 9.0 MiB after*shared 20 → 95 → 91 %; together 240 MiB → 15.0*→ "),
        arguments(
            pool(4, 40, 0), pool(3, 40, 0), pool(3, 40, 0), "OK *little to gain*1.0 MiB a worker*"),
        arguments(
            pool(80, 100, 0), pool(5, 100, 0), pool(40, 100, 0), "WARN *write to much*sharing.md*"),
        arguments(
            pool(80, 100, 0), pool(60, 100, 0), pool(61, 100, 0), "WARN *little stays shared*"),
        arguments(
            new PoolSeen(Optional.empty(), 0, List.of()),
            pool(1, 1, 0),
            pool(1, 1, 0),
            "WARN cannot be read*"));
  }

  @ParameterizedTest(name = "MEM-02 memory kept and lost: {3}")
  @MethodSource("memories")
  void memory(PoolSeen before, PoolSeen after, PoolSeen later, String expected) {
    assertThat(row(pools(before, after, later), "memory")).matches(glob(expected));
  }

  @Test
  @DisplayName("a refork that never began or ended is a failure")
  void unknown() {
    assertThat(row(seen(load(FINE, FINE, FINE), new Outcome.Unknown("not finished")), "refork"))
        .isEqualTo("FAIL not finished → see the output above");
    assertThat(row(seen(load(FINE, FINE, FINE), DONE), "refork"))
        .startsWith("OK ")
        .contains("1.5 s");
  }

  @Test
  @DisplayName("a refork that takes long is a warning: in production it may be refused for it")
  void longRefork() {
    assertThat(row(seen(load(FINE, FINE, FINE), new Outcome.Completed(39)), "refork"))
        .matches(glob("WARN *it took 39.0 s → *--promote-timeout*"));
  }

  @Test
  @DisplayName("a row prints nothing of others as it is")
  void escaped() {
    var out = new ByteArrayOutputStream();
    var row = Finding.warn("code\u001b[2J\n  ok", "found\u001b[2J", "");
    Finding.print(new PrintStream(out, true, UTF_8), "heading", List.of(row));
    assertThat(out.toString(UTF_8)).doesNotContain("\u001b").hasLineCount(2);
  }

  private static String glob(String text) {
    return "(?s)" + java.util.regex.Pattern.quote(text).replace("*", "\\E.*\\Q");
  }
}
