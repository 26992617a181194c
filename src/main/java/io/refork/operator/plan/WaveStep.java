package io.refork.operator.plan;

import io.refork.api.WaveLedger;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * What follows from one {@link WaveInput}.
 *
 * @param ledger to be written with the resource version that was read; nothing of it may be sent
 *     before that write is confirmed. Empty: not enough is known yet to begin one
 * @param changed whether it differs from the one that was read
 * @param view the same for people
 * @param nextLook when time alone may change something
 */
public record WaveStep(
    Optional<WaveLedger> ledger,
    boolean changed,
    WaveView view,
    List<Note> notes,
    Optional<Instant> nextLook) {
  public WaveStep {
    notes = List.copyOf(notes);
  }
}
