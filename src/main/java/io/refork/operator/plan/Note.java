package io.refork.operator.plan;

import io.refork.operator.status.Reason;
import java.util.Optional;

/**
 * Something that happened, worth an Event on the pool.
 *
 * @param warning whether somebody should look
 * @param pod name of the pod it is about
 * @param message what, and why; escaped
 */
public record Note(boolean warning, Reason reason, Optional<String> pod, String message) {}
