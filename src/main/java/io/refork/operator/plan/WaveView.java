package io.refork.operator.plan;

import io.refork.api.WaveLedger;
import io.refork.api.WorkerPoolStatus.State;
import java.util.Optional;

/**
 * The wave as it was planned in this pass: what the status tells of it.
 *
 * @param state where it stands
 * @param level the highest that is proven
 * @param ledger what the next pass goes on from; the write of the status that holds it is what
 *     makes its permits valid. Empty: it was lost, and not every pod has been asked yet
 * @param updated pods of the wave that have done their part
 * @param total pods of the wave
 * @param reforking pods that hold a permit or report a running refork
 * @param message one line for people, without what to do about it; escaped
 */
public record WaveView(
    State state,
    int level,
    Optional<WaveLedger> ledger,
    int updated,
    int total,
    int reforking,
    String message) {}
