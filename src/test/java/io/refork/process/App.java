package io.refork.process;

/** The test application on each kind of server that the shim brings. */
public enum App {
  /** {@code refork.run}; one request at a time. */
  LOOP,
  /** gunicorn with threads. */
  GTHREAD,
  /** gunicorn, one request at a time, no connection kept. */
  SYNC,
  /** uvicorn with FastAPI, which answers from threads of its own. */
  UVICORN;

  /** An agent to be that reforks when asked, with options that suit a short test. */
  public AgentProcess.Builder agent() {
    return agentReforkingAfter("1000000000");
  }

  /** An agent to be that reforks after so many requests, and at once. */
  public AgentProcess.Builder agentReforkingAfter(String thresholds) {
    var builder =
        switch (this) {
          case LOOP -> AgentProcess.loopApp();
          case GTHREAD -> AgentProcess.gunicornApp("gthread", "--threads", "4");
          case SYNC -> AgentProcess.gunicornApp("sync");
          case UVICORN -> AgentProcess.uvicornApp();
        };
    return builder.options(
        "--refork-after", thresholds, "--refork-min-interval", "0s", "--kill-after", "500ms");
  }
}
