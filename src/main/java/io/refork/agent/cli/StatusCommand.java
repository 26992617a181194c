package io.refork.agent.cli;

import io.refork.agent.cli.AgentClient.NoAnswer;
import io.refork.agent.control.StatusReader;
import io.refork.agent.control.StatusReader.Answer;
import io.refork.protocol.Escape;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.time.Duration;

/** {@code refork status} and {@code refork refork}: what a running agent says. */
final class StatusCommand {
  private static final Duration PERIOD = Duration.ofSeconds(1);
  private static final String CLEAR = "\u001b[H\u001b[2J";
  private static final String HOME = "\u001b[H";
  private static final String TO_LINE_END = "\u001b[K";
  private static final String TO_SCREEN_END = "\u001b[J";

  private static final String ENVELOPE = "{\"status\":";

  private final AgentClient client;
  private final PrintStream out;
  private final boolean terminal;

  /** {@code terminal}: whether {@code out} understands escape sequences. */
  StatusCommand(Path directory, PrintStream out, boolean terminal) {
    this.client = new AgentClient(directory);
    this.out = out;
    this.terminal = terminal;
  }

  /** Shows the status once. */
  int show(boolean json) throws NoAnswer {
    var line = client.ask("status");
    print(line, json, "", "");
    return 0;
  }

  /** Shows it again every second until the reader or the agent goes away. */
  int watch(boolean json) throws NoAnswer {
    boolean first = true;
    boolean redraw = terminal && !json;
    while (!out.checkError()) {
      var line = client.ask("status");
      if (redraw) {
        out.print(first ? CLEAR : HOME);
      } else if (!first && !json) {
        out.println();
      }
      print(line, json, redraw ? TO_LINE_END : "", redraw ? TO_SCREEN_END : "");
      first = false;
      try {
        Thread.sleep(PERIOD);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return 0;
      }
    }
    return 0;
  }

  /** Asks for a refork and shows the verdict. */
  int refork() throws NoAnswer {
    return switch (read(client.ask("refork"))) {
      case Answer.Verdict v -> {
        out.println(Escape.plain(v.message(), 1000));
        out.flush();
        yield v.accepted() ? 0 : Cli.FAILED;
      }
      case Answer.Refused r ->
          throw new NoAnswer("the agent says: " + Escape.plain(r.error(), 1000));
      case Answer.State s -> throw notUnderstood();
    };
  }

  private void print(String line, boolean json, String lineEnd, String end) throws NoAnswer {
    switch (read(line)) {
      case Answer.State s -> {
        if (json) {
          out.println(object(line));
        } else {
          StatusText.lines(s.status()).forEach(text -> out.println(text + lineEnd));
          out.print(end);
        }
        out.flush();
      }
      case Answer.Refused r ->
          throw new NoAnswer("the agent says: " + Escape.plain(r.error(), 1000));
      case Answer.Verdict v -> throw notUnderstood();
    }
  }

  /** What the agent sent, without the envelope: fields that this client does not know are kept. */
  private static String object(String line) throws NoAnswer {
    if (!line.startsWith(ENVELOPE)) {
      throw notUnderstood();
    }
    return line.substring(ENVELOPE.length(), line.length() - 1);
  }

  private static Answer read(String line) throws NoAnswer {
    try {
      return StatusReader.answer(line);
    } catch (IOException e) {
      throw notUnderstood();
    }
  }

  private static NoAnswer notUnderstood() {
    return new NoAnswer(
        "the agent's answer is not understood; use the 'refork' that the agent was started with");
  }
}
