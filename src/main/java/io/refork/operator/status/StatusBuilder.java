package io.refork.operator.status;

import io.fabric8.kubernetes.client.utils.Serialization;
import io.refork.api.WaveLedger;
import io.refork.api.WorkerPoolStatus;
import io.refork.api.WorkerPoolStatus.Pods;
import io.refork.api.WorkerPoolStatus.ProblemPod;
import io.refork.api.WorkerPoolStatus.Rollout;
import io.refork.operator.plan.PodSeen;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The one place where a status is made. Pure: the same input gives the same status, so that nothing
 * is written while nothing happens.
 */
public final class StatusBuilder {
  /**
   * Bytes of a status as JSON: with a few thousand pools of it the API server's watch caches and
   * ours stay small.
   */
  public static final int MAX_BYTES = 8 * 1024;

  /**
   * How many bytes each text may have; the first room that fits is taken. The last one always fits:
   * StatusSizeTest.
   */
  private record Room(int problem, int condition, int wave) {}

  private static final List<Room> ROOMS =
      List.of(
          new Room(200, 320, 200),
          new Room(120, 240, 160),
          new Room(60, 160, 100),
          new Room(24, 80, 48));

  private StatusBuilder() {}

  /** The status of a pool as it was seen, at most {@value #MAX_BYTES} bytes as JSON. */
  public static WorkerPoolStatus build(StatusInput input) {
    var figures = Figures.of(input);
    var problems = problems(input);
    for (var room : ROOMS) {
      var status = build(input, figures, problems, room);
      if (room == ROOMS.getLast() || bytes(status) <= MAX_BYTES) {
        return status;
      }
    }
    throw new AssertionError("the last room is always taken");
  }

  /** What a status takes on the wire. */
  static int bytes(WorkerPoolStatus status) {
    return Serialization.asJson(status).getBytes(StandardCharsets.UTF_8).length;
  }

  private static WorkerPoolStatus build(
      StatusInput input, Figures figures, List<Problem> problems, Room room) {
    var present = input.present();
    var conditions = new Conditions(input, figures, problems, room.condition());
    return new WorkerPoolStatus(
        Conditions.generation(input),
        present.size(),
        (int) present.stream().filter(PodSeen::ready).count(),
        input.selector(),
        conditions.summary(),
        figures.newest(),
        figures.workers(),
        figures.generations(),
        figures.memory(),
        rollout(input, room.wave()),
        problemPods(problems, room.problem()),
        conditions.list());
  }

  private static Rollout rollout(StatusInput input, int room) {
    var wave = input.wave();
    return new Rollout(
        wave.state(),
        wave.level(),
        new Pods(wave.updated(), wave.total(), wave.reforking()),
        Text.cut(wave.message(), room),
        wave.ledger().map(ledger -> shortened(ledger, room)).orElse(null));
  }

  /** An abort's message is for people only: nothing is decided by it. */
  private static WaveLedger shortened(WaveLedger ledger, int room) {
    var abort = ledger.abort();
    return abort == null
        ? ledger
        : new WaveLedger(
            ledger.template(),
            ledger.seq(),
            ledger.proven(),
            ledger.canary(),
            ledger.grants(),
            ledger.request(),
            new WaveLedger.Abort(
                abort.reason(),
                Text.cut(abort.pod(), Text.NAME),
                Text.cut(abort.message(), room),
                abort.count(),
                abort.retryAt()));
  }

  private static List<ProblemPod> problemPods(List<Problem> problems, int room) {
    return problems.stream()
        .filter(problem -> problem.pod().isPresent())
        .limit(WorkerPoolStatus.MAX_PROBLEM_PODS)
        .map(
            problem ->
                new ProblemPod(
                    Text.cut(problem.pod().orElse(""), Text.NAME),
                    problem.reason().name(),
                    Text.cut(problem.sentence(), room)))
        .toList();
  }

  /** Everything that is wrong, worst first. */
  private static List<Problem> problems(StatusInput input) {
    var all = new ArrayList<>(input.problems());
    all.addAll(PodProblems.of(input));
    input
        .deployment()
        .flatMap(DeploymentSeen::failure)
        .map(StatusBuilder::refused)
        .ifPresent(all::add);
    input.wave().ledger().flatMap(ledger -> waves(input, ledger)).ifPresent(all::add);
    return all.stream().sorted(Problem.WORST_FIRST).toList();
  }

  private static Problem refused(String message) {
    var reason = message.contains("exceeded quota") ? Reason.QuotaExceeded : Reason.PodsRejected;
    return Problem.ofPool(reason, message);
  }

  private static Optional<Problem> waves(StatusInput input, WaveLedger ledger) {
    var abort = ledger.abort();
    if (abort != null) {
      return Optional.of(
          Problem.ofPod(
              Reason.ReforkAborted,
              abort.pod(),
              "%s: %s; next try not before %s"
                  .formatted(abort.reason(), abort.message(), abort.retryAt())));
    }
    var request = ledger.request();
    return request != null && request.outcome() == WaveLedger.Outcome.DeadlineExceeded
        ? Optional.of(Problem.ofPool(Reason.ProgressDeadlineExceeded, input.wave().message()))
        : Optional.empty();
  }
}
