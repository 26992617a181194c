package io.refork.agent;

import io.refork.agent.cli.Cli;
import java.io.BufferedOutputStream;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;

/** The entry of the program; everything else is in {@link Cli}. */
public final class Main {
  private Main() {}

  public static void main(String[] args) {
    // Containers rarely set a locale, and then System.out would show the tree's branches as
    // question marks.
    var out =
        new PrintStream(
            new BufferedOutputStream(new FileOutputStream(FileDescriptor.out)),
            false,
            StandardCharsets.UTF_8);
    var err =
        new PrintStream(new FileOutputStream(FileDescriptor.err), true, StandardCharsets.UTF_8);
    int code = new Cli(System.getenv(), out, err, Agent::run).run(args);
    out.flush();
    System.exit(code);
  }
}
