package io.refork.agent.linux;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;

/** What Java says of a failed file operation, as a sentence with the kernel's reason. */
final class FileProblems {
  private FileProblems() {}

  /** "{@code what}: reason; {@code advice}". */
  static KernelException explain(IOException e, String what, String advice) {
    return new KernelException(errno(e), what + ": " + reason(e) + "; " + advice);
  }

  private static String reason(IOException e) {
    if (e instanceof AccessDeniedException) {
      return "permission denied";
    }
    if (e instanceof FileSystemException f && f.getReason() != null) {
      return f.getReason();
    }
    return e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
  }

  /**
   * Java keeps the reason's text only, which is the C library's in the C locale the agent runs in.
   */
  private static int errno(IOException e) {
    if (e instanceof AccessDeniedException) {
      return Errno.EACCES;
    }
    return switch (reason(e)) {
      case "No space left on device" -> Errno.ENOSPC;
      case "Disk quota exceeded" -> Errno.EDQUOT;
      case "Read-only file system" -> Errno.EROFS;
      case "Not a directory" -> Errno.ENOTDIR;
      default -> Errno.EIO;
    };
  }
}
