package io.refork.operator.pass;

import io.fabric8.kubernetes.api.model.Event;
import io.fabric8.kubernetes.api.model.EventBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.refork.api.WorkerPool;
import io.refork.operator.plan.Note;
import io.refork.operator.pods.Names;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.jboss.logging.Logger;

/**
 * Events on the pool. The same note again is the same Event with a higher count, and not more often
 * than once a minute; and no reason more often than {@value #MAX_OF_REASON} times in ten minutes.
 */
public final class EventWriter {
  /** Of one pass; a story that needs more is told by the status. */
  private static final int MAX_AT_ONCE = 10;

  private static final Duration QUIET = Duration.ofMinutes(1);

  /**
   * Of one pool and reason within {@link #WINDOW}: a pool that flaps, or an agent that has another
   * excuse each time, must not fill etcd.
   */
  private static final int MAX_OF_REASON = 10;

  private static final Duration WINDOW = Duration.ofMinutes(10);

  /** Notes remembered so that they are not repeated at once. */
  private static final int REMEMBERED = 4096;

  /** What the API server takes. */
  private static final int MAX_MESSAGE = 1024;

  /** With a point and a UUID behind it a name has 253 characters, the most that one may have. */
  private static final int MAX_PREFIX = 253 - 37;

  private static final Logger LOG = Logger.getLogger(EventWriter.class);

  private final KubernetesClient client;
  private final InstantSource clock;
  private final Map<String, Instant> told =
      new LinkedHashMap<>() {
        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Instant> eldest) {
          return size() > REMEMBERED;
        }
      };

  private final Map<String, Spent> spent =
      new LinkedHashMap<>() {
        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Spent> eldest) {
          return size() > REMEMBERED;
        }
      };

  /** Events of one pool and reason since the window began. */
  private record Spent(Instant since, int events) {}

  public EventWriter(KubernetesClient client, InstantSource clock) {
    this.client = client;
    this.clock = clock;
  }

  /** Never throws for what the API server does: an Event is no reason to fail a pass. */
  public void write(WorkerPool pool, List<Note> notes) {
    for (var note : notes.subList(0, Math.min(MAX_AT_ONCE, notes.size()))) {
      var event = event(pool, note);
      if (!isNews(pool.getMetadata().getNamespace() + "/" + event.getMetadata().getName())
          || !mayTell(pool.getMetadata().getUid() + "/" + note.reason())) {
        continue;
      }
      LOG.infof(
          "%s pool=%s/%s %s",
          note.reason(),
          pool.getMetadata().getNamespace(),
          pool.getMetadata().getName(),
          event.getMessage());
      try {
        write(event);
      } catch (KubernetesClientException e) {
        LOG.debugf("no Event was written: %s", e.getMessage());
      }
    }
  }

  private synchronized boolean isNews(String key) {
    var now = clock.instant();
    var last = told.get(key);
    if (last != null && now.isBefore(last.plus(QUIET))) {
      return false;
    }
    told.remove(key); // to the end of the line
    told.put(key, now);
    return true;
  }

  private synchronized boolean mayTell(String poolAndReason) {
    var now = clock.instant();
    var before = spent.get(poolAndReason);
    var current =
        before == null || !now.isBefore(before.since().plus(WINDOW)) ? new Spent(now, 0) : before;
    if (current.events() >= MAX_OF_REASON) {
      return false;
    }
    spent.put(poolAndReason, new Spent(current.since(), current.events() + 1));
    return true;
  }

  private void write(Event event) {
    try {
      client.resource(event).create();
    } catch (KubernetesClientException e) {
      if (e.getCode() != 409) {
        throw e;
      }
      // By name: an edit of the object in hand would count from 1 each time.
      client
          .v1()
          .events()
          .inNamespace(event.getMetadata().getNamespace())
          .withName(event.getMetadata().getName())
          .edit(
              old ->
                  new EventBuilder(old)
                      .withCount(old.getCount() == null ? 2 : old.getCount() + 1)
                      .withLastTimestamp(event.getLastTimestamp())
                      .build());
    }
  }

  private Event event(WorkerPool pool, Note note) {
    var metadata = pool.getMetadata();
    var now = clock.instant().truncatedTo(ChronoUnit.SECONDS).toString();
    var message = message(note);
    return new EventBuilder()
        .withNewMetadata()
        .withName(prefix(metadata.getName()) + "." + name(metadata.getUid(), note, message))
        .withNamespace(metadata.getNamespace())
        .endMetadata()
        .withNewInvolvedObject()
        .withApiVersion(WorkerPool.GROUP + "/" + WorkerPool.VERSION)
        .withKind("WorkerPool")
        .withName(metadata.getName())
        .withNamespace(metadata.getNamespace())
        .withUid(metadata.getUid())
        .endInvolvedObject()
        .withType(note.warning() ? "Warning" : "Normal")
        .withReason(note.reason().name())
        .withMessage(message)
        .withNewSource()
        .withComponent(Names.FIELD_MANAGER)
        .endSource()
        .withReportingComponent(Names.FIELD_MANAGER)
        .withReportingInstance(Names.FIELD_MANAGER)
        .withFirstTimestamp(now)
        .withLastTimestamp(now)
        .withCount(1)
        .build();
  }

  private static String message(Note note) {
    var pod = note.pod().map(name -> "pod " + name + ": ").orElse("");
    var advice = note.reason().toDo();
    var told = note.message().startsWith(pod) ? note.message() : pod + note.message();
    var all = advice.isEmpty() || told.contains(advice) ? told : told + "; " + advice;
    return all.length() > MAX_MESSAGE ? all.substring(0, MAX_MESSAGE) : all;
  }

  /** Whole words of a name end with a letter or a digit. */
  private static String prefix(String pool) {
    return pool.length() <= MAX_PREFIX
        ? pool
        : pool.substring(0, MAX_PREFIX).replaceAll("[-.]+$", "");
  }

  /** The same for the same note, so that repetitions meet. */
  private static String name(String uid, Note note, String message) {
    var text = uid + note.reason() + note.warning() + message;
    return UUID.nameUUIDFromBytes(text.getBytes(StandardCharsets.UTF_8)).toString();
  }
}
