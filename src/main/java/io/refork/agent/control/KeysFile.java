package io.refork.agent.control;

import io.refork.agent.log.Log;
import io.refork.protocol.control.PublicKeys;
import io.refork.protocol.control.PublicKeys.InvalidKeysException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;

/**
 * The operator's public keys as the file has them now. A file that is gone means no key; one that
 * cannot be understood leaves the keys as they were, and says so once. For one thread.
 */
final class KeysFile {
  /** A look is a system call; keys are exchanged a few times a year. */
  private static final Duration LOOK = Duration.ofSeconds(1);

  private final Optional<Path> file;
  private final Log log;
  private final Opener opener;
  private Optional<State> state = Optional.empty();
  private Optional<PublicKeys> keys = Optional.empty();

  /** Of the last look, if reading failed; else empty. */
  private String problem = "";

  private boolean unread;
  private boolean looked;
  private long lastLook;

  /** The file at one instant. A ConfigMap's file is a link, and exchanged as a whole. */
  private record State(String key, FileTime modified, long size) {}

  /** How the file is opened. */
  interface Opener {
    InputStream open(Path file) throws IOException;
  }

  /**
   * @param file empty: there never are any keys
   */
  KeysFile(Optional<Path> file, Log log) {
    this(file, log, Files::newInputStream);
  }

  KeysFile(Optional<Path> file, Log log, Opener opener) {
    this.opener = opener;
    this.file = file;
    this.log = log;
  }

  /**
   * Empty: nobody may steer this pod. A key that is new costs 10 ms, once.
   *
   * @param now monotonic nanoseconds
   */
  Optional<PublicKeys> keys(long now) {
    if (file.isPresent() && (!looked || now - lastLook >= LOOK.toNanos())) {
      looked = true;
      lastLook = now;
      look(file.get());
    }
    return keys;
  }

  private void look(Path file) {
    var seen = see(file);
    if (seen.equals(state) && !unread) {
      return;
    }
    state = seen;
    unread = false;
    if (seen.isEmpty()) {
      keys = Optional.empty();
      log.warn("no public keys: nobody can steer this pod", "file", file);
      return;
    }
    try (var in = opener.open(file)) {
      var read = PublicKeys.read(in.readNBytes(PublicKeys.MAX_TEXT + 1));
      keys = Optional.of(read);
      problem = "";
      log.info("public keys read", "file", file, "keys", read.keys().size());
    } catch (InvalidKeysException e) {
      problem = "";
      complain(file, String.valueOf(e.getMessage()));
    } catch (IOException e) {
      unread = true; // it may be readable at the next look, and still be the same file
      var again = problem;
      problem = String.valueOf(e.getMessage());
      if (!problem.equals(again)) {
        complain(file, problem);
      }
    }
  }

  private void complain(Path file, String reason) {
    log.warn("the public keys stay as they were", "file", file, "reason", reason);
  }

  private static Optional<State> see(Path file) {
    try {
      var a = Files.readAttributes(file, BasicFileAttributes.class);
      var key = Objects.toString(a.fileKey(), "");
      return a.isRegularFile()
          ? Optional.of(new State(key, a.lastModifiedTime(), a.size()))
          : Optional.empty();
    } catch (IOException e) {
      return Optional.empty();
    }
  }
}
