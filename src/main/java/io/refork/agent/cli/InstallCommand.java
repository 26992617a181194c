package io.refork.agent.cli;

import io.refork.agent.AgentFolder;
import io.refork.protocol.Escape;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.CopyOption;
import java.nio.file.FileSystemException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFileAttributeView;
import java.util.concurrent.TimeUnit;

/**
 * {@code refork install DIR}: copies the agent's folder, as the init container of a pod does. Times
 * go along to the whole second: the AOT cache knows the jars by them, and without the cache the
 * agent is 14 MiB bigger. Repeating it is harmless.
 */
final class InstallCommand {
  /** The copy starts in half a second; a cold disk shall not fail it. */
  private static final long CHECK_SECONDS = 30;

  private static final CopyOption[] ALIKE = {
    StandardCopyOption.COPY_ATTRIBUTES, LinkOption.NOFOLLOW_LINKS
  };

  private final AgentFolder home;
  private final PrintStream out;

  InstallCommand(AgentFolder home, PrintStream out) {
    this.home = home;
    this.out = out;
  }

  /** Something that the user can mend; a sentence. */
  static final class Failure extends Exception {
    private static final long serialVersionUID = 1L;

    Failure(String sentence) {
      super(sentence, null, false, false);
    }
  }

  /** Copies and checks; returns the exit code. */
  int install(Path directory) throws Failure {
    var to = directory.toAbsolutePath().normalize();
    if (to.startsWith(home.path()) || home.path().startsWith(to)) {
      throw new Failure(
          shown(to)
              + " and the agent's own folder "
              + shown(home.path())
              + " overlap; give another directory");
    }
    try {
      Files.createDirectories(to);
      copy(to);
    } catch (IOException e) {
      throw new Failure("cannot copy to " + shown(to) + ": " + reason(e));
    }
    var version = check(to);
    out.println(
        "installed "
            + version
            + " into "
            + shown(to)
            + "; the copy starts"
            + (hasCache(to) ? " with its AOT cache" : ""));
    out.flush();
    return 0;
  }

  private void copy(Path to) throws IOException {
    var from = home.path();
    Files.walkFileTree(
        from,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult preVisitDirectory(Path dir, BasicFileAttributes attributes)
              throws IOException {
            // The root's attributes are a volume's, which we may not set: only what lies in it is
            // copied.
            if (!dir.equals(from)) {
              var made = to.resolve(from.relativize(dir));
              if (!Files.isDirectory(made)) {
                Files.createDirectory(made);
              }
              modes(dir, made);
            }
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            var target = to.resolve(from.relativize(file));
            // Beside it and then over it: an agent that runs from there keeps the file it has
            // mapped.
            var next = target.resolveSibling(target.getFileName() + ".new");
            Files.deleteIfExists(next);
            Files.copy(file, next, ALIKE);
            Files.move(
                next, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult postVisitDirectory(
              Path dir, @org.jspecify.annotations.Nullable IOException problem) throws IOException {
            if (problem != null) {
              throw problem;
            }
            if (!dir.equals(from)) {
              Files.setLastModifiedTime(
                  to.resolve(from.relativize(dir)), Files.getLastModifiedTime(dir));
            }
            return FileVisitResult.CONTINUE;
          }
        });
  }

  private static void modes(Path from, Path to) throws IOException {
    var view = Files.getFileAttributeView(from, PosixFileAttributeView.class);
    Files.setPosixFilePermissions(to, view.readAttributes().permissions());
  }

  private static boolean hasCache(Path folder) {
    return Files.exists(folder.resolve("lib/refork.aot"));
  }

  /** Runs the copy; with the cache it must start from it. Returns what it calls itself. */
  private static String check(Path folder) throws Failure {
    var command = new ProcessBuilder(folder.resolve("bin/refork").toString(), "--version");
    if (hasCache(folder)) {
      // The default would go on without the cache and say nothing.
      command.environment().put("REFORK_JVM_OPTIONS", "-XX:AOTMode=on");
    }
    command.redirectErrorStream(true);
    try {
      var process = command.start();
      process.getOutputStream().close();
      boolean ended = process.waitFor(CHECK_SECONDS, TimeUnit.SECONDS);
      if (!ended) {
        process.destroyForcibly();
        throw new Failure(
            "the copy in " + shown(folder) + " did not answer within " + CHECK_SECONDS + " s");
      }
      var said = new String(process.getInputStream().readNBytes(65_536), StandardCharsets.UTF_8);
      if (process.exitValue() != 0) {
        throw new Failure(
            "the copy in "
                + shown(folder)
                + " does not start (code "
                + process.exitValue()
                + "): "
                + Escape.plain(said.strip(), 1000));
      }
      return Escape.plain(
          said.lines().filter(line -> line.startsWith("refork ")).findFirst().orElse("refork"), 80);
    } catch (IOException e) {
      throw new Failure(
          "the copy in "
              + shown(folder)
              + " cannot be run: "
              + reason(e)
              + "; is it mounted noexec, or is the machine of another kind?");
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new Failure("interrupted while the copy was checked");
    }
  }

  private static String reason(IOException e) {
    if (e instanceof AccessDeniedException denied) {
      return "permission denied: " + Escape.plain(String.valueOf(denied.getFile()), Escape.MAX);
    }
    var why =
        e instanceof FileSystemException f && f.getReason() != null
            ? f.getFile() + ": " + f.getReason()
            : e.getMessage();
    return Escape.plain(String.valueOf(why), Escape.MAX);
  }

  private static String shown(Path path) {
    return Escape.plain(path.toString(), Escape.MAX);
  }
}
