package io.refork.agent;

import io.refork.agent.cli.Cli;

/** The entry of the program; everything else is in {@link Cli}. */
public final class Main {
  private Main() {}

  public static void main(String[] args) {
    var cli = new Cli(System.getenv(), System.out, System.err, Agent::run);
    System.exit(cli.run(args));
  }
}
