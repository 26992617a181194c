package io.refork.operator.pass;

import io.refork.api.WorkerPoolStatus;
import io.refork.operator.plan.Note;
import java.time.Duration;
import java.util.List;

/**
 * What one pass does, in this order: write the status if it must be, then tell the agents what that
 * write confirmed ({@link Telling}), then the notes.
 *
 * @param status as it should be, the ledger in it
 * @param write whether it differs from the one that was read
 * @param notes for Events
 * @param nextLook the longest until the next pass
 */
public record Plan(WorkerPoolStatus status, boolean write, List<Note> notes, Duration nextLook) {
  public Plan {
    notes = List.copyOf(notes);
  }
}
