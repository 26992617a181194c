package io.refork.process;

/** The test application on each kind of server that the shim brings. */
public enum App {
  /** {@code refork.run}; one request at a time. */
  LOOP,
  /** Flask under gunicorn with threads. */
  GTHREAD,
  /** Flask under gunicorn, one request at a time, no connection kept. */
  SYNC,
  /** FastAPI under uvicorn, which answers from threads of its own. */
  UVICORN;

  /** Threads that a worker of it may have at two requests at once, its main thread included. */
  public int mostThreads() {
    return switch (this) {
      case LOOP, SYNC -> 1;
      case GTHREAD -> 1 + 4;
      case UVICORN -> 1 + 2 + 1; // one for each request, and one that may just be ending
    };
  }

  /** An agent to be that reforks when asked, with options that suit a short test. */
  public AgentProcess.Builder agent() {
    return agentReforkingAfter("1000000000");
  }

  /** An agent to be that reforks after so many requests, and at once. */
  public AgentProcess.Builder agentReforkingAfter(String thresholds) {
    var builder =
        switch (this) {
          case LOOP -> AgentProcess.loopApp();
          case GTHREAD -> AgentProcess.flaskApp("gthread", "--threads", "4");
          case SYNC -> AgentProcess.flaskApp("sync");
          case UVICORN -> AgentProcess.uvicornApp();
        };
    return builder.options(
        "--refork-after", thresholds, "--refork-min-interval", "0s", "--kill-after", "500ms");
  }
}
