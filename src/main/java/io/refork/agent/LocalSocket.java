package io.refork.agent;

import io.refork.agent.Link.Received;
import io.refork.agent.control.LocalRequests;
import io.refork.agent.linux.Kernel;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/**
 * {@code agent.sock}: where {@code refork status} and {@code refork refork} ask. One line in, one
 * line out, closed.
 */
final class LocalSocket {
  /** People and dashboards ask a few times a second at most. */
  private static final int MAX_LINKS = 16;

  /** From connect to the last byte: the other end is a command that waits for nothing else. */
  private static final long BOUND = Duration.ofSeconds(5).toNanos();

  private final Kernel kernel;
  private final int listener;
  private final Function<byte[], byte[]> answer;
  private final Map<Integer, Link> links = new LinkedHashMap<>();

  LocalSocket(Kernel kernel, int listener, Function<byte[], byte[]> answer) {
    this.kernel = kernel;
    this.listener = listener;
    this.answer = answer;
  }

  List<Integer> readable() {
    var all = new java.util.ArrayList<>(links.keySet());
    if (links.size() < MAX_LINKS) {
      all.add(listener); // else they wait in the queue
    }
    return all;
  }

  void read(int fd, long now) {
    if (fd == listener) {
      accept(now);
      return;
    }
    var link = links.get(fd);
    if (link == null) {
      return;
    }
    switch (link.receive(LocalRequests.MAX_LINE)) {
      case Received.TooMuch() -> drop(link);
      case Received.Lines r -> {
        if (!r.lines().isEmpty() && !link.closing()) {
          link.sayLast(answer.apply(r.lines().getFirst()));
        }
        if (r.ended() || link.finished()) {
          drop(link);
        }
      }
    }
  }

  private void accept(long now) {
    while (links.size() < MAX_LINKS) {
      var accepted = kernel.accept(listener);
      if (accepted.isEmpty()) {
        return;
      }
      var link = new Link(kernel, accepted.get(), now);
      var uid = accepted.get().peer().uid();
      if (uid == kernel.uid() || uid == 0) {
        links.put(link.fd(), link);
      } else {
        link.close();
      }
    }
  }

  /** Goes on with long answers, and ends who is slow. */
  void turned(long now) {
    for (var link : List.copyOf(links.values())) {
      if (!link.flush() || link.finished() || now - link.openedAt() > BOUND) {
        drop(link);
      }
    }
  }

  private void drop(Link link) {
    links.remove(link.fd());
    link.close();
  }
}
