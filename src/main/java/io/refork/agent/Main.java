package io.refork.agent;

import io.refork.agent.cli.Cli;

/** The entry of the program; everything else is in {@link Cli}. */
public final class Main {
  private Main() {}

  public static void main(String[] args) {
    var cli =
        new Cli(
            System.getenv(),
            System.out,
            System.err,
            (settings, command, watcher) -> {
              System.err.println("refork run: the event loop is not there yet: " + settings);
              return 1;
            });
    System.exit(cli.run(args));
  }
}
