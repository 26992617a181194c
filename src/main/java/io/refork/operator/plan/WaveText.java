package io.refork.operator.plan;

import io.refork.api.WaveLedger;
import io.refork.api.WorkerPoolStatus.State;
import java.util.Optional;

/** The wave for people. */
final class WaveText {
  private WaveText() {}

  static WaveView unknown(WaveInput in) {
    var state = in.rules().paused() ? State.Paused : State.Idle;
    return new WaveView(
        state, 0, Optional.empty(), 0, 0, 0, "every pod is asked first where it stands");
  }

  static WaveView view(Draft draft, WaveLedger ledger) {
    var state = state(draft);
    int updated;
    int total;
    var request = draft.request;
    if (request != null && draft.requestRunning()) {
      total = Granting.asked(draft, request).size();
      updated = total - Granting.left(draft, request).size();
    } else {
      int level = draft.canary != null ? draft.canary.level() : draft.proven;
      total = draft.members().size();
      updated =
          (int)
              draft.members().stream()
                  .filter(p -> Draft.report(p).map(r -> r.level() >= level).orElse(false))
                  .count();
    }
    return new WaveView(
        state,
        draft.proven,
        Optional.of(ledger),
        updated,
        total,
        (int) draft.used(),
        message(draft, state));
  }

  private static State state(Draft draft) {
    if (draft.in.rules().paused()) {
      return State.Paused;
    }
    var canary = Settling.canaries(draft).findFirst();
    if (canary.isPresent()) {
      return canary.get().reachedAt() == null ? State.Canary : State.Soaking;
    }
    if (draft.backingOff()) {
      return State.Aborted;
    }
    if (draft.requestRunning() || !draft.grants.isEmpty()) {
      return State.Rolling;
    }
    return draft.abort == null ? State.Idle : State.Aborted;
  }

  private static String message(Draft draft, State state) {
    return switch (state) {
      case Paused -> "paused: no permits are given";
      case Aborted -> aborted(draft);
      case Canary, Soaking, Rolling ->
          running(draft)
              .orElseGet(
                  () ->
                      state == State.Soaking
                          ? "the first pod has reforked and is watched"
                          : "waiting for pods that can begin");
      case Idle -> idle(draft);
    };
  }

  private static String aborted(Draft draft) {
    var abort = draft.abort;
    return abort == null
        ? ""
        : "the refork of pod "
            + abort.pod()
            + " failed ("
            + abort.reason()
            + (abort.message().isEmpty() ? ")" : "): " + abort.message())
            + (draft.backingOff() ? "; next try not before " + abort.retryAt() : "");
  }

  private static Optional<String> running(Draft draft) {
    return draft.in.pods().stream()
        .filter(p -> !p.leaving())
        .flatMap(
            p ->
                Draft.report(p)
                    .flatMap(r -> r.running())
                    .map(
                        r ->
                            "pod "
                                + p.name()
                                + " reforks ("
                                + r.updated()
                                + " of "
                                + r.total()
                                + " workers)")
                    .stream())
        .findFirst();
  }

  private static String idle(Draft draft) {
    var request = draft.request;
    var proven = draft.proven > 0 ? "level " + draft.proven + " is proven" : "no refork yet";
    if (request == null) {
      return proven;
    }
    return switch (request.outcome()) {
      case Completed -> "the last requested wave is done";
      case DeadlineExceeded -> "the last requested wave ended at its progress deadline";
      case Superseded -> "the last requested wave ended with another template";
      case Running, Aborted -> proven;
    };
  }
}
