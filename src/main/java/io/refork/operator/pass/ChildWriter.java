package io.refork.operator.pass;

import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.javaoperatorsdk.operator.processing.event.ResourceID;
import io.javaoperatorsdk.operator.processing.event.source.informer.InformerEventSource;
import io.refork.api.WorkerPool;
import io.refork.operator.pods.Matcher;
import io.refork.operator.pods.Names;
import io.refork.operator.status.Problem;
import io.refork.operator.status.Reason;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Brings one child about: writes only when it is not as desired, never over an object that is not
 * the pool's own, and not again at once when the API server has refused it.
 */
public final class ChildWriter {
  /** A pool whose pods come and go has many passes; what was refused a moment ago will be again. */
  private static final Duration PATIENCE = Duration.ofSeconds(15);

  private final KubernetesClient client;
  private final InstantSource clock;
  private final Map<String, Refusal> refusals = new ConcurrentHashMap<>();

  private record Refusal(HasMetadata desired, Problem problem, Instant until) {}

  /** How it went. */
  public sealed interface Outcome<T> {
    /** It is as desired now. */
    record Done<T>(T actual) implements Outcome<T> {}

    /**
     * It is not.
     *
     * @param actual what is there instead, when it is the pool's own
     */
    record Failed<T>(Problem problem, Optional<T> actual) implements Outcome<T> {}

    /** The namespace is going: nothing is to be made there any more. */
    record Going<T>() implements Outcome<T> {}
  }

  public ChildWriter(KubernetesClient client, InstantSource clock) {
    this.client = client;
    this.clock = clock;
  }

  /**
   * @param cache where the child is seen; learns at once what was written
   * @throws KubernetesClientException the API server cannot do it now: try later
   */
  public <T extends HasMetadata> Outcome<T> write(
      WorkerPool pool, T desired, InformerEventSource<T, WorkerPool> cache) {
    var cached = cache.get(ResourceID.fromResource(desired));
    var own = cached.filter(actual -> Names.owns(pool, actual));
    if (own.isPresent() && Matcher.matches(desired, own.get())) {
      return new Outcome.Done<>(own.get());
    }
    var refused = refusals.get(key(pool, desired));
    if (refused != null
        && refused.desired().equals(desired)
        && clock.instant().isBefore(refused.until())) {
      return new Outcome.Failed<>(refused.problem(), own);
    }
    var outcome = attempt(pool, desired, own, cache);
    if (outcome instanceof Outcome.Failed<T>(var problem, _)) {
      var until = clock.instant().plus(PATIENCE);
      refusals.put(key(pool, desired), new Refusal(desired, problem, until));
    } else {
      refusals.remove(key(pool, desired));
    }
    return outcome;
  }

  /** The pool is gone. */
  public void forget(WorkerPool pool) {
    refusals.keySet().removeIf(key -> key.startsWith(pool.getMetadata().getUid()));
  }

  private static String key(WorkerPool pool, HasMetadata child) {
    return pool.getMetadata().getUid() + "/" + child.getKind();
  }

  private <T extends HasMetadata> Outcome<T> attempt(
      WorkerPool pool, T desired, Optional<T> own, InformerEventSource<T, WorkerPool> cache) {
    try {
      if (own.isPresent()) {
        return new Outcome.Done<>(apply(desired, own, cache));
      }
      // The cache holds what has our label: what is in the way has not, nor has our own child when
      // someone took its label.
      var live = Optional.ofNullable(client.resource(desired).get());
      if (live.filter(actual -> !Names.owns(pool, actual)).isPresent()) {
        return new Outcome.Failed<>(conflict(desired), Optional.empty());
      }
      return new Outcome.Done<>(apply(desired, live, cache));
    } catch (KubernetesClientException e) {
      return refused(desired, own, e);
    }
  }

  /**
   * Where there is none yet, not by force: an object that someone makes in this moment keeps its
   * fields.
   */
  private <T extends HasMetadata> T apply(
      T desired, Optional<T> actual, InformerEventSource<T, WorkerPool> cache) {
    var stamped = Matcher.stamped(desired);
    var resource = client.resource(stamped).fieldManager(Names.FIELD_MANAGER);
    var id = ResourceID.fromResource(desired);
    if (actual.isPresent()) {
      var written = resource.forceConflicts().serverSideApply();
      cache.handleRecentResourceUpdate(id, written, actual.get());
      return written;
    }
    var written = resource.serverSideApply();
    cache.handleRecentResourceCreate(id, written);
    return written;
  }

  private static Problem conflict(HasMetadata desired) {
    return Problem.ofPool(
        Reason.ChildConflict,
        desired.getKind()
            + " "
            + desired.getMetadata().getName()
            + " exists already and is not this pool's");
  }

  private static <T extends HasMetadata> Outcome<T> refused(
      T desired, Optional<T> own, KubernetesClientException e) {
    var said = e.getStatus() == null ? e.getMessage() : e.getStatus().getMessage();
    var message = String.valueOf(said);
    var what = desired.getKind() + " " + desired.getMetadata().getName();
    int code = e.getCode();
    if (code == 404 || message.contains("being terminated")) {
      return new Outcome.Going<>();
    }
    if (code == 400 || code == 422 || isMalformed(message)) {
      return failed(Reason.TemplateInvalid, what, message, own);
    }
    if (code == 409) {
      return failed(Reason.ChildConflict, what, message, own);
    }
    if (code == 403) {
      var quota = message.contains("exceeded quota");
      return failed(quota ? Reason.QuotaExceeded : Reason.PodsRejected, what, message, own);
    }
    if (message.contains("failed calling webhook")) {
      // A 500. It may last, and its user is the one who can mend it.
      return failed(Reason.PodsRejected, what, message, own);
    }
    throw e;
  }

  /** Its answer, a 500, to a list with the same name twice. */
  private static boolean isMalformed(String message) {
    return message.contains("failed to create typed patch object");
  }

  private static <T> Outcome<T> failed(
      Reason reason, String what, String message, Optional<T> own) {
    return new Outcome.Failed<>(
        Problem.ofPool(reason, "the API server refuses " + what + ": " + message), own);
  }
}
