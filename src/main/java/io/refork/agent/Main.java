package io.refork.agent;

/** The command line of the agent. */
public final class Main {
  private Main() {}

  public static void main(String[] args) {
    System.out.println("refork");
  }
}
