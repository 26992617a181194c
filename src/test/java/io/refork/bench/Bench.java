package io.refork.bench;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;

/** {@code make bench}: every figure in one run, into bench/results/, with machine and versions. */
public final class Bench {
  private Bench() {}

  /** {@code results}: the first part of its file's name, where it is measured alone. */
  private record Part(String name, String results, Callable<List<Figure>> measure) {
    Part(String name, Callable<List<Figure>> measure) {
      this(name, "agent", measure);
    }
  }

  /**
   * {@code args}: names of parts; none: all of the agent's (steered is a part of agent, too); those
   * of Python's servers and examples take longer, and only run by name. Exits with 1 when a bar was
   * missed.
   */
  public static void main(String[] args) throws Exception {
    var parts =
        List.of(
            new Part("sharing", Sharing::measure),
            new Part("requests", Requests::measure),
            new Part("agent", AgentCost::measure),
            new Part("steered", AgentCost::steered),
            new Part("flood", TokenFlood::measure),
            new Part("py07", "python", Throughput::measure),
            new Part("examples", "python", Examples::measure),
            new Part("unsharing", "python", Unsharing::measure));
    var figures = new ArrayList<Figure>();
    var results = "agent";
    for (var part : parts) {
      if (args.length == 0 ? part.results().equals("agent") : List.of(args).contains(part.name())) {
        results = part.results();
        System.out.println("-- " + part.name());
        for (var figure : part.measure().call()) {
          System.out.println(figure.row());
          figures.add(figure);
        }
      }
    }
    var name = args.length == 0 ? results : results + "-" + String.join("-", args);
    var file = write(figures, name, "make bench", versions());
    System.out.println("Written to " + file);
    System.exit(figures.stream().anyMatch(Figure::missed) ? 1 : 0);
  }

  /**
   * Writes bench/results/NAME.md.
   *
   * @param made by which command
   */
  public static Path write(List<Figure> figures, String name, String made, String versions)
      throws IOException, InterruptedException {
    var lines = new ArrayList<String>();
    lines.add("# " + LocalDate.now(ZoneOffset.UTC) + ": " + made);
    lines.add("");
    lines.add("Machine: " + machine());
    lines.add("");
    lines.add("Versions: " + versions);
    lines.add("");
    lines.add("| figure | median | spread | bar | |");
    lines.add("|---|---|---|---|---|");
    figures.forEach(f -> lines.add(f.row()));
    var file = Path.of("bench/results/" + name + ".md");
    Files.createDirectories(file.getParent());
    Files.write(file, lines);
    return file;
  }

  static String machine() throws IOException, InterruptedException {
    var model =
        Files.readAllLines(Path.of("/proc/cpuinfo")).stream()
            .filter(l -> l.startsWith("model name"))
            .map(l -> l.replaceAll(".*:\\s*", ""))
            .findFirst()
            .orElse("unknown CPU");
    long memory =
        Files.readAllLines(Path.of("/proc/meminfo")).stream()
            .filter(l -> l.startsWith("MemTotal"))
            .mapToLong(l -> Long.parseLong(l.replaceAll("\\D+", "")) >> 20)
            .findFirst()
            .orElse(0);
    var load = Files.readString(Path.of("/proc/loadavg")).split(" ")[0];
    return Runtime.getRuntime().availableProcessors()
        + " × "
        + model
        + ", "
        + memory
        + " GiB, Linux "
        + output("uname", "-r")
        + ", load average at the end "
        + load;
  }

  private static String versions() throws IOException, InterruptedException {
    return "Java "
        + Runtime.version()
        + ", "
        + output(io.refork.process.Apps.PYTHON, "-V")
        + ", "
        + output(io.refork.process.Apps.PYTHON, "-m", "gunicorn", "--version")
        + ", uvicorn "
        + output(
            Example.python("fastapi-books"), "-c", "import uvicorn; print(uvicorn.__version__)")
        + ", commit "
        + output("git", "rev-parse", "--short", "HEAD");
  }

  /** What a command says. */
  public static String output(String... command) throws IOException, InterruptedException {
    var process = new ProcessBuilder(command).redirectErrorStream(true).start();
    var text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
    process.waitFor();
    return text;
  }
}
