package io.refork.bench;

import io.refork.process.Ports;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;

/**
 * An application of examples/ as the benches run it.
 *
 * @param name of its folder
 * @param environment what it is told; large enough that a warm worker has caches of some 100 MB
 * @param arguments of {@code python -m refork}
 * @param alone the same server without an agent, by name: arguments of {@code python -m}, without
 *     workers and address
 * @param health a path that answers at once
 * @param paths what visitors ask for, in turns
 */
record Example(
    String name,
    Map<String, String> environment,
    List<String> arguments,
    Map<String, List<String>> alone,
    String health,
    List<String> paths) {

  private static final int PATHS = 4000;

  static Example flask() throws IOException, InterruptedException {
    var folder = Path.of("examples/flask-shop");
    var paths = Path.of("target/bench/flask-shop.paths").toAbsolutePath();
    Files.createDirectories(paths.getParent());
    var made =
        new ProcessBuilder(python("flask-shop"), "paths.py", "" + PATHS)
            .directory(folder.toFile())
            .redirectOutput(paths.toFile())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    if (made.waitFor() != 0) {
      throw new IllegalStateException("examples/flask-shop/paths.py failed");
    }
    return new Example(
        "flask-shop",
        Map.of(),
        List.of("gunicorn", "-c", "gunicorn.conf.py"),
        Map.of("gunicorn --preload", List.of("gunicorn", "-c", "gunicorn.conf.py", "--preload")),
        "/health",
        Files.readAllLines(paths));
  }

  static Example django() throws IOException, InterruptedException {
    int notes = 4000;
    var data = Files.createTempDirectory("refork-notes");
    var environment = Map.of("NOTES_COUNT", "" + notes, "NOTES_DATA", data.toString());
    var migrate =
        new ProcessBuilder(python("django-notes"), "manage.py", "migrate", "--verbosity", "0")
            .directory(Path.of("examples/django-notes").toFile())
            .inheritIO();
    migrate.environment().putAll(environment);
    if (migrate.start().waitFor() != 0) {
      throw new IllegalStateException("manage.py migrate of examples/django-notes failed");
    }
    var arguments =
        List.of("gunicorn", "-k", "gthread", "--threads", "4", "site_notes.wsgi:application");
    return new Example(
        "django-notes",
        environment,
        arguments,
        Map.of("gunicorn --preload", with(arguments, "--preload")),
        "/pid",
        numbered("/notes/%d", notes));
  }

  static Example fastapi() {
    int books = 4000;
    return new Example(
        "fastapi-books",
        Map.of("BOOKS", "" + books),
        List.of("uvicorn", "--no-access-log", "main:app"),
        Map.of(
            "uvicorn --workers",
            List.of("uvicorn", "--no-access-log", "main:app"),
            "gunicorn --preload",
            List.of("gunicorn", "--preload", "-k", "uvicorn_worker.UvicornWorker", "main:app")),
        "/health",
        numbered("/books/%d/similar", books));
  }

  /** The virtual environment that {@code build/setup} makes of its requirements.txt. */
  static String python(String name) {
    return Path.of(".cache/venv/examples-" + name + "/bin/python3").toAbsolutePath().toString();
  }

  private static List<String> numbered(String path, int most) {
    var chance = new Random(7);
    return chance.ints(PATHS, 1, most + 1).mapToObj(path::formatted).toList();
  }

  private static List<String> with(List<String> list, String... more) {
    var all = new ArrayList<>(list);
    all.addAll(1, List.of(more));
    return all;
  }

  /** Under the agent; reforks only when asked to. */
  Server refork(int workers, Path state, Map<String, String> more) {
    int port = Ports.free();
    var command =
        new ArrayList<>(
            List.of(
                Path.of("target/agent/bin/refork").toAbsolutePath().toString(),
                "run",
                "--workers",
                "" + workers,
                "--listen",
                "127.0.0.1:" + port,
                "--control",
                "127.0.0.1:" + Ports.free(),
                "--state-dir",
                state.toString(),
                "--refork-after",
                "100000000",
                "--canary-soak",
                "1s",
                "--",
                python(name),
                "-m",
                "refork"));
    command.addAll(arguments);
    return start(command, more, port, "refork");
  }

  /** One of {@link #alone}. */
  Server alone(String server, int workers) {
    int port = Ports.free();
    var command = new ArrayList<>(List.of(python(name), "-m"));
    command.addAll(alone.get(server));
    command.addAll(List.of("--workers", "" + workers));
    command.addAll(
        alone.get(server).getFirst().equals("uvicorn")
            ? List.of("--port", "" + port)
            : List.of("--bind", "127.0.0.1:" + port));
    return start(command, Map.of(), port, server.replaceAll("\\W+", "-"));
  }

  private Server start(List<String> command, Map<String, String> more, int port, String log) {
    var all = new java.util.HashMap<>(environment);
    all.putAll(more);
    return Server.start(
        command,
        all,
        Path.of("examples", name),
        port,
        health,
        Path.of("target/bench/" + name + "-" + log + ".log"));
  }
}
