package io.refork.agent.cli;

import io.refork.agent.cli.TrialSeen.Warning;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.regex.Pattern;

/**
 * What the agent and the application of a trial write, passed on byte by byte: it may have no line
 * ends, and be of any size. The agent's warnings are kept. One thread copies, any thread asks.
 */
final class TrialOutput {
  /** Longer than any line of the agent. */
  private static final int LINE = 8192;

  /** More rows are read by nobody, and the application may write lines that look like these. */
  private static final int MOST = 50;

  /** A warning of a process of the pool, as the agent logs it. */
  private static final Pattern WARNING =
      Pattern.compile(
          "\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z refork warn  the application warns"
              + " pid=\\d+ code=([a-z-]+) message=\"?(.*?)\"?");

  private final PrintStream err;
  private final byte[] line = new byte[LINE];
  private int length;
  private final List<Warning> warnings = new CopyOnWriteArrayList<>();

  TrialOutput(PrintStream err) {
    this.err = err;
  }

  /** Copies until the other side has closed. */
  void copy(InputStream from) {
    var buffer = new byte[LINE];
    try (from) {
      for (int n = from.read(buffer); n >= 0; n = from.read(buffer)) {
        err.write(buffer, 0, n);
        err.flush();
        look(buffer, n);
      }
    } catch (IOException e) {
      // the agent has ended
    }
  }

  private void look(byte[] bytes, int count) {
    for (int i = 0; i < count; i++) {
      if (bytes[i] == '\n') {
        lineEnds();
      } else if (length < LINE) {
        line[length++] = bytes[i];
      }
    }
  }

  private void lineEnds() {
    if (length < LINE && warnings.size() < MOST) {
      var match = WARNING.matcher(new String(line, 0, length, StandardCharsets.UTF_8));
      if (match.matches()) {
        warnings.add(new Warning(match.group(1), match.group(2).replace("\\\"", "\"")));
      }
    }
    length = 0;
  }

  /** What processes of the pool have warned of so far. */
  List<Warning> warnings() {
    return List.copyOf(warnings);
  }
}
