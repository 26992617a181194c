package io.refork.agent;

import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * A command that starts a server by itself, without Refork's shim: the first mistake there is. It
 * serves, on a port of its own, and the agent would wait for its hello until the boot timeout.
 */
final class BareServer {
  private static final Set<String> OURS = Set.of("gunicorn", "uvicorn");

  private static final Set<String> OTHERS =
      Set.of("daphne", "hypercorn", "granian", "uwsgi", "waitress-serve", "celery", "flask");

  private BareServer() {}

  /** What to say about such a command; empty when it is none, as far as its words tell. */
  static Optional<String> hint(List<String> command) {
    var server = name(command.getFirst());
    int module = command.indexOf("-m");
    // With a script before it, -m is the script's.
    if (server.startsWith("python")
        && module > 0
        && module + 1 < command.size()
        && command.subList(1, module).stream().noneMatch(word -> word.endsWith(".py"))) {
      server = command.get(module + 1);
    }
    if (OURS.contains(server)) {
      return Optional.of(
          server
              + " alone does not speak Refork's protocol: put python -m refork in front, as in"
              + " refork run -- python -m refork "
              + server
              + " …");
    }
    return OTHERS.contains(server)
        ? Optional.of(
            server
                + " does not speak Refork's protocol: gunicorn and uvicorn can, see docs/python.md")
        : Optional.empty();
  }

  private static String name(String path) {
    return path.substring(path.lastIndexOf('/') + 1);
  }
}
